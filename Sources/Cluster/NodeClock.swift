/// A reading of a node's own steady clock. Readings of different nodes are never compared.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (a: Instant, b: Duration) -> Instant { Instant(nanoseconds: a.nanoseconds + b.inNanoseconds) }
    package static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
}

extension Duration {
    package var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    package var inMilliseconds: Int { Int(inNanoseconds / 1_000_000) }
    package var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}

/// The steady clock of this node; goes on while the machine sleeps, so that a lease does not outlive a suspension.
package enum NodeClock {
    private static let start = ContinuousClock.now

    package static var now: Instant { Instant(nanoseconds: start.duration(to: .now).inNanoseconds) }
}
