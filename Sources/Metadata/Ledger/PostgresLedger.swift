import Model
import Postgres

/// The ledger in PostgreSQL: a leader by lease and epoch, measured by the database's clock alone.
///
/// - Its tables are in the schema `etlx_ledger`, made when absent. The URL must lead to the primary itself: settings and
///   prepared statements belong to the session, so a pooler that shares sessions is no way to it.
/// - Durability: `synchronous_commit` is at least `on`. With an asynchronous standby, a fail-over loses the newest records.
/// - A transaction is two round trips: all its statements, then COMMIT once their counts were looked at.
final class PostgresLedger: LedgerDatabase {
    let place: String
    private let url: Secret
    private var session: PostgresSession?
    /// Texts with `?` → with `$1`, ….
    private var translated: [String: String] = [:]

    private static let connectTime = Duration.seconds(4)
    private static let schema = "etlx_ledger"
    private static let migrationLock = 7_305_808_869_229_538

    /// Connects, and makes the tables or brings them up to date.
    init(url: Secret) throws(LedgerError) {
        self.url = url
        place = PostgresPlace.location(of: url)
        try migrate()
    }

    /// Whether the database has a ledger's tables. Makes nothing.
    static func isThere(_ url: Secret) throws(LedgerError) -> Bool {
        do throws(PostgresError) {
            let session = try PostgresSession(url: url, timeout: connectTime)
            return try session.query("SELECT pg_catalog.to_regclass('\(schema).audit')")[0][0] != nil
        } catch { throw .translated(error, PostgresPlace.location(of: url)) }
    }

    func read(
        _ queries: [LedgerQuery], _ row: (_ query: Int, _ row: LedgerRow) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        let statements = queries.map { statement($0.sql, $0.arguments) }
        guard statements.count > 1 else {
            for answer in try run(statements) { for found in Self.rows(answer) { try row(0, found) } }
            return
        }
        let begin = PostgresStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        // Row by row: a run of many shards is a hundred megabytes, and is taken in as it comes.
        var failure: LedgerError?
        var byteCount = 0
        let answers = try answers([begin] + statements + [PostgresStatement("COMMIT")], 0, isStreamed: true) {
            place, values in
            guard failure == nil, queries.indices.contains(place - 1) else { return }
            let found = LedgerRow(values: values.map { .text($0) })
            byteCount += found.byteCount
            do throws(LedgerError) { try row(place - 1, found) } catch { failure = error }
        }
        if let refused = answers.failure {
            rollBack()
            throw .translated(refused, place)
        }
        // libpq's buffers are as large as the largest row that came, as long as the session lives.
        if byteCount > Self.bytesPerSession { session = nil }
        if let failure { throw failure }
    }

    private static let bytesPerSession = 4 << 20

    func write(_ statements: [LedgerStatement]) throws(LedgerError) {
        // Not READ WRITE: a database that its administrator made read-only stays so.
        let begin = PostgresStatement("BEGIN ISOLATION LEVEL READ COMMITTED")
        let sent = [begin] + statements.map { statement($0.sql, $0.arguments) }
        let byteCount = statements.reduce(0) { $0 + $1.byteCount }
        let answers = try answers(sent, byteCount)
        do throws(LedgerError) {
            for (statement, answer) in zip(statements, answers.answers.dropFirst()) {
                try statement.check(answer.count)
            }
            if let failure = answers.failure { throw .translated(failure, place) }
        } catch {
            rollBack()
            throw error
        }
        // By its text: whoever looks at the line sees where a transaction ends.
        let end = try self.answers([PostgresStatement("COMMIT", isPrepared: false)], 0)
        if let failure = end.failure {
            // Constraints are checked before: a COMMIT that fails is a session or a server at its end.
            session = nil
            let error = LedgerError.translated(failure, place)
            throw error.code == .refused
                ? error : LedgerError(.unreachable, place, "the transaction was not ended", sqlState: failure.state)
        }
        // After a plan, libpq's buffers are as large as it is.
        if byteCount > Self.bytesPerSession { session = nil }
    }

    func fence(_ epoch: Int64) -> LedgerStatement {
        LedgerStatement(
            "SELECT 1 FROM coordinator WHERE id = 1 AND epoch = ? FOR SHARE", [.number(epoch)], expected: 1,
            refusal: deposed)
    }

    // A lease that ended is a number below the clock's; conditions are looked at again after waiting for a lock.
    private static let clock = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    var clock: String { Self.clock }

    func acquire(holder: String, address: String, lease: Duration) throws(LedgerError) -> Int64? {
        let statement = statement(
            """
            UPDATE coordinator SET epoch = epoch + 1, holder = ?, address = ?, expires_at = \(Self.clock) + ?
            WHERE id = 1 AND (expires_at < \(Self.clock) OR holder = ?) RETURNING epoch
            """, [.text(holder), .text(address), .number(lease.milliseconds), .text(holder)])
        let rows = Self.rows(try run([statement])[0])
        return try rows.first?.number(0)
    }

    func renew(_ epoch: Int64, lease: Duration) throws(LedgerError) -> Bool {
        let statement = statement(
            "UPDATE coordinator SET expires_at = \(Self.clock) + ? WHERE id = 1 AND epoch = ?",
            [.number(lease.milliseconds), .number(epoch)])
        return try run([statement])[0].count == 1
    }

    func resign(_ epoch: Int64) throws(LedgerError) {
        _ = try run([statement("UPDATE coordinator SET expires_at = 0 WHERE id = 1 AND epoch = ?", [.number(epoch)])])
    }

    func leader() throws(LedgerError) -> (epoch: Int64, address: String)? {
        guard
            let row = try rows("SELECT epoch, address FROM coordinator WHERE id = 1 AND expires_at >= \(Self.clock)")
                .first
        else { return nil }
        return (try row.number(0), try row.text(1))
    }

    // MARK: The session

    private func connected() throws(LedgerError) -> PostgresSession {
        if let session, session.isAlive { return session }
        session = nil
        do throws(PostgresError) {
            let new = try PostgresSession(url: url, timeout: Self.connectTime, unacknowledged: Limits.ledgerSilence)
            let settings = try new.pipeline(
                [PostgresStatement(Self.settings, isPrepared: false)], silence: Limits.ledgerSilence)
            if let failure = settings.failure { throw failure }
            session = new
            return new
        } catch {
            throw .translated(error, place)
        }
    }

    /// The server ends a transaction whose coordinator fell silent, and waits for nothing for long.
    ///
    /// Plans are made once for all parameters, and along the keys: just after a plan's shards were written the server
    /// knows nothing of their number, and would read all of them for one.
    private static let settings = """
        SELECT set_config(name, value, false) FROM (VALUES
            ('search_path', '\(schema), pg_temp'), ('bytea_output', 'hex'), ('standard_conforming_strings', 'on'),
            ('idle_in_transaction_session_timeout', '5s'), ('lock_timeout', '3s'), ('statement_timeout', '30s'),
            ('tcp_user_timeout', '8s'), ('plan_cache_mode', 'force_generic_plan'), ('jit', 'off'),
            ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'),
            ('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
                THEN 'on' ELSE current_setting('synchronous_commit') END)) AS setting (name, value)
        """

    private func statement(_ sql: String, _ arguments: [LedgerValue]) -> PostgresStatement {
        let text = translated[sql] ?? Self.numbered(sql)
        translated[sql] = text
        return PostgresStatement(text, arguments.map(\.parameter))
    }

    /// `?`, `?` → `$1`, `$2`. No text of ours has a question mark of another meaning.
    static func numbered(_ sql: String) -> String {
        var number = 0
        return sql.split(separator: "?", omittingEmptySubsequences: false).reduce(into: "") { text, piece in
            if number > 0 { text += "$\(number)" }
            text += piece
            number += 1
        }
    }

    /// The answers up to the first failure. A session that broke is let go, and so is one that was silent for too long.
    private func answers(
        _ statements: [PostgresStatement], _ byteCount: Int, isStreamed: Bool = false,
        row: (_ statement: Int, _ values: [String?]) -> Void = { _, _ in }
    ) throws(LedgerError) -> PostgresAnswers {
        let session = try connected()
        do throws(PostgresError) {
            return try session.pipeline(
                statements, silence: Limits.ledgerSilence + .seconds(byteCount >> 20), isStreamed: isStreamed, row: row)
        } catch {
            self.session = nil
            throw .translated(error, place)
        }
    }

    private func run(_ statements: [PostgresStatement]) throws(LedgerError) -> [PostgresAnswer] {
        let answers = try answers(statements, 0)
        if let failure = answers.failure {
            rollBack()
            throw .translated(failure, place)
        }
        return answers.answers
    }

    private func rollBack() {
        guard let session, !session.isIdle else { return }
        guard let answers = try? session.pipeline([PostgresStatement("ROLLBACK")], silence: Limits.ledgerSilence),
            answers.failure == nil
        else {
            self.session = nil
            return
        }
    }

    private static func rows(_ answer: PostgresAnswer) -> [LedgerRow] {
        answer.rows.map { row in LedgerRow(values: row.map { .text($0) }) }
    }

    // MARK: Tables

    private func migrate() throws(LedgerError) {
        // Without changing anything where nothing is to be changed: then the role needs no right to make tables.
        if try version() == LedgerSchema.migrations.count { return }
        let session = try connected()
        do throws(PostgresError) {
            // One makes them while others wait. The transaction begins afterwards: what a session found missing it looks
            // for again at the beginning of a transaction, and not within.
            try session.execute("SELECT pg_advisory_lock(\(Self.migrationLock))")
            try session.execute("BEGIN")
        } catch {
            self.session = nil
            throw .translated(error, place)
        }
        do throws(LedgerError) {
            let found = try version()
            do throws(PostgresError) {
                if found == 0 {
                    try session.execute(
                        """
                        CREATE SCHEMA IF NOT EXISTS \(Self.schema);
                        CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)
                        """)
                }
                for (index, migration) in LedgerSchema.migrations.enumerated().dropFirst(found) {
                    try session.execute(LedgerSchema.postgres(migration.tables) + migration.postgres)
                    try session.change(
                        "INSERT INTO migration (number, name) VALUES ($1, $2)",
                        [.number(index + 1), .text(migration.name)])
                }
                try session.execute("COMMIT")
                try session.execute("SELECT pg_advisory_unlock(\(Self.migrationLock))")
            } catch { throw LedgerError.translated(error, place) }
        } catch {
            self.session = nil
            throw error
        }
    }

    /// How many migrations were made; zero where there is no ledger.
    private func version() throws(LedgerError) -> Int {
        let table = statement("SELECT to_regclass('\(Self.schema).migration')", [])
        guard try run([table])[0].rows[0][0] != nil else { return 0 }
        let row = Self.rows(try run([statement("SELECT coalesce(max(number), 0) FROM migration", [])])[0])[0]
        let version = try row.count(0)
        guard version <= LedgerSchema.migrations.count else {
            throw LedgerError(.damaged, place, "it was written by a newer version of the product")
        }
        return version
    }
}

extension LedgerValue {
    fileprivate var parameter: PostgresStatement.Parameter {
        switch self {
        case .number(let number): .number(number)
        case .text(let text): .text(text)
        case .bytes(let bytes): .bytes(bytes)
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
