internal import Dispatch
internal import Foundation
internal import Synchronization

/// Calls that may never return, on a thread of their own.
enum Deadline {
    private enum State<Value: Sendable>: Sendable { case running, abandoned, done(Value) }

    /// What `work` gave, or nil when it took longer than `limit`: it goes on, and `late` gets its value if it ever ends.
    ///
    /// - Cost: one thread; an abandoned one stays for as long as its call blocks.
    static func run<Value: Sendable>(
        _ limit: Duration, late: @escaping @Sendable (Value) -> Void = { _ in }, _ work: @escaping @Sendable () -> Value
    ) -> Value? {
        let state = Shared<State<Value>>(.running)
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let value = work()
            let isLate = state.mutex.withLock { state in
                if case .abandoned = state { return true }
                state = .done(value)
                return false
            }
            if isLate { late(value) } else { end.signal() }
        }
        _ = end.wait(timeout: .now() + .nanoseconds(Int(limit.inNanoseconds)))
        return state.mutex.withLock { state in
            if case .done(let value) = state { return value }
            state = .abandoned
            return nil
        }
    }

    private final class Shared<Value: Sendable>: Sendable {
        let mutex: Mutex<Value>

        init(_ value: Value) { mutex = Mutex(value) }
    }
}
