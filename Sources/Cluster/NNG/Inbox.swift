internal import Dispatch
internal import Synchronization

/// Frames that wait for the one thread that answers. nng's threads put, that thread takes.
///
/// - Bound: as many frames as there are contexts, because a context whose frame waits here reads no other.
final class Inbox: Sendable {
    private struct State: ~Copyable {
        var waiting: [Inbound] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    func put(_ inbound: Inbound) {
        let isFirst = state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting.append(inbound)
            return state.waiting.count == 1
        }
        if isFirst { arrival.signal() }
    }

    /// The oldest frames; none when none came within `timeout`.
    func take(atMost count: Int, timeout: Duration) -> [Inbound] {
        let deadline = DispatchTime.now() + .nanoseconds(Int(max(.zero, timeout).inNanoseconds))
        while true {
            let (taken, isClosed) = state.withLock { state in
                let taken = Array(state.waiting.prefix(count))
                state.waiting.removeFirst(taken.count)
                return (taken, state.isClosed)
            }
            guard taken.isEmpty, !isClosed else { return taken }
            // A signal may be left of frames that were taken already: then this looks once more.
            guard arrival.wait(timeout: deadline) == .success else { return [] }
        }
    }

    /// Frames that wait are dropped, and `take` waits no more.
    func close() {
        let dropped = state.withLock { state in
            let dropped = state.waiting
            state.isClosed = true
            state.waiting = []
            return dropped
        }
        arrival.signal()
        _ = consume dropped
    }
}
