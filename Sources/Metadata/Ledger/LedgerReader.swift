import Foundation
import Model

/// Answers from the state tables.
struct LedgerReader {
    let database: any LedgerDatabase

    func run(_ run: String) throws(LedgerError) -> RecoveredRun {
        let name: [LedgerValue] = [.text(run)]
        var found: LedgerRow?
        var holders: [LedgerRow] = []
        var shards = ShardRows()
        try database.read([
            LedgerQuery(
                """
                SELECT start, state, plan, plan_sha256, commit_record, version, failure, \(Self.changedAt), document,
                    planning_epoch, planning_token, planning_worker, sealed_at, \(silence(since: "planning_inherited_at"))
                FROM run WHERE run = ?
                """, name),
            LedgerQuery("SELECT worker, snapshots FROM holder WHERE run = ?", name),
            LedgerQuery(
                """
                SELECT attempt.table_name, attempt.shard, attempt.epoch, attempt.token, attempt.worker,
                    \(silence(since: "attempt.inherited_at"))
                FROM attempt JOIN shard ON shard.run = attempt.run AND shard.table_name = attempt.table_name
                    AND shard.shard = attempt.shard
                WHERE attempt.run = ? AND attempt.state = 'granted' AND shard.phase = 'granted' ORDER BY attempt.epoch
                """, name),
            LedgerQuery(
                """
                SELECT table_name, shard, phase, epoch, worker, failures, receipt FROM shard WHERE run = ?
                ORDER BY position
                """, name),
        ]) { (query, row) throws(LedgerError) in
            do throws(LedgerError) {
                switch query {
                case 0: found = row
                case 1: holders.append(row)
                case 2: try shards.addLease(row)
                default: try shards.add(row)
                }
            } catch { throw Self.unreadable(run) }
        }
        guard let row = found else {
            throw LedgerError(.unknownRun, "run \(run)", "the ledger has no such run")
        }
        do throws(LedgerError) {
            return try recovered(row, shards.states, holders: holders)
        } catch { throw Self.unreadable(run) }
    }

    /// Without the rest, which may be unreadable; nil for a run that the ledger does not have.
    func state(_ run: String) throws(LedgerError) -> RunState? {
        guard let row = try database.rows("SELECT state FROM run WHERE run = ?", .text(run)).first else { return nil }
        return RunState(rawValue: try row.text(0))
    }

    private static func unreadable(_ run: String) -> LedgerError {
        LedgerError(.damaged, "run \(run)", "its state cannot be read")
    }

    /// Not a column: every append would write the run's row, with its plan.
    private static let changedAt = "(SELECT at FROM audit WHERE audit.run = run.run ORDER BY seq DESC LIMIT 1)"

    /// In milliseconds.
    private func silence(since column: String) -> String {
        "CASE WHEN \(column) IS NULL OR \(column) > \(database.clock) THEN 0 ELSE \(database.clock) - \(column) END"
    }

    private static let damaged = LedgerError(.damaged, "", "")

    private func decoded<Value: Decodable>(_ type: Value.Type, _ text: String) throws(LedgerError) -> Value {
        guard let value = Coding.value(type, text) else { throw Self.damaged }
        return value
    }

    private func recovered(_ row: LedgerRow, _ shards: [ShardState], holders: [LedgerRow]) throws(LedgerError)
        -> RecoveredRun
    {
        let start = try decoded(RunStart.self, try row.text(0))
        guard let state = RunState(rawValue: try row.text(1)) else { throw Self.damaged }
        var plan: RunPlan?
        if let text = try row.optionalText(2) {
            guard let sum = try row.optionalText(3), sum == SHA256.hexadecimal(text) else { throw Self.damaged }
            plan = PlanCoding.plan(text)
            guard plan != nil else { throw Self.damaged }
        }
        var failure: TaskFailure?
        if let text = try row.optionalText(6) { failure = try decoded(TaskFailure.self, text) }
        let document = try row.optionalBytes(8) ?? []
        guard document.isEmpty || SHA256.hexadecimal(document) == start.documentDigest else { throw Self.damaged }
        var planning: Lease?
        if state == .planning, try row.optionalNumber(9) != nil {
            planning = Lease(
                epoch: try row.count(9), token: try row.number(10), worker: try row.text(11),
                silence: .milliseconds(try row.number(13)))
        }
        var held: [String: [SnapshotHold]] = [:]
        for holder in holders { held[try holder.text(0)] = try decoded([SnapshotHold].self, try holder.text(1)) }
        return RecoveredRun(
            start: start, document: document, state: state, planning: planning, plan: plan, shards: shards,
            holders: held,
            sealedAt: try row.optionalText(12), commitRecord: try row.optionalText(4),
            version: try row.optionalNumber(5).map { Int($0) }, failure: failure, changedAt: try row.text(7))
    }

    func summaries(limit: Int) throws(LedgerError) -> [RunSummary] {
        let rows = try database.rows(
            """
            SELECT run, module, state, started_at, \(Self.changedAt), version,
                (SELECT count(*) FROM shard WHERE shard.run = run.run) AS shard_count,
                (SELECT count(*) FROM shard WHERE shard.run = run.run AND phase = 'done') AS done_count, failure, start
            FROM run ORDER BY started_at DESC, run DESC LIMIT ?
            """, .number(limit))
        var summaries: [RunSummary] = []
        for row in rows {
            guard let state = RunState(rawValue: try row.text(2)) else {
                throw LedgerError(.damaged, "runs", "their state cannot be read")
            }
            var failure: TaskFailure?
            if let text = try row.optionalText(8) { failure = try decoded(TaskFailure.self, text) }
            summaries.append(
                RunSummary(
                    run: try row.text(0), module: try row.text(1), state: state, startedAt: try row.text(3),
                    changedAt: try row.text(4), version: try row.optionalNumber(5).map { Int($0) },
                    shardCount: try row.count(6), doneCount: try row.count(7), failure: failure,
                    restartOf: try decoded(RunStart.self, try row.text(9)).restartOf))
        }
        return summaries
    }

    func records(_ run: String) throws(LedgerError) -> [(at: String, actor: String, record: LedgerRecord)] {
        var records: [(at: String, actor: String, record: LedgerRecord)] = []
        for row in try database.rows("SELECT at, actor, event FROM audit WHERE run = ? ORDER BY seq", .text(run)) {
            guard let record = Coding.value(LedgerRecord.self, try row.text(2)) else {
                throw LedgerError(.damaged, "run \(run)", "a record cannot be read")
            }
            records.append((try row.text(0), try row.text(1), record))
        }
        return records
    }

    func head() throws(LedgerError) -> LedgerHead {
        guard let row = try database.rows("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").first else {
            return .none
        }
        return LedgerHead(sequence: try row.number(0), hash: try row.text(1))
    }

    enum Chain {
        /// All rows up to this one follow from those before.
        case sound(LedgerHead)
        case ended
        case broken(Int64)
    }

    /// Some rows of the audit behind `head`.
    func chain(after head: LedgerHead) throws(LedgerError) -> Chain {
        let rows = try database.rows(
            "SELECT seq, prev_hash, hash, at, run, actor, event FROM audit WHERE seq > ? ORDER BY seq LIMIT 256",
            .number(head.sequence))
        guard !rows.isEmpty else { return .ended }
        var head = head
        for row in rows {
            let expected = head.sequence + 1
            let hash = LedgerSchema.hash(
                previous: head.hash, sequence: expected, at: try row.text(3), run: try row.text(4),
                actor: try row.text(5), event: try row.text(6))
            guard try row.number(0) == expected, try row.text(1) == head.hash, try row.text(2) == hash else {
                return .broken(expected)
            }
            head = LedgerHead(sequence: expected, hash: hash)
        }
        return .sound(head)
    }
}

/// Rows of a run's shards as they come, behind those of their leases. Receipts are packed at once, names are kept once.
private struct ShardRows {
    private struct Name: Hashable { let table: String, shard: Int }

    private(set) var states: [ShardState] = []
    private var leases: [Name: [Lease]] = [:]
    private var packer = ReceiptPacker()
    private var names: [String: String] = [:]

    private static let damaged = LedgerError(.damaged, "", "")

    mutating func addLease(_ row: LedgerRow) throws(LedgerError) {
        let name = Name(table: try row.text(0), shard: try row.count(1))
        leases[name, default: []].append(
            Lease(
                epoch: try row.count(2), token: try row.optionalNumber(3) ?? 0, worker: shared(try row.text(4)),
                silence: .milliseconds(try row.number(5))))
    }

    mutating func add(_ row: LedgerRow) throws(LedgerError) {
        let (table, shard) = (shared(try row.text(0)), try row.count(1))
        guard let phase = ShardState.Phase(rawValue: try row.text(2)) else { throw Self.damaged }
        let receipt = try row.optionalText(6).flatMap { ReceiptCoding.receipt($0) }
        guard (receipt != nil) == (phase == .done), receipt.map({ $0.table == table && $0.shard == shard }) ?? true
        else { throw Self.damaged }
        states.append(
            ShardState(
                table: table, shard: shard, phase: phase, highestEpoch: try row.count(3),
                leases: leases[Name(table: table, shard: shard)] ?? [],
                worker: try row.optionalText(4).map { shared($0) },
                failures: try row.count(5), packed: receipt.map { packer.pack($0) }))
    }

    private mutating func shared(_ name: String) -> String {
        if let known = names[name] { return known }
        names[name] = name
        return name
    }
}
