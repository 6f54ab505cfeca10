import Glibc

/// The permissions of a ledger's files: its owner reads and writes them, nobody else does either, whatever the umask.
enum LedgerFile {
    /// Makes the file where it is absent; SQLite gives its permissions to the files that it makes beside it.
    ///
    /// - Throws: `.cannotOpen` where the files are somebody else's, or the folder is not there.
    static func keepToOwner(_ path: String) throws(LedgerError) {
        // Never opened where it is there: closing it would drop the locks that SQLite holds on it in this process.
        let made = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if made >= 0 {
            close(made)
        } else if errno != EEXIST {
            let code = errno
            let isFull = [ENOSPC, EDQUOT].contains(code)
            throw LedgerError(isFull ? .noSpace : .cannotOpen, path, "it cannot be made", systemCode: code)
        }
        for file in [path, "\(path)-wal", "\(path)-shm", "\(path)-journal", "\(path).lock"] {
            var status = stat()
            guard unsafe stat(file, &status) == 0, status.st_mode & 0o777 != 0o600 else { continue }
            guard unsafe chmod(file, 0o600) == 0 || errno == ENOENT else {
                throw LedgerError(.cannotOpen, file, "its permissions cannot be set to its owner's", systemCode: errno)
            }
        }
    }
}
