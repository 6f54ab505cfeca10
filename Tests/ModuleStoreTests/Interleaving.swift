import Dispatch
import Foundation
import ModuleStore
import Synchronization

/// Actors on threads of their own, of which one runs at a time; who goes on at each operation is drawn from a seed.
final class Interleaving: Sendable {
    /// xorshift64*, so that a seed means the same everywhere.
    struct Random: Sendable {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
        mutating func next(_ limit: Int) -> Int {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % limit
        }
    }

    private struct State {
        var random: Random
        var now: Int64
        var living: [Int] = []
        /// When an actor that is about to commit last looked at the clock.
        var looked: [Int: Int64] = [:]
    }

    private let state: Mutex<State>
    private let turns: [DispatchSemaphore]
    private let isOver = DispatchSemaphore(value: 0)
    /// No actor sleeps longer than this between its look at the clock and what it does then, in milliseconds.
    private let patience: Int64

    init(seed: UInt64, actors: Int, start: Int64, patience: Int64) {
        state = Mutex(State(random: Random(seed: seed), now: start))
        turns = (0..<actors).map { _ in DispatchSemaphore(value: 0) }
        self.patience = patience
    }

    var now: Int64 { state.withLock { $0.now } }

    func draw(_ limit: Int) -> Int { state.withLock { $0.random.next(limit) } }

    /// The actor's look at the clock; `isBinding`: what it does next follows from it.
    func look(_ actor: Int, isBinding: Bool) -> Int64 {
        state.withLock { state in
            state.looked[actor] = isBinding ? state.now : nil
            return state.now
        }
    }

    /// Time may pass and others may go first.
    func pause(_ actor: Int) {
        let next = state.withLock { state in
            if state.random.next(14) == 0 {
                let later = state.now + Int64(state.random.next(18)) * 3_600_000
                if state.looked.values.allSatisfy({ later - $0 <= patience }) { state.now = later }
            }
            return state.living[state.random.next(state.living.count)]
        }
        guard next != actor else { return }
        turns[next].signal()
        turns[actor].wait()
    }

    /// Runs all actors to their ends.
    func run(_ bodies: [@Sendable () -> Void]) {
        state.withLock { $0.living = Array(bodies.indices) }
        for (actor, body) in bodies.enumerated() {
            Thread.detachNewThread {
                self.turns[actor].wait()
                body()
                self.leave(actor)
            }
        }
        turns[draw(bodies.count)].signal()
        isOver.wait()
    }

    private func leave(_ actor: Int) {
        let next = state.withLock { state -> Int? in
            state.living.removeAll { $0 == actor }
            state.looked[actor] = nil
            return state.living.isEmpty ? nil : state.living[state.random.next(state.living.count)]
        }
        if let next { turns[next].signal() } else { isOver.signal() }
    }
}
