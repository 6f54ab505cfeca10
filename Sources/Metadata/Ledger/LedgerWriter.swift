import Model

/// What the state tables must become by some entries, as statements that change them or are refused.
///
/// The coordinator decides by its own state; the conditions stop a mistake there from reaching the disk: one accepted
/// receipt a shard, epochs that only rise, a seal only over finished shards, a commit only of a sealed run.
///
/// Records of shards that are not the same ones do not depend on each other: they are gathered and written together.
struct LedgerWriter {
    private(set) var statements: [LedgerStatement] = []
    private let largest: Int
    private var gathered: [LedgerChange: [[LedgerValue]]] = [:]
    private var shards: Set<ShardName> = []

    private struct ShardName: Hashable { let run: String, table: String, shard: Int }

    init(oneByOne: Bool) { largest = oneByOne ? 1 : LedgerChange.largest }

    mutating func add(_ entries: [LedgerEntry]) throws(LedgerError) {
        for entry in entries { try add(entry) }
        flush()
    }

    private mutating func add(_ entry: LedgerEntry) throws(LedgerError) {
        switch entry.record {
        case .granted(let table, let shard, let epoch, let worker, let token):
            gather(.granted, entry, table, shard, epoch, [.text(worker), .number(token), .text(entry.at)])
        case .kept(let table, let shard, let epoch): gather(.kept, entry, table, shard, epoch, [])
        case .keptPlanning(let epoch):
            change(
                "UPDATE run SET planning_inherited_at = NULL WHERE run = ? AND state = 'planning' AND planning_epoch = ?",
                [.text(entry.run), .number(epoch)], entry, 1, "planning is not leased under that epoch")
        case .accepted(let receipt):
            guard receipt.rows.isBalanced else {
                throw refused(
                    entry, "shard \(receipt.shard) of \(receipt.table): rows read are not the rows accounted for")
            }
            gather(
                .accepted, entry, receipt.table, receipt.shard, receipt.epoch,
                [.text(ReceiptCoding.text(receipt)), .text(entry.at)])
        case .released(let table, let shard, let epoch):
            gather(.ended, entry, table, shard, epoch, [.text("released"), .text(nil), .text(entry.at), .number(0)])
        case .failed(let table, let shard, let epoch, let failure):
            gather(
                .ended, entry, table, shard, epoch,
                [.text("failed"), .text(Coding.text(failure)), .text(entry.at), .number(1)])
        case .runStarted(let start): try begin(start, entry)
        case .planning(let epoch, let token, let worker): plan(epoch, token, worker, entry)
        case .planned(let plan): try keep(plan, entry)
        case .holding(let worker, let snapshots): hold(worker, snapshots, entry)
        case .letGo(let worker):
            change(
                "DELETE FROM holder WHERE run = ? AND worker = ?", [.text(entry.run), .text(worker)], entry, 1,
                "\(worker) holds nothing of it")
        case .sealed: seal(entry)
        case .committing(let version, let text): commit(version, text, entry)
        case .published(let version, let digest): publish(version, digest, entry)
        case .aborted(let failure, let proof): abort(failure, proof, entry)
        case .notRestarted:
            change(
                "UPDATE run SET restart = NULL WHERE run = ? AND restart = 'due'", [.text(entry.run)], entry, 1,
                "it is not to begin anew")
        }
    }

    // MARK: Records of shards

    private mutating func gather(
        _ change: LedgerChange, _ entry: LedgerEntry, _ table: String, _ shard: Int, _ epoch: Int, _ rest: [LedgerValue]
    ) {
        let name = ShardName(run: entry.run, table: table, shard: shard)
        if largest == 1 || shards.contains(name) { flush() }
        shards.insert(name)
        gathered[change, default: []].append(
            [.text(entry.run), .text(table), .number(shard), .number(epoch)] + rest)
        if largest == 1 { flush(naming: name) }
    }

    private mutating func flush(naming name: ShardName? = nil) {
        let run = name.map { "\($0.run): shard \($0.shard) of \($0.table)" } ?? ""
        for change in LedgerChange.allCases {
            if let rows = gathered[change] { statements += change.statements(rows, run: run, largest: largest) }
        }
        gathered.removeAll(keepingCapacity: true)
        shards.removeAll(keepingCapacity: true)
    }

    // MARK: Records of runs

    private func refused(_ entry: LedgerEntry, _ detail: String) -> LedgerError {
        LedgerError(.refused, "run \(entry.run)", detail)
    }

    private mutating func change(
        _ sql: String, _ arguments: [LedgerValue], _ entry: LedgerEntry, _ expected: Int, _ refusal: String
    ) {
        flush()
        statements.append(
            LedgerStatement(sql, arguments, expected: expected, refusal: refused(entry, refusal)))
    }

    private mutating func begin(_ start: RunStart, _ entry: LedgerEntry) throws(LedgerError) {
        guard start.run == entry.run else { throw refused(entry, "a record of another run") }
        change(
            """
            INSERT INTO run (run, module, attempt, start, state, started_at, document, submission, restart)
            VALUES (?, ?, ?, ?, 'planning', ?, ?, ?, ?)
            """,
            [
                .text(start.run), .text(start.module), .text(start.attempt), .text(Coding.text(start)),
                .text(start.startedAt), .bytes(entry.document), .text(start.submission),
                .text(start.restartsOnSnapshotLoss == true && start.restartOf == nil ? "wanted" : nil),
            ], entry, 1, "the ledger has this run")
        if let earlier = start.restartOf {
            change(
                "UPDATE run SET restart = ? WHERE run = ? AND restart = 'due'", [.text(start.run), .text(earlier)],
                entry, 1,
                "the run in whose place it begins is not to begin anew, or has done so")
        }
    }

    private mutating func plan(_ epoch: Int, _ token: Int64, _ worker: String, _ entry: LedgerEntry) {
        change(
            """
            UPDATE run SET planning_epoch = ?, planning_token = ?, planning_worker = ?, planning_inherited_at = NULL
            WHERE run = ? AND state = 'planning' AND coalesce(planning_epoch, 0) < ?
            """,
            [.number(epoch), .number(token), .text(worker), .text(entry.run), .number(epoch)], entry, 1,
            "it has a plan already, or planning was leased under a newer epoch")
    }

    /// The shards of a table are numbered without gaps, so the database counts them itself.
    private mutating func keep(_ plan: RunPlan, _ entry: LedgerEntry) throws(LedgerError) {
        let text = PlanCoding.text(plan)
        change(
            "UPDATE run SET plan = ?, plan_sha256 = ?, state = 'running' WHERE run = ? AND state = 'planning'",
            [.text(text), .text(SHA256.hexadecimal(text)), .text(entry.run)], entry, 1, "it has a plan already")
        var position = 0
        for table in plan.tables {
            let count = table.shards.count
            guard table.shards.map(\.index).elementsEqual(0..<count) else {
                throw refused(entry, "the shards of \(table.name) are not numbered from zero")
            }
            for start in stride(from: 0, to: count, by: Self.shardsPerStatement) {
                let end = min(start + Self.shardsPerStatement, count)
                change(
                    """
                    INSERT INTO shard (run, position, table_name, shard, phase)
                    WITH RECURSIVE counter (number) AS (
                        SELECT CAST(? AS BIGINT) UNION ALL SELECT number + 1 FROM counter WHERE number + 1 < ?)
                    SELECT ?, ? + number, ?, number, 'ready' FROM counter
                    """,
                    [.number(start), .number(end), .text(entry.run), .number(position), .text(table.name)], entry,
                    end - start, "its shards cannot be written")
            }
            position += count
        }
    }

    private static let shardsPerStatement = 16_384

    private mutating func hold(_ worker: String, _ snapshots: [SnapshotHold], _ entry: LedgerEntry) {
        change(
            """
            INSERT INTO holder (run, worker, snapshots)
            SELECT run, ?, ? FROM run WHERE run = ? AND state NOT IN ('published', 'aborted')
            ON CONFLICT (run, worker) DO UPDATE SET snapshots = excluded.snapshots
            """,
            [.text(worker), .text(Coding.text(snapshots)), .text(entry.run)], entry, 1, "the run is over")
    }

    private mutating func seal(_ entry: LedgerEntry) {
        change(
            """
            UPDATE run SET state = 'sealed', sealed_at = ? WHERE run = ? AND state = 'running'
                AND NOT EXISTS (SELECT 1 FROM shard WHERE shard.run = ? AND phase <> 'done')
            """,
            [.text(entry.at), .text(entry.run), .text(entry.run)], entry, 1,
            "only a running run whose shards are all done is sealed")
    }

    private mutating func commit(_ version: Int, _ text: String, _ entry: LedgerEntry) {
        change(
            """
            UPDATE run SET commit_record = ?, commit_sha256 = ?, version = ?, state = 'committing'
            WHERE run = ? AND state IN ('sealed', 'committing')
            """,
            [.text(text), .text(SHA256.hexadecimal(text)), .number(version), .text(entry.run)], entry, 1,
            "only a sealed run is committed")
    }

    private mutating func publish(_ version: Int, _ digest: String, _ entry: LedgerEntry) {
        // A store that was made anew at the same place counts from one again; the audit keeps what was there before.
        change(
            """
            INSERT INTO version (module, version, run, commit_sha256, published_at)
            SELECT module, ?, run, ?, ? FROM run WHERE run = ? AND state = 'committing'
            ON CONFLICT (module, version) DO UPDATE SET
                run = excluded.run, commit_sha256 = excluded.commit_sha256, published_at = excluded.published_at
            """,
            [.number(version), .text(digest), .text(entry.at), .text(entry.run)], entry, 1,
            "only a committing run is published")
        change(
            "UPDATE run SET version = ?, state = 'published' WHERE run = ? AND state = 'committing'",
            [.number(version), .text(entry.run)], entry, 1, "only a committing run is published")
    }

    /// Of a run that has begun to commit only with the proof that it never becomes a version: whoever gave it up too early
    /// would discard the files of one.
    private mutating func abort(_ failure: TaskFailure, _ proof: NoVersion?, _ entry: LedgerEntry) {
        var condition = "state <> 'committing'"
        var arguments: [LedgerValue] = []
        switch proof {
        case nil: break
        case .taken(let other):
            // Other bytes than its own are there.
            condition = "(state <> 'committing' OR coalesce(commit_sha256, '') <> ?)"
            arguments = [.text(other)]
        case .unsent, .expired: condition = "1 = 1"
        }
        change(
            """
            UPDATE run SET failure = ?, version = NULL, state = 'aborted',
                restart = CASE WHEN restart = 'wanted' THEN ? END
            WHERE run = ? AND state NOT IN ('published', 'aborted') AND \(condition)
            """,
            [.text(Coding.text(failure)), .text(failure.kind == .snapshotLost ? "due" : nil), .text(entry.run)]
                + arguments, entry, 1,
            "the run is over, or it has begun to commit and nothing proves that it is no version")
    }
}
