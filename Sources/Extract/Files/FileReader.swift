internal import CSystem
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads a file, or bytes `start ..< end` of it, into memory that the caller supplies.
///
/// - Errors: `ExtractError`: the file is gone, may not be read, or is not as long as the plan says.
/// - Cost: one system call a block; no buffer of its own.
@safe package final class FileReader: ByteSource {
    private let descriptor: CInt
    private let source: String
    private let path: String
    private let end: Int64
    private var position: Int64
    private let observe: ((UnsafeRawBufferPointer) -> Void)?

    /// - Parameters:
    ///   - location: what is opened.
    ///   - path: what the file is called in messages.
    ///   - range: nil: all of the file.
    ///   - plannedByteCount: the file's size when it was planned; another size now is an error.
    ///   - observe: sees every byte once, in order, after it was read: a hash.
    @safe package init(
        location: String, path: String, source: String, range: Range<Int64>? = nil, plannedByteCount: Int64? = nil,
        observe: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) throws(ExtractError) {
        let byteCount = try FileList.byteCount(location, source: source, subject: path)
        if byteCount != plannedByteCount ?? byteCount || range?.upperBound ?? byteCount > byteCount {
            throw Self.changed(source: source, path: path)
        }
        descriptor = unsafe system_open_regular(location)
        guard descriptor >= 0 else { throw FileList.failure(-descriptor, source: source, subject: path) }
        self.source = source
        self.path = path
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? byteCount
        unsafe self.observe = observe
        posix_fadvise(descriptor, off_t(position), off_t(end - position), POSIX_FADV_SEQUENTIAL)
    }

    deinit { close(descriptor) }

    package func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = Int(min(Int64(memory.count), end - position))
        if wanted == 0 { return 0 }
        while true {
            let count = unsafe pread(descriptor, memory.baseAddress!, wanted, off_t(position))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileList.failure(errno, source: source, subject: path)
            }
            if count == 0 { throw Self.changed(source: source, path: path) }
            position += Int64(count)
            unsafe observe?(UnsafeRawBufferPointer(rebasing: memory[..<count]))
            return count
        }
    }

    private static func changed(source: String, path: String) -> ExtractError {
        ExtractError(
            .unreadable, source: source, subject: path, reason: "the file has changed since it was planned",
            remedy: "run again")
    }
}
