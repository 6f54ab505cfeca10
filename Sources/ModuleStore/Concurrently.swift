internal import Foundation
internal import Synchronization

/// Does something to every item, several at a time, with the outcome of doing it to one after another.
///
/// - Parameter atATime: threads at most, all of them new; they begin items in their order.
/// - Returns: what came of each item, in their order.
/// - Throws: the failure of the first item, in their order, that fails. All before it were done, of those after it perhaps
///   some.
@discardableResult
package func concurrently<Item: Sendable, Outcome: Sendable, Failure: Error>(
    _ items: [Item], atATime: Int, _ body: @escaping @Sendable (Item) throws(Failure) -> Outcome
) throws(Failure) -> [Outcome] {
    guard items.count > 1, atATime > 1 else {
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try body(item)) }
        return outcomes
    }
    let lanes = Lanes<Outcome, Failure>(items.count)
    let group = DispatchGroup()
    for _ in 0..<min(items.count, atATime) {
        group.enter()
        let thread = Thread {
            defer { group.leave() }
            while let index = lanes.next() {
                do throws(Failure) { lanes.end(index, .success(try body(items[index]))) } catch {
                    lanes.end(index, .failure(error))
                }
            }
        }
        thread.stackSize = 8 << 20
        thread.start()
    }
    group.wait()
    var outcomes: [Outcome] = []
    for outcome in lanes.outcomes { outcomes.append(try outcome.get()) }
    return outcomes
}

/// The items that several threads share among them.
private final class Lanes<Outcome: Sendable, Failure: Error>: Sendable {
    private struct State {
        var next = 0
        var hasFailed = false
        var results: [Result<Outcome, Failure>?]
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(results: Array(repeating: nil, count: count))) }

    /// nil: nothing more is begun.
    func next() -> Int? {
        state.withLock { state in
            guard !state.hasFailed, state.next < state.results.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func end(_ index: Int, _ result: Result<Outcome, Failure>) {
        state.withLock { state in
            if case .failure = result { state.hasFailed = true }
            state.results[index] = result
        }
    }

    /// Of the items that were begun.
    var outcomes: [Result<Outcome, Failure>] { state.withLock { $0.results.compactMap(\.self) } }
}
