import Glibc

/// The error numbers that a caller acts upon.
enum ErrorNumber {
    static let noSpace = ENOSPC
    static let quota = EDQUOT
    static let fileTooBig = EFBIG
    static let accessDenied = EACCES
    static let notPermitted = EPERM
    static let readOnly = EROFS
    static let exists = EEXIST
    static let absent = ENOENT
    static let noFolder = ENOTDIR
    static let nameTooLong = ENAMETOOLONG
    static let interrupted = EINTR
    static let notSupported = EOPNOTSUPP
    static let notImplemented = ENOSYS
    static let invalid = EINVAL
    static let tooManyLinks = EMLINK
    static let otherDevice = EXDEV
}

/// An open file. It is closed on purpose, so that a late error is seen, or by its end.
struct OpenFile: ~Copyable {
    /// -1 once closed.
    private var descriptor: Int32
    private let subject: String

    /// A new file; an existing one is an error.
    static func create(_ path: String, mode: mode_t, subject: String) throws(StoreError) -> OpenFile {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .system(errno, subject, "create the file") }
        return OpenFile(descriptor: descriptor, subject: subject)
    }

    /// To be written from its start; nothing is cut off.
    static func existing(_ path: String, subject: String) throws(StoreError) -> OpenFile {
        try openExisting(path, O_WRONLY, subject)
    }

    static func read(_ path: String, subject: String) throws(StoreError) -> OpenFile {
        try openExisting(path, O_RDONLY, subject)
    }

    /// A file without a name, for this process alone; it is gone when it is closed, however the process ends.
    static func temporary(subject: String) throws(StoreError) -> OpenFile {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var path = Array("\(folder)/etlx.\(String(repeating: "X", count: 6))".utf8CString)
        // Made for this user alone; its name is taken away before anything is in it.
        let descriptor = unsafe mkstemp(&path)
        guard descriptor >= 0 else { throw .system(errno, subject, "make a temporary file") }
        unsafe unlink(path)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return OpenFile(descriptor: descriptor, subject: subject)
    }

    private static func openExisting(_ path: String, _ access: Int32, _ subject: String)
        throws(StoreError) -> OpenFile
    {
        let descriptor = unsafe open(path, access | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, subject, "open the file") }
        return OpenFile(descriptor: descriptor, subject: subject)
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            // `done` is below `count`, so the pointer stays inside the caller's buffer.
            let written = unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if written < 0 {
                if errno == EINTR { continue }
                throw .system(errno, subject, "write")
            }
            done += written
        }
    }

    /// Fills `buffer` as far as the file goes; the number of bytes read, 0 at its end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64 = 0) throws(StoreError) -> Int {
        var done = 0
        while done < buffer.count {
            // `done` is below `count`, so the pointer stays inside the caller's buffer.
            let count = unsafe pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(errno, subject, "read")
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Nobody writes it from here on; who reads it stays as the umask had it at its making.
    func makeReadOnly() throws(StoreError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, fchmod(descriptor, status.st_mode & 0o444) == 0 else {
            throw .system(errno, subject, "set permissions")
        }
    }

    /// Asked once: after a failed flush the system may have dropped the pages, and a second call would lie.
    func flush() throws(StoreError) {
        guard fsync(descriptor) == 0 else { throw .system(errno, subject, "flush to disk") }
    }

    consuming func close() throws(StoreError) {
        let open = descriptor
        // Closed once, whatever comes of it: the number may be another file's by now.
        descriptor = -1
        guard Glibc.close(open) == 0 else { throw .system(errno, subject, "close the file") }
    }
}

/// Files and folders below one root; paths are relative to it and appear so in errors.
struct FileSystem: Sendable {
    let root: String

    func absolute(_ path: String) -> String { path.isEmpty ? root : "\(root)/\(path)" }

    struct Status {
        let byteCount: Int64
        let linkCount: Int
        let inode: UInt64
        let isFolder: Bool
        /// The permissions alone.
        let mode: mode_t
    }

    /// nil: nothing is there. A symbolic link is not followed.
    func status(_ path: String) throws(StoreError) -> Status? {
        var found = stat()
        guard unsafe lstat(absolute(path), &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system(errno, path, "look")
        }
        return Status(
            byteCount: Int64(found.st_size), linkCount: Int(found.st_nlink), inode: UInt64(found.st_ino),
            isFolder: found.st_mode & S_IFMT == S_IFDIR, mode: found.st_mode & 0o7777)
    }

    /// Makes a folder and the missing ones above it, below the root.
    func makeFolder(_ path: String) throws(StoreError) {
        var made = ""
        for segment in path.split(separator: "/") {
            made += made.isEmpty ? String(segment) : "/\(segment)"
            if unsafe mkdir(absolute(made), 0o755) != 0, errno != EEXIST {
                throw .system(errno, made, "make the folder")
            }
        }
    }

    func makeRoot() throws(StoreError) {
        var made = root.hasPrefix("/") ? "/" : ""
        for segment in root.split(separator: "/") {
            made += made.isEmpty || made == "/" ? String(segment) : "/\(segment)"
            // A folder that exists above may refuse with another error than EEXIST (read-only system folders).
            if unsafe mkdir(made, 0o755) != 0, errno != EEXIST, unsafe access(made, F_OK) != 0 {
                throw .system(errno, made, "make the store's folder")
            }
        }
    }

    /// Names in a folder, sorted by bytes; empty when the folder is absent.
    func names(_ path: String) throws(StoreError) -> [String] {
        guard let folder = unsafe opendir(absolute(path)) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw .system(errno, path, "list the folder")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(folder) else {
                guard errno == 0 else { throw .system(errno, path, "list the folder") }
                break
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // The system ends every name with a zero byte within the field.
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// All files below a folder, relative to it, sorted by bytes.
    func files(below path: String) throws(StoreError) -> [String] {
        var found: [String] = []
        for name in try names(path) {
            if try status("\(path)/\(name)")?.isFolder == true {
                found += try files(below: "\(path)/\(name)").map { "\(name)/\($0)" }
            } else {
                found.append(name)
            }
        }
        return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    func flushFolder(_ path: String) throws(StoreError) {
        let descriptor = unsafe open(absolute(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, path, "open the folder") }
        defer { close(descriptor) }
        // Some network file systems have no flush for folders and say so.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system(errno, path, "flush the folder to disk") }
    }

    func read(_ path: String, limit: Int = 256 << 20) throws(StoreError) -> [UInt8] {
        guard let status = try status(path) else { throw StoreError(.notFound, path, "no such file") }
        guard !status.isFolder, status.byteCount <= limit else {
            throw StoreError(.damaged, path, "no such small file")
        }
        let file = try OpenFile.read(absolute(path), subject: path)
        var bytes = [UInt8](repeating: 0, count: Int(status.byteCount))
        let count: Int
        do {
            count = try unsafe bytes.withUnsafeMutableBytes { buffer in try unsafe file.read(into: buffer) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.inputOutput, path, "cannot read")
        }
        return count == bytes.count ? bytes : Array(bytes[..<count])
    }

    /// A new file with these bytes, read-only and on disk when this returns. Its folder is not flushed.
    func write(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let file = try OpenFile.create(absolute(path), mode: 0o644, subject: path)
        do {
            try unsafe bytes.withUnsafeBytes { buffer in try unsafe file.write(buffer) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.inputOutput, path, "cannot write")
        }
        try file.makeReadOnly()
        try file.flush()
        try file.close()
    }

    func remove(_ path: String) throws(StoreError) {
        guard unsafe unlink(absolute(path)) == 0 || errno == ENOENT else {
            throw .system(errno, path, "remove the file")
        }
    }

    func rename(_ path: String, to target: String) throws(StoreError) {
        guard unsafe Glibc.rename(absolute(path), absolute(target)) == 0 else {
            throw .system(errno, target, "rename to it")
        }
    }

    func setMode(_ path: String, _ mode: mode_t) throws(StoreError) {
        guard unsafe chmod(absolute(path), mode) == 0 else { throw .system(errno, path, "set permissions") }
    }

    /// Lets the owner change a folder; for others nothing changes. One that is absent is no error.
    func openToOwner(_ path: String) throws(StoreError) {
        guard let status = try status(path), status.mode & 0o700 != 0o700 else { return }
        try setMode(path, status.mode | 0o700)
    }

    /// Nobody adds or removes a name from here on.
    func closeToWriters(_ path: String) throws(StoreError) {
        guard let status = try status(path) else { return }
        try setMode(path, status.mode & 0o555)
    }

    /// A folder with all that is in it. What is already gone is no error.
    func removeTree(_ path: String) throws(StoreError) {
        guard let status = try status(path) else { return }
        guard status.isFolder else { return try remove(path) }
        // A committed run's folders are read-only; names in such a folder can only be removed by the super-user.
        try openToOwner(path)
        for name in try names(path) { try removeTree("\(path)/\(name)") }
        guard unsafe rmdir(absolute(path)) == 0 || errno == ENOENT else {
            throw .system(errno, path, "remove the folder")
        }
    }
}
