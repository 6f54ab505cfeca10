#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Secret bytes in pages of their own: kept out of swap and core dumps where the system allows it, zeroed on release,
/// never printed. All keys and credentials are held by it.
///
/// Locking is best effort: a container without the right to lock memory still runs.
/// `@unchecked Sendable`: written by `init`'s closure alone, read-only afterwards.
@safe package final class WipedBytes: @unchecked Sendable, CustomStringConvertible {
    private let base: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    package let byteCount: Int

    package init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let pageSize = sysconf(Int32(_SC_PAGESIZE))
        mappedByteCount = (max(byteCount, 1) + pageSize - 1) / pageSize * pageSize
        self.byteCount = byteCount
        let memory = unsafe mmap(nil, mappedByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { preconditionFailure("out of memory") }
        unsafe base = unsafe memory
        _ = unsafe mlock(memory, mappedByteCount)
        _ = unsafe madvise(memory, mappedByteCount, MADV_DONTDUMP)
        unsafe fill(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
    }

    package convenience init(_ text: String) {
        var text = text
        let count = text.utf8.count
        self.init(byteCount: count) { target in
            text.withUTF8 { unsafe target.copyMemory(from: UnsafeRawBufferPointer($0)) }
        }
    }

    package var isEmpty: Bool { byteCount == 0 }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// The bytes as text, for a header of one request.
    package func reveal() -> String { unsafe withBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    package var description: String { "(secret)" }

    deinit {
        unsafe explicit_bzero(base, mappedByteCount)
        unsafe munmap(base, mappedByteCount)
    }
}
