internal import CSystem
package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The files that a path or glob means, sorted by the bytes of their paths, so that every machine reads them in one
/// order.
///
/// `*`, `?` and `[…]` match within one folder's names (POSIX `glob`); names with a leading dot only where the pattern
/// has it. A path that exists as it is written is that file, whatever characters its name has.
package struct FileList: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        /// Relative to the document's folder where it lies below it, otherwise absolute: what plans, messages and
        /// metadata call it.
        package let path: String
        /// Absolute: what is opened.
        package let location: String
        package let byteCount: Int64
        package let state: FileState
    }

    package let files: [File]

    /// - Parameters:
    ///   - pattern: relative to `folder` unless absolute.
    ///   - folder: the document's, absolute.
    ///   - source: the source's name, for errors.
    /// - Throws: `ExtractError`: `.notFound` when nothing matches; `.notPermitted` or `.unreadable` for a folder or
    ///   file that cannot be read, a match that is a folder or a device.
    package init(pattern: String, folder: String, source: String) throws(ExtractError) {
        var locations: [String]
        let plain = Self.joined(folder, pattern)
        if Self.exists(plain) {
            locations = [plain]
        } else {
            // The folder is a name, not a pattern.
            locations = try Self.matches(
                pattern.hasPrefix("/") ? pattern : Self.joined(Self.escaped(folder), pattern), source: source,
                subject: pattern)
        }
        guard !locations.isEmpty else {
            throw ExtractError(
                .notFound, source: source, subject: pattern, reason: "no file matches",
                remedy: "paths start at the document's folder")
        }
        locations.sort { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        var files: [File] = []
        for location in locations {
            let path = Self.relative(location, to: folder)
            let (byteCount, state) = try Self.look(at: location, source: source, subject: path)
            files.append(File(path: path, location: location, byteCount: byteCount, state: state))
        }
        self.files = files
    }

    /// Where a path of a plan lies.
    package static func location(ofPath path: String, folder: String) -> String { joined(folder, path) }

    /// The size and state of a file that can be read; an error for anything else.
    static func look(
        at location: String, source: String, subject: String
    ) throws(ExtractError) -> (byteCount: Int64, state: FileState) {
        var status = stat()
        guard unsafe stat(location, &status) == 0 else { throw failure(errno, source: source, subject: subject) }
        let found = try described(status, source: source, subject: subject)
        guard unsafe access(location, R_OK) == 0 else { throw failure(errno, source: source, subject: subject) }
        return found
    }

    /// The size and state of what was looked at; an error for anything but a regular file.
    static func described(
        _ status: stat, source: String, subject: String
    ) throws(ExtractError) -> (byteCount: Int64, state: FileState) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw ExtractError(
                .unreadable, source: source, subject: subject, reason: "is a folder, not a file",
                remedy: "write a pattern of files, as in `folder/*.csv`")
        default:
            throw ExtractError(.unreadable, source: source, subject: subject, reason: "is not a regular file")
        }
        return (Int64(status.st_size), FileState(status))
    }

    static func failure(_ code: CInt, source: String, subject: String) -> ExtractError {
        let (kind, reason): (ExtractError.Code, String) =
            switch code {
            case ENOENT, ENOTDIR: (.notFound, "no such file")
            case EACCES, EPERM: (.notPermitted, "may not be read")
            case EMFILE, ENFILE, EIO, EINTR, ENOMEM: (.transient, "could not be read")
            default: (.unreadable, "could not be read")
            }
        return ExtractError(kind, source: source, subject: subject, reason: reason, foreignCode: "errno \(code)")
    }

    private static func matches(_ pattern: String, source: String, subject: String) throws(ExtractError) -> [String] {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        // A folder that is not there matches nothing; one that may not be read could hide files.
        let isFatal: @convention(c) (UnsafePointer<CChar>?, CInt) -> CInt = { _, code in
            code == ENOENT || code == ENOTDIR ? 0 : 1
        }
        switch unsafe glob(pattern, GLOB_NOSORT, isFatal, &found) {
        case 0:
            return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
                unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
            }
        case GLOB_NOMATCH: return []
        case GLOB_ABORTED:
            throw ExtractError(.notPermitted, source: source, subject: subject, reason: "a folder may not be read")
        default: throw ExtractError(.transient, source: source, subject: subject, reason: "could not be listed")
        }
    }

    private static func exists(_ location: String) -> Bool {
        var status = stat()
        return unsafe lstat(location, &status) == 0
    }

    private static func joined(_ folder: String, _ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var path = Substring(path)
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }

    private static func relative(_ location: String, to folder: String) -> String {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return location.hasPrefix(prefix) ? String(location.dropFirst(prefix.count)) : location
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { out, character in
            if "*?[]\\".contains(character) { out.append("\\") }
            out.append(character)
        }
    }
}

extension FileState {
    fileprivate init(_ status: stat) {
        self.init(
            place: Self.here, device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            modified: Self.nanoseconds(status.st_mtim), changed: Self.nanoseconds(status.st_ctim))
    }

    /// A time further away than 64 bits of nanoseconds reach is still a time like no other.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// This boot of this machine, and the mounts that this process sees.
    private static let here: String? = {
        let file = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var boot = [UInt8](repeating: 0, count: 36)
        let count = unsafe boot.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress!, $0.count) }
        var mounts = stat()
        guard count == boot.count, unsafe stat("/proc/self/ns/mnt", &mounts) == 0 else { return nil }
        return "\(String(decoding: boot, as: UTF8.self)) \(mounts.st_ino)"
    }()
}
