internal import CSystem
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads a file, or bytes `start ..< end` of it, into memory that the caller supplies.
///
/// - Errors: `ExtractError`: the file is gone, may not be read, or changed: when it is opened it is not the planned one,
///   or at the end of the range it is not the opened one any more.
/// - Cost: one system call a block, two more at the end; no buffer of its own.
@safe package final class FileReader: ByteSource {
    private let descriptor: CInt
    private let source: String
    private let path: String
    private let end: Int64
    private let opened: (byteCount: Int64, state: FileState)
    private var position: Int64
    private let observe: ((UnsafeRawBufferPointer) -> Void)?

    /// - Parameters:
    ///   - location: what is opened.
    ///   - path: what the file is called in messages.
    ///   - range: nil: all of the file.
    ///   - planned: the file when it was planned; another size or state now is an error.
    ///   - observe: sees every byte once, in order, after it was read: a hash.
    @safe package init(
        location: String, path: String, source: String, range: Range<Int64>? = nil, planned: SourceFile? = nil,
        observe: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) throws(ExtractError) {
        // Before it is opened: opening a pipe waits, opening a device may do something.
        _ = try FileList.look(at: location, source: source, subject: path)
        descriptor = unsafe system_open_regular(location)
        guard descriptor >= 0 else { throw FileList.failure(-descriptor, source: source, subject: path) }
        do throws(ExtractError) { opened = try Self.look(at: descriptor, source: source, path: path) } catch {
            close(descriptor)
            throw error
        }
        self.source = source
        self.path = path
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? opened.byteCount
        unsafe self.observe = observe
        // From here on `deinit` closes.
        if opened.byteCount != planned?.byteCount ?? opened.byteCount || end > opened.byteCount
            || planned?.state?.hasChanged(by: opened.state) ?? false
        {
            throw Self.changed(source: source, path: path)
        }
        posix_fadvise(descriptor, off_t(position), off_t(end - position), POSIX_FADV_SEQUENTIAL)
    }

    deinit { close(descriptor) }

    package func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = Int(min(Int64(memory.count), end - position))
        if wanted == 0 {
            if !memory.isEmpty { try checkUnchanged() }
            return 0
        }
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

    private func checkUnchanged() throws(ExtractError) {
        let now = try Self.look(at: descriptor, source: source, path: path)
        guard now == opened else { throw Self.changed(source: source, path: path) }
    }

    private static func look(
        at descriptor: CInt, source: String, path: String
    ) throws(ExtractError) -> (byteCount: Int64, state: FileState) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw FileList.failure(errno, source: source, subject: path)
        }
        return try FileList.described(status, source: source, subject: path)
    }

    static func changed(source: String, path: String) -> ExtractError {
        ExtractError(
            .unreadable, source: source, subject: path, reason: "the file changed while it was read",
            remedy: "run again once nobody writes to it")
    }
}
