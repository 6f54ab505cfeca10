import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Bytes whose end is the end of the accessible memory: the page behind them may not be touched.
@safe final class ProtectedBytes {
    private let base: UnsafeMutableRawPointer
    private let mappedCount: Int
    private let distance: Int
    let start: UnsafeMutablePointer<UInt8>
    let count: Int

    /// - Parameter distance: how many bytes lie between the end and the protected page; moves the alignment.
    init(_ contents: [UInt8], distance: Int = 0) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let pages = (contents.count + distance + page - 1) / page
        self.distance = distance
        mappedCount = (pages + 1) * page
        unsafe base = mmap(nil, mappedCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let protected = unsafe mprotect(base + pages * page, page, PROT_NONE)
        precondition(protected == 0, "the page behind the bytes could not be protected")
        count = contents.count
        let first = unsafe base + pages * page - distance - contents.count
        // The mapping has room for all of them.
        unsafe contents.withUnsafeBytes {
            unsafe UnsafeMutableRawBufferPointer(start: first, count: $0.count).copyMemory(from: $0)
        }
        unsafe start = first.assumingMemoryBound(to: UInt8.self)
    }

    var raw: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(start) }

    /// The bytes now. Whoever wrote beside them has been caught: the memory around was zero.
    var contents: [UInt8] {
        let before = unsafe min(64, UnsafePointer(start) - UnsafePointer(base.assumingMemoryBound(to: UInt8.self)))
        let untouched =
            unsafe UnsafeBufferPointer(start: start - before, count: before).allSatisfy { $0 == 0 }
            && UnsafeBufferPointer(start: start + count, count: distance).allSatisfy { $0 == 0 }
        #expect(untouched, "bytes beside the buffer were written")
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    deinit { unsafe munmap(base, mappedCount) }
}
