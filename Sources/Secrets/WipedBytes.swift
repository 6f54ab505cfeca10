internal import CCrypto

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Secret bytes in pages of their own: kept out of swap and core dumps where the system allows it, zeroed on release.
///
/// Locking is best effort: a container without the right to lock memory still runs.
/// `@unchecked Sendable`: written by `init`'s closure alone, read-only afterwards.
@safe final class WipedBytes: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    let byteCount: Int

    init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
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

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    deinit {
        unsafe OPENSSL_cleanse(base, mappedByteCount)
        unsafe munmap(base, mappedByteCount)
    }
}
