internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A small file of PEM text, tokens or keys, read whole. Its permissions are those of the very file that was read.
struct GuardedFile {
    /// Whether a path still leads to the same bytes with the same permissions: by the time of the last change of either.
    struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
        let byteCount: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    enum Problem: Error, Equatable {
        case unreadable(errno: CInt)
        case noRegularFile
        case tooLong
        case readByOthers

        func words(_ path: String) -> String {
            switch self {
            case .unreadable(let code): "\(path) cannot be read (errno \(code))"
            case .noRegularFile: "\(path) is no regular file"
            case .tooLong: "\(path) is longer than \(Limits.bytesPerCredentialFile) bytes"
            case .readByOthers: "\(path) can be read by others: chmod 600 it"
            }
        }
    }

    let bytes: [UInt8]
    let identity: Identity

    /// `isSecret`: nobody but the owner may read it; root's files may be read by a group, which is how they are handed
    /// to a process that is not root (the rule of libpq for `sslkey`).
    init(_ path: String, isSecret: Bool) throws(Problem) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .noRegularFile }
        let isHandedOver = status.st_uid == 0 && geteuid() != 0
        guard !isSecret || status.st_mode & (isHandedOver ? 0o037 : 0o077) == 0 else { throw .readByOthers }
        guard status.st_size <= Limits.bytesPerCredentialFile else { throw .tooLong }
        bytes = try Self.bytes(descriptor)
        identity = Identity(status)
    }

    /// What a path leads to now; nil if to nothing.
    static func identity(_ path: String) -> Identity? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Identity(status) : nil
    }

    private static func bytes(_ descriptor: CInt) throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw .unreadable(errno: errno) }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= Limits.bytesPerCredentialFile else { throw .tooLong }
        }
    }
}

extension GuardedFile.Identity {
    fileprivate init(_ status: stat) {
        self.init(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), byteCount: Int64(status.st_size),
            seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec)
    }
}
