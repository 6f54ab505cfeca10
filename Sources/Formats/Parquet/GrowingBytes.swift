internal import Columnar

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Memory that grows and is used again and again: what the writer keeps between pages and row groups.
///
/// Behind `count` there are always `slack` bytes that kernels may read and write. New memory is not zeroed.
@safe final class GrowingBytes {
    static let slack = 32

    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    /// Bytes in use.
    var count = 0

    init(capacity: Int = 0) {
        self.capacity = capacity
        unsafe base = allocate(capacity + Self.slack)
    }

    deinit { unsafe free(base) }

    /// Makes room for `byteCount` bytes behind those in use, and tells where they begin.
    func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if count + byteCount > capacity {
            capacity = max(capacity + capacity / 2, count + byteCount, 256)
            unsafe base = reallocate(base, capacity + Self.slack)
        }
        return unsafe base + count
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        unsafe reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    func append(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe append($0) } }

    /// `byte`, `times` times.
    func append(repeating byte: UInt8, times: Int) {
        unsafe memset(reserve(times), Int32(byte), times)
        count += times
    }

    /// Forgets the bytes; gives memory above `kept` bytes back, so that one large row does not stay with us for good.
    func removeAll(keeping kept: Int = 4 << 20) {
        count = 0
        guard capacity > kept else { return }
        unsafe free(base)
        capacity = 0
        unsafe base = allocate(Self.slack)
    }

    /// Gives the bytes away as a buffer and starts anew, without memory of its own.
    func take() -> Buffer {
        // More than a quarter too much is given back before others keep it.
        if capacity - count > count / 4 + 4096 { unsafe base = reallocate(base, count + Self.slack) }
        defer {
            count = 0
            capacity = 0
            unsafe base = allocate(Self.slack)
        }
        return unsafe Buffer(adopting: base, byteCount: count)
    }

    subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    var bytes: UnsafeRawBufferPointer { unsafe self[0..<count] }

    /// The first element, for kernels.
    func pointer<Element: BitwiseCopyable>(_: Element.Type) -> UnsafeMutablePointer<Element> {
        unsafe base.assumingMemoryBound(to: Element.self)
    }
}
