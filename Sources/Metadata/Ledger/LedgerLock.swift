import Glibc

/// An exclusive lock on a file beside the ledger, for as long as the value lives. The system drops it with the process.
final class LedgerLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(LedgerError) {
        descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LedgerError(.cannotOpen, path, "it cannot be made", systemCode: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw LedgerError(.inUse, path, "another coordinator holds the ledger", systemCode: errno)
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
