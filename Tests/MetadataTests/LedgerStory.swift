import Model

@testable import Metadata

/// What the ledger's tests begin with.
enum LedgerStory {
    static let start = RunStart(
        run: Fixture.run, module: "clinic", attempt: Fixture.run, documentDigest: Fixture.digest,
        startedAt: Fixture.started, actor: "anna")
    static let failure = TaskFailure(kind: .source, disposition: .retry, message: "connection lost", code: "08006")

    /// With a run that has a plan of three shards.
    static func running(_ ledger: Ledger) throws -> Ledger {
        try ledger.begin(start)
        try ledger.append([.planned(Fixture.plan(compliance: nil))], run: Fixture.run, at: Fixture.ended)
        return ledger
    }

    /// With a run whose one table has this many shards.
    static func running(_ ledger: Ledger, shardCount: Int) throws -> Ledger {
        try ledger.begin(start)
        var plan = Fixture.plan(compliance: nil)
        plan.tables = [plan.tables[1]]
        plan.tables[0].shards = Fixture.shards(shardCount)
        try ledger.append([.planned(plan)], run: Fixture.run, at: Fixture.ended)
        return ledger
    }

    static let lost = TaskFailure(kind: .snapshotLost, disposition: .failRun, message: "the keeper is gone")

    static func entry(_ record: LedgerRecord) -> LedgerEntry {
        LedgerEntry(run: Fixture.run, record: record, at: Fixture.ended)
    }

    static func grants(_ shards: some Sequence<Int>, epoch: Int = 1) -> [LedgerEntry] {
        shards.map { entry(.granted(table: "labs", shard: $0, epoch: epoch, worker: "w1", token: Int64(1000 + $0))) }
    }
}

extension ShardState {
    /// Without how long its leases have been inherited.
    var timeless: ShardState {
        ShardState(
            table: table, shard: shard, phase: phase, highestEpoch: highestEpoch,
            leases: leases.map { Lease(epoch: $0.epoch, token: $0.token, worker: $0.worker) }, worker: worker,
            failures: failures,
            receipt: receipt)
    }
}
