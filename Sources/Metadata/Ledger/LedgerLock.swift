import Glibc

/// An exclusive lock on a file beside the ledger, for as long as the value lives. The system drops it with the process.
final class LedgerLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// nil: another holds it.
    static func take(path: String) throws(LedgerError) -> LedgerLock? {
        let descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LedgerError(.cannotOpen, path, "it cannot be made", systemCode: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return LedgerLock(descriptor: descriptor)
    }

    deinit { close(descriptor) }
}
