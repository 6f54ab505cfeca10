import Cluster
import Model

@testable import Scheduling

/// A question that has come in, and the way back.
struct Inbound {
    let id: Int
    let call: Call
    let answer: (Reply) -> Void
}

/// A coordinator's process: it stands by or leads.
final class CoordinatorProcess: SimulatedProcess {
    var leader: Leader?
    /// Set by faults: killed right behind its next durable write, for so long.
    var diesAfterWrite = false
    var fatalRecord = ""
    var deathSeconds = 0.0
}

/// What a process has for as long as it leads.
final class Leader {
    let epoch: Int64
    var state: ClusterState
    var inbox: [Inbound] = []
    var outside: [ClusterState.Event] = []
    var grants: [Int: Reply] = [:]
    /// A batch is on its way to the ledger.
    var isBusy = false
    var isTurnPlanned = false
    /// By the process's own clock: when the renewal was asked for that was granted last.
    var heldSince: Instant
    var lastTick = Instant(nanoseconds: .min / 2)
    var sealedAt: [String: String] = [:]

    init(epoch: Int64, state: ClusterState, heldSince: Instant) {
        self.epoch = epoch
        self.state = state
        self.heldSince = heldSince
    }

    struct Batch {
        var records: [ClusterState.Record] = []
        var answers: [(Inbound, Reply)] = []
        var actions: [ClusterState.Action] = []
    }
}

/// The loop of a coordinator: decide, write, answer, act. `CoordinatorService`, step by step.
extension Simulation {
    static let credential = NodeCredential(secret: Array("of the cluster".utf8))

    func start(_ process: CoordinatorProcess) {
        setClock(of: process)
        standBy(process)
    }

    private func standBy(_ process: CoordinatorProcess) {
        process.leader = nil
        tryToLead(process)
    }

    private func tryToLead(_ process: CoordinatorProcess) {
        after(between(0.1, Times.standby), on: process) { [self] in
            guard process.leader == nil else { return }
            let asked = clock(of: process)
            atLedger(process, { [self] ledger in ledger.acquire(now: now, term: Self.nanoseconds(Times.leadTerm)) }) {
                [self] result in
                guard case .success(let epoch?) = result else { return tryToLead(process) }
                atLedger(process, { [self] in ($0.openRuns(now: now), $0.runsToRestart(now: now)) }) { [self] result in
                    guard case .success((let runs, let restarts)) = result else { return tryToLead(process) }
                    lead(process, epoch, runs, restarts, since: asked)
                }
            }
        }
    }

    private func lead(
        _ process: CoordinatorProcess, _ epoch: Int64, _ runs: [RecoveredRun], _ restarts: [RecoveredRun],
        since: Instant
    ) {
        var policy = ClusterState.Policy()
        policy.leaseTime = .seconds(leaseTime)
        policy.connectionsPerSource = Self.connectionsPerSource
        let state = ClusterState(
            epoch: epoch, credential: Self.credential, policy: policy, recovered: runs, restarts: restarts,
            now: clock(of: process))
        let leader = Leader(epoch: epoch, state: state, heldSince: since)
        process.leader = leader
        note("\(process.label) leads in epoch \(epoch), \(runs.count) runs")
        for action in state.pendingActions { perform(action, process, leader) }
        beat(process, leader)
        renew(process, leader)
    }

    private func beat(_ process: CoordinatorProcess, _ leader: Leader) {
        guard process.leader === leader else { return }
        plan(process, leader)
        after(Times.tick, on: process) { [self] in beat(process, leader) }
    }

    private func renew(_ process: CoordinatorProcess, _ leader: Leader) {
        after(Times.leadRenewal, on: process) { [self] in
            guard process.leader === leader else { return }
            let asked = clock(of: process)
            atLedger(
                process,
                { [self] (ledger) throws(ModelLedger.Fault) in
                    try ledger.renew(leader.epoch, now: now, term: Self.nanoseconds(Times.leadTerm))
                }
            ) { result in
                if case .success = result { leader.heldSince = max(leader.heldSince, asked) }
            }
            renew(process, leader)
        }
    }

    // MARK: Turns

    func arrive(_ inbound: Inbound, at process: CoordinatorProcess) {
        guard let leader = process.leader else { return inbound.answer(.notLeader(leader: nil)) }
        leader.inbox.append(inbound)
        plan(process, leader)
    }

    func post(_ event: ClusterState.Event, _ process: CoordinatorProcess, _ leader: Leader) {
        leader.outside.append(event)
        plan(process, leader)
    }

    private func plan(_ process: CoordinatorProcess, _ leader: Leader) {
        guard process.leader === leader, !leader.isBusy, !leader.isTurnPlanned else { return }
        leader.isTurnPlanned = true
        after(between(0.001, 0.01), on: process) { [self] in turn(process, leader) }
    }

    private func turn(_ process: CoordinatorProcess, _ leader: Leader) {
        leader.isTurnPlanned = false
        guard process.leader === leader, !leader.isBusy else { return }
        let now = clock(of: process)
        guard now - leader.heldSince <= .seconds(Times.leadTime) else { return depose(process) }
        var batch = Leader.Batch()
        let (inbox, outside) = (leader.inbox, leader.outside)
        leader.inbox = []
        leader.outside = []
        for event in outside { decide(event, process, leader, &batch) }
        if now - leader.lastTick >= .seconds(Times.tick) {
            leader.lastTick = now
            decide(.tick, process, leader, &batch)
        }
        for inbound in inbox { serve(inbound, process, leader, &batch) }
        guard !batch.records.isEmpty else { return finish(batch, process, leader) }
        leader.isBusy = true
        let time = "\(now.nanoseconds)"
        for record in batch.records where record.record == .sealed { leader.sealedAt[record.run] = time }
        append(batch.records, epoch: leader.epoch, at: time, by: process) { [self] result in
            guard process.leader === leader else { return }
            guard case .success = result else { return depose(process) }
            leader.isBusy = false
            finish(batch, process, leader)
        }
    }

    private func serve(_ inbound: Inbound, _ process: CoordinatorProcess, _ leader: Leader, _ batch: inout Leader.Batch)
    {
        if let earlier = leader.grants[inbound.id] { return batch.answers.append((inbound, earlier)) }
        let reply = decide(.call(inbound.call), process, leader, &batch) ?? .refused(reason: "no answer")
        if case .grant = reply { leader.grants[inbound.id] = reply }
        batch.answers.append((inbound, reply))
    }

    @discardableResult
    private func decide(
        _ event: ClusterState.Event, _ process: CoordinatorProcess, _ leader: Leader, _ batch: inout Leader.Batch
    ) -> Reply? {
        let step = leader.state.handle(event, now: clock(of: process))
        batch.records += step.records
        batch.actions += step.actions
        for item in step.notes { check(item, by: process, leader) }
        return step.reply
    }

    private func finish(_ batch: Leader.Batch, _ process: CoordinatorProcess, _ leader: Leader) {
        for (inbound, reply) in batch.answers {
            guard !dies(process) else { return }
            inbound.answer(reply)
        }
        for action in batch.actions {
            guard !dies(process) else { return }
            perform(action, process, leader)
        }
        if !leader.inbox.isEmpty || !leader.outside.isEmpty { plan(process, leader) }
    }

    private func dies(_ process: CoordinatorProcess) -> Bool {
        guard chance(scenario.rates.coordinatorCrash) else { return false }
        kill(process, for: between(0.1, 4))
        return true
    }

    /// It does not lead any more and stands by. Threads that publish do not know it yet.
    private func depose(_ process: CoordinatorProcess) {
        note("\(process.label) does not lead any more")
        standBy(process)
    }
}
