package import Model
internal import Synchronization

/// Holds one snapshot of one database, and the locks of a run, on two connections: either may die. Several keepers, of
/// several nodes, can hold the same one: any of them may die then.
///
/// For the one that takes it the order matters. Locks come before the snapshot: a TRUNCATE that commits between the two
/// would leave an old snapshot looking at an empty table, without any error. `LOCK TABLE` takes no snapshot, so the
/// tables' locks simply come first. Parse analysis, which alone locks what a query or filter names, does take one: so the
/// second connection analyses those statements in a transaction of its own, holds their locks while the first takes the
/// snapshot and locks them too, and only then begins again on that snapshot.
///
/// While it lives, ALTER, TRUNCATE and VACUUM FULL of the run's tables wait, and vacuum keeps rows of this database.
package final class SnapshotKeeper: Sendable {
    /// A statement of the document whose relations are locked too: a query, or a table's statement with its filter.
    package struct Statement: Sendable {
        package let sql: String
        /// What errors name.
        package let subject: String

        package init(sql: String, subject: String) {
            self.sql = sql
            self.subject = subject
        }
    }

    package let identity: PostgresIdentity
    private let connections: Mutex<[PostgresConnection]>

    /// Connects twice, locks, takes the snapshot and checks that the relations are still those that were planned.
    ///
    /// - Parameters:
    ///   - relations: As `PostgresCatalog` described them.
    ///   - statements: `PostgresSelection.statement` of each table, and of each query.
    ///   - patience: How long a table that another session locks is tried again.
    /// - Throws: `.transient` naming a locked table, `.schemaChanged` when a relation or its leaves are others by now,
    ///   `.statementRefused` for a statement that the server does not take.
    package init(
        source: String, url: Secret, relations: [PostgresRelation], statements: [Statement],
        patience: Duration = .seconds(20)
    ) throws(ExtractError) {
        let first = try PostgresConnection(source: source, url: url)
        let second = try PostgresConnection(source: source, url: url)
        let systemIdentifier = try PostgresTransaction.systemIdentifier(first)
        let tables = Self.lockable(relations)
        let parsed = Self.parsed(relations) + statements

        try PostgresTransaction.begin(second, role: .keeper, snapshots: nil)
        try PostgresLocks.holdByParsing(second, parsed)
        try PostgresLocks.lock(first, tables, patience: patience) { () throws(ExtractError) in
            try PostgresTransaction.begin(first, role: .keeper, snapshots: nil)
        }
        let firstSnapshot = try Self.exportSnapshot(first)
        try PostgresLocks.holdByParsing(first, parsed)
        try Self.checkUnchanged(relations, on: first)

        try second.execute("ROLLBACK")
        try PostgresTransaction.begin(second, role: .keeper, snapshots: [firstSnapshot])
        try PostgresLocks.lock(second, tables)
        try PostgresLocks.holdByParsing(second, parsed)
        let secondSnapshot = try Self.exportSnapshot(second)

        let facts = try PostgresTransaction.facts(first)
        guard try PostgresTransaction.facts(second) == facts else {
            throw ExtractError(
                .snapshotLost, source: source, reason: "two connections to \(first.place) reached different servers",
                remedy: "name one server in the URL, no load balancer")
        }
        identity = PostgresIdentity(
            name: source, host: first.host, port: first.port, database: first.database,
            serverVersion: try first.query("SELECT pg_catalog.current_setting('server_version')")[0][0] ?? "",
            systemIdentifier: systemIdentifier, serverStart: facts.serverStart, isolation: facts.isolation,
            snapshots: [firstSnapshot, secondSnapshot], snapshotText: facts.snapshotText,
            walPosition: try Self.walPosition(first))
        connections = Mutex([first, second])
    }

    /// Holds a snapshot that others hold already, with the same locks, so that they may die.
    ///
    /// The locks come after the import here: until then the others hold them. That none of them died in between is
    /// shown by the second connection, which imports one of their ids when the first has its locks.
    /// - Parameters:
    ///   - identity: The planned snapshot.
    ///   - snapshots: All ids that it is known to be exported under.
    ///   - origins: The tables' of the plan.
    ///   - isPlanned: Whether a `PostgresRelation.fingerprintText` is the one that was planned for the table.
    /// - Throws: `.snapshotLost` when none of the ids is there any more, or another server answers; `.schemaChanged`;
    ///   `.transient` naming a locked table.
    package init(
        joining identity: PostgresIdentity, url: Secret, snapshots: [String], origins: [PostgresOrigin],
        statements: [Statement], patience: Duration = .seconds(20),
        isPlanned: (PostgresOrigin, _ fingerprintText: String) -> Bool
    ) throws(ExtractError) {
        let first = try PostgresConnection(source: identity.name, url: url)
        let second = try PostgresConnection(source: identity.name, url: url)
        try PostgresTransaction.join(first, identity, role: .keeper, snapshots: snapshots)
        var catalog = PostgresCatalog(first)
        var relations: [PostgresRelation] = []
        for origin in origins { relations.append(try catalog.describe(origin)) }
        try first.execute("ROLLBACK")
        let tables = Self.lockable(relations)
        let parsed = Self.parsed(relations) + statements

        var ids: [String] = []
        for connection in [first, second] {
            try PostgresLocks.lock(connection, tables, patience: patience) { () throws(ExtractError) in
                try PostgresTransaction.join(connection, identity, role: .keeper, snapshots: snapshots)
            }
            try PostgresLocks.holdByParsing(connection, parsed)
            ids.append(try Self.exportSnapshot(connection))
        }
        for relation in relations where !isPlanned(relation.origin, try catalog.fingerprintText(of: relation.origin)) {
            throw ExtractError(
                .schemaChanged, source: identity.name, subject: relation.origin.name,
                reason: "the table is not what was planned", remedy: "run again when the schema change is done")
        }
        var identity = identity
        identity.snapshots = ids
        self.identity = identity
        connections = Mutex([first, second])
    }

    /// Says a word on each connection, against proxies that cut idle ones. Call it every half minute.
    ///
    /// - Throws: `.snapshotLost` when no connection is left: the run cannot go on.
    package func keepAlive() throws(ExtractError) {
        let remaining = connections.withLock { connections in
            connections.removeAll { connection in (try? connection.query("SELECT 1")) == nil }
            return connections.count
        }
        guard remaining > 0 else {
            throw ExtractError(
                .snapshotLost, source: identity.name,
                reason: "both connections that held the run's snapshot on \(identity.host):\(identity.port) were lost",
                remedy: "run again")
        }
    }

    /// Ends the transactions; the snapshot and the locks go with them.
    package func close() {
        connections.withLock { $0.removeAll() }
    }

    // MARK: Steps

    private static func lockable(_ relations: [PostgresRelation]) -> [(schema: String, name: String)] {
        var seen: Set<String> = []
        var tables: [(schema: String, name: String)] = []
        func add(_ schema: String, _ name: String) {
            if seen.insert(PostgresName.qualified(schema, name)).inserted { tables.append((schema, name)) }
        }
        for relation in relations {
            // The parent too: its lock keeps partitions from being taken away.
            if relation.kind == .partitioned, case .relation(let schema, let name) = relation.origin {
                add(schema, name)
            }
            for leaf in relation.leaves where leaf.isLockable { add(leaf.schema, leaf.name) }
        }
        return tables
    }

    /// Statements that lock what `LOCK TABLE` does not take.
    private static func parsed(_ relations: [PostgresRelation]) -> [Statement] {
        relations.flatMap { relation -> [Statement] in
            switch relation.origin {
            case .query(let sql):
                let selection = PostgresSelection(origin: .query(sql), expressions: ["1"], filter: nil)
                return [Statement(sql: selection.statement, subject: "query")]
            case .relation(let schema, let name):
                if relation.leaves.allSatisfy(\.isLockable), !relation.leaves.isEmpty { return [] }
                let table = PostgresName.qualified(schema, name)
                return [Statement(sql: "SELECT 1 FROM \(table)", subject: "\(schema).\(name)")]
            }
        }
    }

    private static func exportSnapshot(_ connection: PostgresConnection) throws(ExtractError) -> String {
        try connection.query("SELECT pg_catalog.pg_export_snapshot()")[0][0] ?? ""
    }

    private static func walPosition(_ connection: PostgresConnection) throws(ExtractError) -> String {
        try connection.query(
            """
            SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                        ELSE pg_catalog.pg_current_wal_lsn() END
            """)[0][0] ?? ""
    }

    private static func checkUnchanged(_ relations: [PostgresRelation], on connection: PostgresConnection)
        throws(ExtractError)
    {
        var catalog = PostgresCatalog(connection)
        for planned in relations {
            let found = try catalog.describe(planned.origin)
            guard found.fingerprintText == planned.fingerprintText, found.kind == planned.kind,
                found.leaves.map(\.oid) == planned.leaves.map(\.oid)
            else {
                throw ExtractError(
                    .schemaChanged, source: connection.source, subject: planned.origin.name,
                    reason: "the table changed while the run was planned", remedy: "run again")
            }
        }
    }
}
