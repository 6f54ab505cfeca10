internal import Model

/// The settings under which every transaction of a run reads: exact text forms, nothing hidden, nothing that ends it
/// early, and a server that notices when its client vanished (otherwise it would hold the snapshot for hours).
enum PostgresTransaction {
    /// A reader's transaction may idle between shards for a minute; a keeper idles by design.
    enum Role { case keeper, reader }

    /// Begins a transaction on the given snapshot, or on one that the first query will take.
    ///
    /// - Throws: `.snapshotLost` when none of `snapshots` exists any more.
    static func begin(_ connection: PostgresConnection, role: Role, snapshots: [String]?) throws(ExtractError) {
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if let snapshots { try importSnapshot(connection, among: snapshots) }
        try connection.execute(settings(role, serverVersion: connection.serverVersion))
        // Servers on some systems cannot watch their clients, and refuse the setting.
        do throws(ExtractError) {
            try connection.execute(
                "SAVEPOINT watch; SET LOCAL client_connection_check_interval = '10s'; RELEASE SAVEPOINT watch")
        } catch {
            guard connection.isAlive else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT watch")
        }
    }

    /// Begins a transaction on a planned snapshot, by any of the ids that it is exported under.
    ///
    /// - Throws: `.snapshotLost` when none of `snapshots` exists any more, when another server than the planned one
    ///   answers, or when the connection sees something else.
    static func join(
        _ connection: PostgresConnection, _ identity: PostgresIdentity, role: Role, snapshots: [String]
    ) throws(ExtractError) {
        let otherServer = ExtractError(
            .snapshotLost, source: identity.name, reason: "another server than planned answers at \(connection.place)",
            remedy: "name one server in the URL, no load balancer, and run again")
        if let planned = identity.systemIdentifier, let found = try systemIdentifier(connection), found != planned {
            throw otherServer
        }
        try begin(connection, role: role, snapshots: snapshots)
        let facts = try facts(connection)
        guard facts.serverStart == identity.serverStart else { throw otherServer }
        guard facts.isolation == identity.isolation, facts.snapshotText == identity.snapshotText else {
            throw ExtractError(
                .snapshotLost, source: identity.name, reason: "the connection does not see the run's snapshot",
                remedy: "connect without a pooler that shares sessions")
        }
    }

    private static func importSnapshot(_ connection: PostgresConnection, among snapshots: [String]) throws(ExtractError)
    {
        for (index, snapshot) in snapshots.enumerated() {
            do throws(ExtractError) {
                try connection.execute(
                    "SET TRANSACTION SNAPSHOT \(PostgresName.literal(snapshot))", subject: nil,
                    doing: .importingSnapshot)
                return
            } catch {
                guard error.code == .snapshotLost, index < snapshots.count - 1 else { throw error }
                try connection.execute("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            }
        }
        throw ExtractError(
            .snapshotLost, source: connection.source, reason: "the plan names no snapshot to read from")
    }

    private static func settings(_ role: Role, serverVersion: Int) -> String {
        var settings = [
            "statement_timeout = 0", "lock_timeout = '10s'",
            "idle_in_transaction_session_timeout = \(role == .keeper ? "0" : "'60s'")",
            // A reader that pauses keeps its window closed, and Linux ends a connection whose window stays closed for
            // this long (seen: a pause of 150 s against 120 s). A worker may compress and write for a while, so this
            // is longer than the client's own limit.
            "tcp_user_timeout = 300000", "tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10",
            "tcp_keepalives_count = 3",
            // Policies then end the statement instead of hiding rows.
            "row_security = off",
            "search_path = ''", "synchronize_seqscans = off", "max_parallel_workers_per_gather = 0", "jit = off",
            "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "bytea_output = 'hex'",
            "extra_float_digits = 1", "xmloption = 'content'",
        ]
        if serverVersion >= 170_000 { settings.append("transaction_timeout = 0") }
        return settings.map { "SET LOCAL \($0)" }.joined(separator: "; ")
    }

    /// What must be equal on every connection of a run.
    struct Facts: Equatable {
        let isolation: String
        let snapshotText: String
        let serverStart: String
    }

    static func facts(_ connection: PostgresConnection) throws(ExtractError) -> Facts {
        let row = try connection.query(
            """
            SELECT pg_catalog.current_setting('transaction_isolation'), pg_catalog.pg_current_snapshot()::pg_catalog.text,
                   pg_catalog.pg_postmaster_start_time()::pg_catalog.text
            """)[0]
        return Facts(isolation: row[0] ?? "", snapshotText: row[1] ?? "", serverStart: row[2] ?? "")
    }

    /// The cluster's own number, or nil where the role may not ask. Not to be called inside a transaction: a refusal
    /// would end it.
    static func systemIdentifier(_ connection: PostgresConnection) throws(ExtractError) -> String? {
        do throws(ExtractError) {
            return try connection.query("SELECT system_identifier FROM pg_catalog.pg_control_system()").first?[0]
        } catch {
            if error.code == .notPermitted { return nil }
            throw error
        }
    }
}
