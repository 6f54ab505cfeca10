internal import Model
internal import Postgres

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Dropping tables beside readers: nobody who reads waits longer than `lockTime`, and whoever drops tries again.
extension PostgresStorage {
    private static let lockTime = "500ms"

    package func remove(_ path: String) throws(StoreError) {
        switch PostgresPath(path) {
        case .run(_, let attempt, let file) where !file.isEmpty:
            try pool.transaction(path, "remove the file") { session in
                try session.change(
                    "DELETE FROM etl.module_file WHERE attempt = $1::uuid AND path = $2", [.text(attempt), .text(file)])
            }
        case .loose(let path):
            try pool.with(path, "remove the files") { session in
                guard try PostgresRegistry.isPresent(session) else { return }
                // A folder of them has the same name.
                try session.change(
                    "DELETE FROM etl.loose_file WHERE path = $1 OR pg_catalog.starts_with(path, $1 || '/')",
                    [.text(path)])
            }
        default: return
        }
    }

    package func removeTree(_ folder: String) throws(StoreError) {
        switch PostgresPath(folder) {
        case .staged(let module, let attempt):
            try removeAttempt(module: module, attempt: attempt)
        case .run(let module, let attempt, let path) where path.isEmpty:
            try removeAttempt(module: module, attempt: attempt)
        case .run(let module, let attempt, let path):
            if path == "data" { try dropTables(module: module, attempt: attempt) }
            try pool.transaction(folder, "remove the files") { session in
                try session.change(
                    """
                    DELETE FROM etl.module_file WHERE attempt = $1::uuid
                    AND (path = $2 OR pg_catalog.starts_with(path, $2 || '/'))
                    """, [.text(attempt), .text(path)])
            }
        default: try remove(folder)
        }
    }

    /// An attempt without a version, whole. One that was committed stays as it is: it has nothing that is only staged.
    private func removeAttempt(module: String, attempt: String) throws(StoreError) {
        guard AttemptID.milliseconds(attempt) != nil else { return }
        let subject = "\(module)/\(attempt)"
        let found = try rows(
            subject,
            """
            SELECT a.schema_name FROM etl.attempt a WHERE a.attempt = $1::uuid AND a.module = $2
            AND NOT EXISTS (SELECT 1 FROM etl.module_version v WHERE v.attempt = a.attempt)
            """, [attempt, module])
        guard let schema = found.first?[0] else { return }
        // The rows first and the schema in the same step: a commit that comes in between finds its attempt, or nobody does.
        try retryingLocks(subject, "drop the attempt's tables") { session in
            for table in ["part", "module_file"] {
                try session.change("DELETE FROM etl.\(table) WHERE attempt = $1", [.text(attempt)])
            }
            try session.change("DELETE FROM etl.attempt WHERE attempt = $1", [.text(attempt)])
            try session.execute("DROP SCHEMA IF EXISTS \(PostgresName.quoted(schema)) CASCADE")
        }
    }

    /// The tables of a version that was withdrawn. Its schema gets another name first, so that nobody who reads from now on
    /// stands in the way or finds half of a version; those who read already are waited for.
    private func dropTables(module: String, attempt: String) throws(StoreError) {
        let subject = "\(module)/\(ModuleLayout.run(attempt))/data"
        let schema = try pool.transaction(subject, "hide the version's tables") { session -> String? in
            guard
                let schema = try session.query(
                    "SELECT schema_name FROM etl.attempt WHERE attempt = $1::uuid AND module = $2 FOR UPDATE",
                    [attempt, module]
                ).first?[0]
            else { return nil }
            guard
                try session.query(
                    "SELECT 1 FROM etl.module_version WHERE attempt = $1::uuid AND state = 'published'", [attempt]
                ).isEmpty
            else { throw StoreError(.notAllowed, subject, "the version is published; withdraw it first") }
            let hidden = PostgresNames.withdrawnSchema(attempt: attempt)
            let isThere = try !session.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema])
                .isEmpty
            guard schema != hidden, isThere else { return isThere ? schema : nil }
            try session.execute("ALTER SCHEMA \(PostgresName.quoted(schema)) RENAME TO \(PostgresName.quoted(hidden))")
            try session.change(
                "UPDATE etl.attempt SET schema_name = $2 WHERE attempt = $1", [.text(attempt), .text(hidden)])
            return hidden
        }
        if let schema {
            let tables = try rows(
                subject,
                """
                SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY c.oid
                """, [schema])
            for table in tables.compactMap({ $0[0] }) {
                try retryingLocks(subject, "drop a table") { session in
                    try session.execute("DROP TABLE IF EXISTS \(PostgresName.qualified(schema, table)) CASCADE")
                }
            }
            try retryingLocks(subject, "drop the schema") { session in
                try session.execute("DROP SCHEMA IF EXISTS \(PostgresName.quoted(schema)) CASCADE")
            }
        }
        try pool.transaction(subject, "forget the parts") { session in
            try session.change("DELETE FROM etl.part WHERE attempt = $1::uuid", [.text(attempt)])
        }
    }

    /// A transaction that waits for a lock for a short time alone, again and again: whoever comes behind it waits as long.
    private func retryingLocks(_ subject: String, _ action: String, _ body: (PostgresSession) throws -> Void)
        throws(StoreError)
    {
        let end = ContinuousClock.now + Limits.dropPatience
        var pause = Duration.milliseconds(20)
        while true {
            do {
                return try pool.transaction { session in
                    try session.execute("SET LOCAL lock_timeout = '\(Self.lockTime)'")
                    try body(session)
                }
            } catch let error as PostgresError
                where ["55P03", "40P01"].contains(error.state) && ContinuousClock.now < end
            {
                Self.sleep(pause)
                pause = min(pause * 2, .milliseconds(500))
            } catch let error as PostgresError {
                throw .postgres(error, subject, action)
            } catch {
                throw StoreError(.inputOutput, subject, "cannot \(action)")
            }
        }
    }

    static func sleep(_ time: Duration) {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        usleep(UInt32(clamping: milliseconds * 1000))
    }
}
