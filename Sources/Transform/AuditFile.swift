package import Model

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// An audit file that cannot be written. Holds its path, never what was to be written.
package struct AuditError: Error, Sendable, Equatable, CustomStringConvertible {
    package let path: String
    /// nil: it is no ordinary file, so nothing written to it would stay.
    package let systemCode: Int32?

    package var description: String {
        "the audit file \(path) cannot be written" + (systemCode.map { " (errno \($0))" } ?? ": it is no ordinary file")
            + "; name a file that this user may append to"
    }
}

/// A file of audit lines, one JSON object each, that only grows.
///
/// It is opened before anything secret is computed, and a line is on disk before anything is shown: an entry for what was
/// not shown may exist, what was shown without an entry may not.
package struct AuditFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Opens or creates (mode 0600) the file. Links are not followed.
    package init(path: String) throws(AuditError) {
        let opened = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard opened >= 0 else { throw AuditError(path: path, systemCode: errno) }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw AuditError(path: path, systemCode: nil)
        }
        descriptor = opened
        self.path = path
    }

    /// Appends one line, in one write, and waits until the disk has it.
    package borrowing func append(_ entry: JSON) throws(AuditError) {
        let line = Array((entry.text() + "\n").utf8)
        let written = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress!, $0.count) }
        guard written == line.count, fsync(descriptor) == 0 else {
            throw AuditError(path: path, systemCode: written == line.count || written < 0 ? errno : ENOSPC)
        }
    }

    deinit { close(descriptor) }
}
