import GRDB
import Model

/// Brings the state tables in line with one record, or refuses it.
///
/// The coordinator decides by its own state; these checks stop a mistake there from reaching the disk: one accepted
/// receipt a shard, epochs that only rise, a seal only over finished shards, a commit only of a sealed run.
struct LedgerWriter {
    let database: Database
    let run: String
    let time: String

    func apply(_ record: LedgerRecord) throws {
        if case .runStarted(let start) = record { return try begin(start) }
        let state = try currentState()
        guard state.isOpen else { throw refused("the run is over") }
        switch record {
        case .runStarted: break
        case .planned(let plan): try keep(plan, state)
        case .granted(let table, let shard, let epoch, let worker): try grant(table, shard, epoch, worker, state)
        case .released(let table, let shard, let epoch): try end(table, shard, epoch, "released", nil)
        case .failed(let table, let shard, let epoch, let failure): try end(table, shard, epoch, "failed", failure)
        case .accepted(let receipt): try accept(receipt, state)
        case .sealed: try seal(state)
        case .committing(let version, let text): try commit(version, text, state)
        case .published(let version, let digest): try publish(version, digest, state)
        case .aborted(let failure): try abort(failure)
        }
    }

    private func refused(_ detail: String) -> LedgerError { LedgerError(.refused, "run \(run)", detail) }

    private func currentState() throws -> RunState {
        guard let text = try String.fetchOne(database, sql: "SELECT state FROM run WHERE run = ?", arguments: [run])
        else { throw LedgerError(.unknownRun, "run \(run)", "the ledger has no such run") }
        guard let state = RunState(rawValue: text) else { throw LedgerError(.damaged, "run \(run)", "unknown state") }
        return state
    }

    private func set(_ state: RunState) throws {
        try database.execute(
            sql: "UPDATE run SET state = ?, changed_at = ? WHERE run = ?", arguments: [state.rawValue, time, run])
    }

    private func begin(_ start: RunStart) throws {
        guard start.run == run else { throw refused("a record of another run") }
        try database.execute(
            sql: """
                INSERT INTO run (run, module, attempt, start, state, started_at, changed_at)
                VALUES (?, ?, ?, ?, 'planning', ?, ?)
                """,
            arguments: [run, start.module, start.attempt, Coding.text(start), start.startedAt, time])
    }

    private func keep(_ plan: RunPlan, _ state: RunState) throws {
        guard state == .planning else { throw refused("it has a plan already") }
        let text = PlanCoding.text(plan)
        try database.execute(
            sql: "UPDATE run SET plan = ?, plan_sha256 = ? WHERE run = ?",
            arguments: [text, SHA256.hexadecimal(text), run])
        var position = 0
        for table in plan.tables {
            for shard in table.shards {
                try database.execute(
                    sql: "INSERT INTO shard (run, position, table_name, shard, phase) VALUES (?, ?, ?, ?, 'ready')",
                    arguments: [run, position, table.name, shard.index])
                position += 1
            }
        }
        try set(.running)
    }

    private func grant(_ table: String, _ shard: Int, _ epoch: Int, _ worker: String, _ state: RunState) throws {
        guard state == .running else { throw refused("shards are granted while the run is running") }
        try database.execute(
            sql: """
                UPDATE shard SET phase = 'granted', epoch = ?, worker = ?
                WHERE run = ? AND table_name = ? AND shard = ? AND phase <> 'done' AND epoch < ?
                """,
            arguments: [epoch, worker, run, table, shard, epoch])
        guard database.changesCount == 1 else {
            throw refused("shard \(shard) of \(table): no such shard, or an old epoch")
        }
        try database.execute(
            sql: """
                INSERT INTO attempt (run, table_name, shard, epoch, worker, state, granted_at)
                VALUES (?, ?, ?, ?, ?, 'granted', ?)
                """,
            arguments: [run, table, shard, epoch, worker, time])
        try set(.running)
    }

    /// A grant that ended without a part. A late word about an old epoch changes no shard.
    private func end(_ table: String, _ shard: Int, _ epoch: Int, _ state: String, _ failure: TaskFailure?) throws {
        try database.execute(
            sql: """
                UPDATE attempt SET state = ?, failure = ?, ended_at = ?
                WHERE run = ? AND table_name = ? AND shard = ? AND epoch = ? AND state = 'granted'
                """,
            arguments: [state, failure.map { Coding.text($0) }, time, run, table, shard, epoch])
        guard database.changesCount == 1 else { throw refused("shard \(shard) of \(table): no such grant") }
        try database.execute(
            sql: """
                UPDATE shard SET phase = 'ready', worker = NULL, failures = failures + ?
                WHERE run = ? AND table_name = ? AND shard = ? AND epoch = ? AND phase = 'granted'
                """,
            arguments: [failure == nil ? 0 : 1, run, table, shard, epoch])
    }

    private func accept(_ receipt: PartReceipt, _ state: RunState) throws {
        guard state == .running else { throw refused("receipts are accepted while the run is running") }
        guard receipt.rows.isBalanced else {
            throw refused("shard \(receipt.shard) of \(receipt.table): rows read are not the rows accounted for")
        }
        try database.execute(
            sql: """
                UPDATE shard SET phase = 'done', receipt = ?
                WHERE run = ? AND table_name = ? AND shard = ? AND epoch = ? AND phase = 'granted'
                """,
            arguments: [Coding.text(receipt), run, receipt.table, receipt.shard, receipt.epoch])
        guard database.changesCount == 1 else {
            throw refused("shard \(receipt.shard) of \(receipt.table): not granted under this epoch, or done already")
        }
        try database.execute(
            sql: """
                UPDATE attempt SET state = 'accepted', ended_at = ?
                WHERE run = ? AND table_name = ? AND shard = ? AND epoch = ?
                """,
            arguments: [time, run, receipt.table, receipt.shard, receipt.epoch])
        try set(.running)
    }

    private func seal(_ state: RunState) throws {
        guard state == .running else { throw refused("only a running run is sealed") }
        let unfinished = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM shard WHERE run = ? AND phase <> 'done'", arguments: [run])
        guard unfinished == 0 else { throw refused("shards are not done") }
        try set(.sealed)
    }

    private func commit(_ version: Int, _ text: String, _ state: RunState) throws {
        guard state == .sealed || state == .committing else { throw refused("only a sealed run is committed") }
        try database.execute(
            sql: "UPDATE run SET commit_record = ?, version = ? WHERE run = ?", arguments: [text, version, run])
        try set(.committing)
    }

    private func publish(_ version: Int, _ digest: String, _ state: RunState) throws {
        guard state == .committing else { throw refused("only a committing run is published") }
        // A store that was made anew at the same place counts from one again; the audit keeps what was there before.
        try database.execute(
            sql: """
                INSERT INTO version (module, version, run, commit_sha256, published_at)
                SELECT module, ?, run, ?, ? FROM run WHERE run = ?
                ON CONFLICT (module, version) DO UPDATE SET
                    run = excluded.run, commit_sha256 = excluded.commit_sha256, published_at = excluded.published_at
                """,
            arguments: [version, digest, time, run])
        try database.execute(sql: "UPDATE run SET version = ? WHERE run = ?", arguments: [version, run])
        try set(.published)
    }

    private func abort(_ failure: TaskFailure) throws {
        try database.execute(
            sql: "UPDATE run SET failure = ?, version = NULL WHERE run = ?", arguments: [Coding.text(failure), run])
        try set(.aborted)
    }
}
