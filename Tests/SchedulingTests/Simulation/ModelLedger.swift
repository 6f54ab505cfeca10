import Cluster
import Model

@testable import Scheduling

/// The ledger as a value: one row that says who leads, and runs that are what their records say.
///
/// It refuses what contradicts its records, as the ledger on disk does; here a refusal is a mistake of the coordinator's.
struct ModelLedger {
    enum Fault: Error, Equatable {
        /// Nobody knows whether it was carried out.
        case unreachable
        /// Another epoch leads.
        case fenced
        case refused(String)
    }

    private(set) var epoch: Int64 = 0
    private var leadUntil: Int64 = 0
    private(set) var runs: [String: LedgerRun] = [:]
    /// The oldest first.
    private(set) var order: [String] = []

    // MARK: The lead

    mutating func acquire(now: Int64, term: Int64) -> Int64? {
        guard now > leadUntil else { return nil }
        epoch += 1
        leadUntil = now + term
        for name in order where runs[name]!.state.isOpen { runs[name]!.inherit(now: now) }
        return epoch
    }

    mutating func renew(_ mine: Int64, now: Int64, term: Int64) throws(Fault) {
        try check(mine)
        leadUntil = now + term
    }

    private func check(_ mine: Int64) throws(Fault) {
        guard mine == epoch else { throw .fenced }
    }

    // MARK: Writing

    mutating func begin(_ start: RunStart, _ document: [UInt8], epoch mine: Int64) throws(Fault) {
        try check(mine)
        guard runs[start.run] == nil else { throw .refused("the run is there already") }
        if let earlier = start.restartOf {
            guard runs[earlier]?.restart == .due else { throw .refused("\(earlier) is not to begin anew") }
            runs[earlier]!.restart = .begun
        }
        runs[start.run] = LedgerRun(start: start, document: document)
        order.append(start.run)
    }

    /// All or nothing.
    mutating func append(_ records: [ClusterState.Record], epoch mine: Int64, at time: String) throws(Fault) {
        try check(mine)
        var changed: [String: LedgerRun] = [:]
        for record in records {
            guard var run = changed[record.run] ?? runs[record.run] else { throw .refused("no such run") }
            try run.apply(record.record, at: time)
            changed[record.run] = run
        }
        runs.merge(changed) { $1 }
    }

    // MARK: Reading

    func openRuns(now: Int64) -> [RecoveredRun] {
        order.map { runs[$0]! }.filter(\.state.isOpen).map { $0.recovered(now: now) }
    }

    func runsToRestart(now: Int64) -> [RecoveredRun] {
        order.map { runs[$0]! }.filter { $0.restart == .due }.map { $0.recovered(now: now) }
    }

    /// The first: a run that took the place of one whose snapshot was lost has the same submission.
    func run(ofSubmission id: String) -> LedgerRun? {
        order.map { runs[$0]! }.first { $0.start.submission == id && $0.start.restartOf == nil }
    }
}

/// One run, as its records say.
struct LedgerRun {
    struct Shard {
        var epoch = 0
        var failures = 0
        var leases: [Lease] = []
        /// By the epoch of a lease: when it was inherited by one who has not heard of it.
        var inheritedAt: [Int: Int64] = [:]
        var receipt: PartReceipt?
    }

    let start: RunStart
    let document: [UInt8]
    private(set) var state = RunState.planning
    private(set) var plan: RunPlan?
    private var planning: Lease?
    private var planningInheritedAt: Int64?
    private(set) var holders: [String: [SnapshotHold]] = [:]
    private(set) var sealedAt: String?
    /// Whether another run is to begin in its place.
    enum Restart { case due, begun }
    fileprivate(set) var restart: Restart?
    private(set) var shards: [Shard] = []
    private(set) var commitRecord: String?
    private(set) var version: Int?
    private(set) var failure: TaskFailure?
    private var lastToken: Int64 = 0

    init(start: RunStart, document: [UInt8]) {
        self.start = start
        self.document = document
    }

    mutating func apply(_ record: LedgerRecord, at time: String) throws(ModelLedger.Fault) {
        if case .notRestarted = record, restart == .due {
            restart = nil
            return
        }
        guard state.isOpen else { throw .refused("\(start.run) is over: \(record.word)") }
        func require(_ condition: Bool) throws(ModelLedger.Fault) {
            guard condition else { throw .refused("\(start.run) is \(state): \(record.word)") }
        }
        switch record {
        case .runStarted, .notRestarted: try require(false)
        case .planning(let epoch, let token, let worker):
            try require(state == .planning && token > lastToken && epoch > planning?.epoch ?? 0)
            planning = Lease(epoch: epoch, token: token, worker: worker)
            planningInheritedAt = nil
            lastToken = token
        case .planned(let plan):
            try require(state == .planning && planning != nil)
            self.plan = plan
            shards = plan.tables[0].shards.map { _ in Shard() }
            state = .running
        case .holding(let worker, let snapshots):
            try require(state != .planning)
            holders[worker] = snapshots
        case .letGo(let worker):
            try require(holders[worker] != nil)
            holders[worker] = nil
        case .granted(_, let index, let epoch, let worker, let token):
            try require(state == .running && shards[index].receipt == nil && epoch > shards[index].epoch)
            try require(token.map { $0 > lastToken } ?? false)
            shards[index].epoch = epoch
            shards[index].leases.append(Lease(epoch: epoch, token: token!, worker: worker))
            lastToken = token!
        case .keptPlanning(let epoch):
            try require(state == .planning && planning?.epoch == epoch)
            planningInheritedAt = nil
        case .kept(_, let index, let epoch):
            try require(state == .running && shards[index].leases.contains { $0.epoch == epoch })
            shards[index].inheritedAt[epoch] = nil
        case .released(_, let index, let epoch): try require(shards[index].end(epoch))
        case .failed(_, let index, let epoch, _):
            try require(shards[index].end(epoch))
            shards[index].failures += 1
        case .accepted(let receipt):
            try require(
                state == .running && shards[receipt.shard].receipt == nil && shards[receipt.shard].end(receipt.epoch))
            shards[receipt.shard].leases = []
            shards[receipt.shard].receipt = receipt
        case .sealed:
            try require(state == .running && shards.allSatisfy { $0.receipt != nil })
            state = .sealed
            sealedAt = time
        case .committing(let version, let record):
            try require(state == .sealed || state == .committing)
            (self.version, commitRecord, state) = (version, record, .committing)
        case .published(let version, _):
            try require(state == .committing && self.version == version)
            state = .published
        case .aborted(let failure, let proof):
            try require(state != .committing || proof != nil)
            (self.failure, version, state) = (failure, nil, .aborted)
            let isDue = failure.kind == .snapshotLost && start.restartsOnSnapshotLoss == true && start.restartOf == nil
            restart = isDue ? .due : nil
        }
    }

    /// Somebody has taken over.
    fileprivate mutating func inherit(now: Int64) {
        if planning != nil, plan == nil { planningInheritedAt = planningInheritedAt ?? now }
        for index in shards.indices {
            for lease in shards[index].leases where shards[index].inheritedAt[lease.epoch] == nil {
                shards[index].inheritedAt[lease.epoch] = now
            }
        }
    }

    func recovered(now: Int64) -> RecoveredRun {
        RecoveredRun(
            start: start, document: document, state: state,
            planning: plan == nil ? planning?.silent(since: planningInheritedAt, now: now) : nil, plan: plan,
            shards: shards.enumerated().map { index, shard in
                ShardState(
                    table: "t", shard: index,
                    phase: shard.receipt != nil ? .done : shard.leases.isEmpty ? .ready : .granted,
                    highestEpoch: shard.epoch, leases: shard.leases(now: now), worker: nil, failures: shard.failures,
                    receipt: shard.receipt)
            }, holders: holders, sealedAt: sealedAt, commitRecord: commitRecord, version: version, failure: failure,
            changedAt: "")
    }
}

extension LedgerRun.Shard {
    fileprivate func leases(now: Int64) -> [Lease] {
        leases.map { $0.silent(since: inheritedAt[$0.epoch], now: now) }
    }

    fileprivate mutating func end(_ epoch: Int) -> Bool {
        guard let index = leases.firstIndex(where: { $0.epoch == epoch }) else { return false }
        leases.remove(at: index)
        inheritedAt[epoch] = nil
        return true
    }
}

extension Lease {
    fileprivate func silent(since: Int64?, now: Int64) -> Lease {
        Lease(epoch: epoch, token: token, worker: worker, silence: .nanoseconds(since.map { now - $0 } ?? 0))
    }
}

extension LedgerRecord {
    /// For messages of the simulation.
    var word: String { String("\(self)".prefix { $0 != "(" }) }
}
