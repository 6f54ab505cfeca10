import GRDB
import Model

/// Answers from the state tables.
struct LedgerReader {
    let database: Database

    func run(_ run: String) throws -> RecoveredRun {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE run = ?", arguments: [run]) else {
            throw LedgerError(.unknownRun, "run \(run)", "the ledger has no such run")
        }
        let damaged = LedgerError(.damaged, "run \(run)", "its state cannot be read")
        guard let start = Coding.value(RunStart.self, row["start"]), let state = RunState(rawValue: row["state"]) else {
            throw damaged
        }
        var plan: RunPlan?
        if let text: String = row["plan"] {
            plan = PlanCoding.plan(text)
            guard plan != nil, row["plan_sha256"] == SHA256.hexadecimal(text) else { throw damaged }
        }
        var failure: TaskFailure?
        if let text: String = row["failure"] {
            failure = Coding.value(TaskFailure.self, text)
            guard failure != nil else { throw damaged }
        }
        return RecoveredRun(
            start: start, state: state, plan: plan, shards: try shards(run, damaged),
            commitRecord: row["commit_record"], version: row["version"], failure: failure,
            changedAt: row["changed_at"])
    }

    private func shards(_ run: String, _ damaged: LedgerError) throws -> [ShardState] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM shard WHERE run = ? ORDER BY position", arguments: [run])
        return try rows.map { row in
            guard let phase = ShardState.Phase(rawValue: row["phase"]) else { throw damaged }
            var receipt: PartReceipt?
            if let text: String = row["receipt"] {
                receipt = Coding.value(PartReceipt.self, text)
                guard receipt != nil else { throw damaged }
            }
            return ShardState(
                table: row["table_name"], shard: row["shard"], phase: phase, epoch: row["epoch"],
                worker: row["worker"], failures: row["failures"], receipt: receipt)
        }
    }

    func summaries(limit: Int) throws -> [RunSummary] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT run.*,
                    (SELECT count(*) FROM shard WHERE shard.run = run.run) AS shard_count,
                    (SELECT count(*) FROM shard WHERE shard.run = run.run AND phase = 'done') AS done_count
                FROM run ORDER BY started_at DESC, run DESC LIMIT ?
                """,
            arguments: [limit])
        return try rows.map { row in
            guard let state = RunState(rawValue: row["state"]) else {
                throw LedgerError(.damaged, "runs", "their state cannot be read")
            }
            return RunSummary(
                run: row["run"], module: row["module"], state: state, startedAt: row["started_at"],
                changedAt: row["changed_at"], version: row["version"], shardCount: row["shard_count"],
                doneCount: row["done_count"])
        }
    }
}
