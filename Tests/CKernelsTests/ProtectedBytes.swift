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
    let start: UnsafeMutablePointer<UInt8>
    let count: Int

    /// - Parameter distance: how many bytes lie between the end and the protected page; moves the alignment.
    init(_ contents: [UInt8], distance: Int = 0) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let pages = (contents.count + distance + page - 1) / page
        mappedCount = (pages + 1) * page
        unsafe base = mmap(nil, mappedCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let protected = unsafe mprotect(base + pages * page, page, PROT_NONE)
        precondition(protected == 0, "the page behind the bytes could not be protected")
        count = contents.count
        unsafe start = (base + pages * page - distance - contents.count).assumingMemoryBound(to: UInt8.self)
        // The mapping has room for all of them.
        for (i, byte) in contents.enumerated() { unsafe start[i] = byte }
    }

    var contents: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

    deinit { unsafe munmap(base, mappedCount) }
}
