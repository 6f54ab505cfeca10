internal import Foundation
internal import Synchronization

/// Does something to every item, on so many threads at most; ends early at a failure.
///
/// - Throws: the first failure.
func concurrently<Item: Sendable>(
    _ items: [Item], _ atATime: Int, _ body: @Sendable (Item) throws(StoreError) -> Void
) throws(StoreError) {
    if items.count == 1 { return try body(items[0]) }
    let failure = FirstFailure()
    DispatchQueue.concurrentPerform(iterations: min(items.count, atATime)) { lane in
        for index in stride(from: lane, to: items.count, by: atATime) {
            if failure.error != nil { return }
            do throws(StoreError) { try body(items[index]) } catch { failure.note(error) }
        }
    }
    if let error = failure.error { throw error }
}

/// The first of the failures of several threads.
final class FirstFailure: Sendable {
    private let first = Mutex<StoreError?>(nil)

    var error: StoreError? { first.withLock { $0 } }
    func note(_ error: StoreError) { first.withLock { $0 = $0 ?? error } }
}
