internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The locks that keep a run's relations as they were planned: ACCESS SHARE, which stops ALTER, TRUNCATE, DROP and
/// VACUUM FULL and nothing else.
///
/// They are never waited for in the server's queue: behind a waiting ALTER a reader would wait, and others behind it.
enum PostgresLocks {
    /// Locks tables within a transaction by `LOCK TABLE … NOWAIT`; takes no snapshot.
    ///
    /// `LOCK TABLE` does not take materialized views, foreign tables, nor tables of which the role may select some
    /// columns only: these are locked by parse analysis of a statement (`holdByParsing`).
    static func lock(_ connection: PostgresConnection, _ tables: [(schema: String, name: String)]) throws(ExtractError)
    {
        for start in stride(from: 0, to: tables.count, by: 100) {
            let batch = tables[start..<min(start + 100, tables.count)]
            let names = batch.map { "ONLY \(PostgresName.qualified($0.schema, $0.name))" }
            try connection.execute(
                "LOCK TABLE \(names.joined(separator: ", ")) IN ACCESS SHARE MODE NOWAIT",
                subject: batch.count == 1 ? batch.first.map { "\($0.schema).\($0.name)" } : nil)
        }
    }

    /// Begins transactions by `begin` until one gets all locks; between attempts nothing is held.
    ///
    /// - Throws: `.transient` that names a locked table, once `patience` is over.
    static func lock(
        _ connection: PostgresConnection, _ tables: [(schema: String, name: String)], patience: Duration,
        begin: () throws(ExtractError) -> Void
    ) throws(ExtractError) {
        let deadline = ContinuousClock.now + patience
        while true {
            try begin()
            do throws(ExtractError) {
                try lock(connection, tables)
                return
            } catch {
                guard error.foreignCode == lockNotAvailable, connection.isAlive else { throw error }
                try connection.execute("ROLLBACK")
                if ContinuousClock.now >= deadline { throw try named(connection, tables, begin) ?? error }
                _ = usleep(250_000)
            }
        }
    }

    private static let lockNotAvailable = "55P03"

    /// The error for the first table that cannot be locked now; nil when all can.
    private static func named(
        _ connection: PostgresConnection, _ tables: [(schema: String, name: String)],
        _ begin: () throws(ExtractError) -> Void
    ) throws(ExtractError) -> ExtractError? {
        try begin()
        for table in tables {
            do throws(ExtractError) {
                try lock(connection, [table])
            } catch {
                guard connection.isAlive else { throw error }
                try connection.execute("ROLLBACK")
                return error
            }
        }
        try connection.execute("ROLLBACK")
        return nil
    }

    /// Analyses statements within a transaction: the relations they name are locked until it ends. Takes the
    /// transaction's snapshot, unlike `lock`.
    static func holdByParsing(_ connection: PostgresConnection, _ statements: [SnapshotKeeper.Statement])
        throws(ExtractError)
    {
        for statement in statements {
            try connection.analyse(statement: statement.sql, subject: statement.subject)
        }
    }
}
