import Synchronization

/// The first of the failures of several threads.
final class FirstFailure: Sendable {
    private let first = Mutex<StoreError?>(nil)

    var error: StoreError? { first.withLock { $0 } }
    func note(_ error: StoreError) { first.withLock { $0 = $0 ?? error } }
}
