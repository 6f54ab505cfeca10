internal import Synchronization

/// The last turn of a loop. The loop says `beat()` each time around; a loop that hangs falls silent.
package final class LoopBeat: Sendable {
    private let last: Mutex<SuspendingClock.Instant>

    /// A new loop counts as having beaten once.
    package init(now: SuspendingClock.Instant = .now) { last = Mutex(now) }

    package func beat(now: SuspendingClock.Instant = .now) { last.withLock { $0 = max($0, now) } }

    /// The clock stops while the machine sleeps: after it wakes, the loop has its whole time.
    package func age(now: SuspendingClock.Instant = .now) -> Duration { last.withLock { $0.duration(to: now) } }
}

/// What a process tells of itself on its port.
///
/// Alive is a process whose loop turned less than `patience` ago: it asks no database and no coordinator, whose outage
/// would then restart everything. Ready is one that names no obstacle.
package struct RunningState: Sendable {
    private let beat: LoopBeat
    private let patience: Duration
    private let obstacle: @Sendable () -> StaticString?
    private let metrics: @Sendable () -> Metrics

    /// The closures are called on the port's thread and must not wait.
    ///
    /// - Parameter obstacle: why the process is not ready, in fixed words; nil when it is.
    package init(
        beat: LoopBeat, patience: Duration, obstacle: @escaping @Sendable () -> StaticString?,
        metrics: @escaping @Sendable () -> Metrics
    ) {
        self.beat = beat
        self.patience = patience
        self.obstacle = obstacle
        self.metrics = metrics
    }

    package func answer(_ path: HTTPPort.Path, now: SuspendingClock.Instant = .now) -> HTTPPort.Answer {
        switch path {
        case .livez: beat.age(now: now) < patience ? .well : .unwell("the loop stands still")
        case .readyz: obstacle().map { .unwell($0) } ?? .well
        case .metrics: .metrics(metrics())
        }
    }
}
