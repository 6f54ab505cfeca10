import Cluster
import Model
import Scheduling
import Synchronization
import Telemetry

/// What a coordinator shows of itself: metrics, probes, log lines.
final class CoordinatorWatch: Sendable {
    private let log: Log
    private let loop = LoopBeat()
    private let metrics = Mutex(CoordinatorMetrics())
    /// When the gauges were taken: looking at every node with each batch would be most of a busy loop's work.
    private let gauged = Mutex(NodeClock.now)
    private let ledgerAnswers = Mutex(false)

    init(log: Log) { self.log = log }

    var hasLedger: Bool {
        get { ledgerAnswers.withLock { $0 } }
        set { ledgerAnswers.withLock { $0 = newValue } }
    }

    func beat() { loop.beat() }

    /// A coordinator that stands by is ready too, as long as its ledger answers: it says who leads.
    func port(at address: String) throws(TelemetryError) -> HTTPPort {
        let state = RunningState(
            beat: loop, patience: Limits.loopPatience,
            obstacle: { [self] in hasLedger ? nil : "the ledger does not answer" },
            metrics: { [self] in metrics.withLock { $0 }.page() })
        return try HTTPPort(listeningOn: address) { state.answer($0) }
    }

    func stopLeading() {
        metrics.withLock { metrics in
            metrics.isLeader = false
            metrics.runs = [:]
            metrics.shards = [:]
            metrics.nodes = [:]
        }
    }

    func observe(_ state: ClusterState, _ notes: [ClusterState.Note], pipes: Int) {
        loop.beat()
        let now = NodeClock.now
        let isTime = gauged.withLock { gauged in
            guard notes.isEmpty || now - gauged >= Limits.tickInterval else { return false }
            gauged = now
            return true
        }
        metrics.withLock { metrics in
            metrics.isLeader = true
            for note in notes { note.count(in: &metrics) }
            guard isTime else { return }
            metrics.epoch = Int(state.epoch)
            metrics.pipeCount = pipes
            metrics.nodes = [.worker: state.nodeCount(.worker), .keeper: state.nodeCount(.keeper)]
            metrics.heartbeatAge = state.nodeCount > 0 ? .seconds(state.longestSilence(now: now)) : nil
            metrics.runs = [.planning: 0, .extracting: 0, .sealed: 0]
            metrics.shards = [.ready: 0, .leased: 0, .done: 0]
            for run in state.runs.values {
                metrics.runs[run.phase.metric, default: 0] += 1
                metrics.shards[.ready, default: 0] += run.readyCount
                metrics.shards[.leased, default: 0] += run.leasedCount
                metrics.shards[.done, default: 0] += run.shardCount - run.readyCount - run.leasedCount
            }
        }
        for note in notes { note.tell(log) }
    }
}

extension RunSchedule.Phase {
    fileprivate var metric: CoordinatorMetrics.RunState {
        switch self {
        case .queued, .planning: .planning
        case .extracting: .extracting
        case .publishing: .sealed
        }
    }
}

extension ClusterState.Note {
    fileprivate func count(in metrics: inout CoordinatorMetrics) {
        switch self {
        case .accepted(_, _, let rows, _):
            metrics.ended[.accepted, default: 0] += 1
            metrics.droppedRowCount += Int(rows.dropped)
        case .attemptFailed: metrics.ended[.failed, default: 0] += 1
        case .released: metrics.ended[.released, default: 0] += 1
        case .leaseExpired: metrics.leaseExpiredCount += 1
        case .fenced:
            metrics.fencedCount += 1
            metrics.ended[.fenced, default: 0] += 1
        case .lost(_, let reason) where reason != "left": metrics.ended[.lost, default: 0] += 1
        case .runOver(_, .published): metrics.published[.published, default: 0] += 1
        case .runOver: metrics.published[.failed, default: 0] += 1
        case .joined, .lost, .granted, .refused: break
        }
    }

    fileprivate func tell(_ log: Log) {
        switch self {
        case .joined(let node): log.info("node joined", ["node": .name(node)])
        case .lost(let node, let reason): log.info("node lost", ["node": .name(node), "reason": .name(reason)])
        case .granted(let run, let task, let epoch, let worker, let isCopy):
            log.debug(
                "task granted",
                [
                    "run": .name(run), "task": .name(task.words), "attempt": .count(epoch), "node": .name(worker),
                    "copy": .name(isCopy ? "yes" : "no"),
                ])
        case .accepted(let run, let task, let rows, let seconds):
            log.debug(
                "part accepted",
                [
                    "run": .name(run), "task": .name(task.words), "rows": .count(Int(rows.published)),
                    "seconds": .measure(seconds),
                ])
        case .attemptFailed(let run, let task, let failure):
            log.warning(
                "attempt failed",
                [
                    "run": .name(run), "task": .name(task.words), "kind": .name(failure.kind.rawValue),
                    "code": .name(failure.code ?? "-"), "reason": .name(failure.message),
                ])
        case .released(let run, let task): log.info("task given back", ["run": .name(run), "task": .name(task.words)])
        case .leaseExpired(let run, let task):
            log.info("lease ran out", ["run": .name(run), "task": .name(task.words)])
        case .fenced(let node): log.info("late message fenced", ["node": .name(node)])
        case .refused(let node, let reason):
            log.warning("node refused", ["node": .name(node), "reason": .name(reason)])
        case .runOver(let run, let phase): log.info("run over", ["run": .name(run), "outcome": .name(phase.rawValue)])
        }
    }
}
