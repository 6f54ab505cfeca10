import Extract
import Foundation
import Model
import TestKit
import Testing

@Suite(
    "PostgreSQL shard reader", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct PostgresShardReaderTests {
    @Test("empty tables and tables without rows in a shard give no rows and no error")
    func empty() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            #expect(PostgresShards.plan(relation).count == 1)
            #expect(try scenario.read(relation, keeper.identity, columns: ["a"]) == [])
        }
    }

    @Test("one connection serves shard after shard, and a new one comes when the server ended it between two")
    func reuse() throws {
        try PostgresScenario.run("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 5000)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            let reader = PostgresShardReader(url: scenario.url, identity: keeper.identity)
            func sessions() throws -> String {
                try scenario.database.run(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'etl-express' AND state = 'idle in transaction'"
                ).trimmingCharacters(in: .whitespacesAndNewlines)
            }
            for _ in 0..<2 {
                let rows = try scenario.read(
                    relation, keeper.identity, columns: ["a"], bytesPerShard: 8192, reader: reader)
                #expect(rows.count == 5000)
                #expect(try sessions() == "3")
            }
            try scenario.database.run(
                """
                SELECT pg_terminate_backend(pid, 10000) FROM (
                    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'etl-express'
                    ORDER BY backend_start DESC LIMIT 1) p
                """)
            #expect(try scenario.read(relation, keeper.identity, columns: ["a"], reader: reader).count == 5000)
        }
    }

    @Test("a shard that is given up half-way leaves the reader usable")
    func givenUp() throws {
        try PostgresScenario.run("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100000)") {
            scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            let reader = PostgresShardReader(url: scenario.url, identity: keeper.identity)
            let selection = PostgresSelection(origin: relation.origin, expressions: ["\"a\""], filter: nil)
            let shard = PostgresShards.plan(relation)[0]
            try reader.open(shard, of: selection) { _ in true }
            for _ in 0..<10 { _ = unsafe try reader.nextRow() }
            #expect(try scenario.read(relation, keeper.identity, columns: ["a"], reader: reader).count == 100_000)
        }
    }

    @Test("another shape, another server and another snapshot than planned are refused before any row")
    func otherThanPlanned() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            let selection = PostgresSelection(origin: relation.origin, expressions: ["\"a\""], filter: nil)
            let shard = PostgresShards.plan(relation)[0]
            func failure(_ change: (inout PostgresIdentity) -> Void, isPlanned: Bool = true) throws -> ExtractError
                .Code?
            {
                var identity = keeper.identity
                change(&identity)
                let reader = PostgresShardReader(url: scenario.url, identity: identity)
                return try extractError { try reader.open(shard, of: selection) { _ in isPlanned } }?.code
            }
            #expect(try failure({ _ in }) == nil)
            #expect(try failure({ _ in }, isPlanned: false) == .schemaChanged)
            #expect(try failure { $0.serverStart = "2000-01-01 00:00:00+00" } == .snapshotLost)
            #expect(try failure { $0.systemIdentifier = "1" } == .snapshotLost)
            #expect(try failure { $0.snapshotText = "1:1:" } == .snapshotLost)
            #expect(try failure { $0.snapshots = ["00000003-0000001B-1"] } == .snapshotLost)
            #expect(try failure { $0.snapshots = ["nonsense'"] } == .snapshotLost)
        }
    }

    @Test("a table truncated, rewritten or altered after the snapshot, its locks lost, is noticed")
    func changedBehindTheSnapshot() throws {
        for change in [
            "TRUNCATE t", "VACUUM FULL t", "ALTER TABLE t ADD b int DEFAULT 7", "ALTER TABLE t ALTER a TYPE bigint",
            "ALTER TABLE t DROP a, ADD a int", "DROP TABLE t",
        ] {
            try PostgresScenario.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)") { scenario in
                let relation = try scenario.describe("public", "t")
                let keeper = try scenario.keeper(relation)
                // Holds the snapshot, not the locks.
                let holder = try scenario.connect()
                try holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                try holder.execute("SET TRANSACTION SNAPSHOT '\(keeper.identity.snapshots[0])'")
                var identity = keeper.identity
                identity.snapshots = [try holder.query("SELECT pg_catalog.pg_export_snapshot()")[0][0]!]
                keeper.close()
                try scenario.database.run(change)
                let error = try extractError { _ = try scenario.read(relation, identity, columns: ["a"]) }
                // A column added at the end changes nothing that is read.
                if change.contains("ADD b") {
                    #expect(error == nil || error?.code == .schemaChanged)
                } else {
                    #expect(
                        error?.code == .schemaChanged || error?.code == .notFound,
                        "\(change): \(String(describing: error))")
                }
            }
        }
    }

    @Test("a table locked after the snapshot is not waited for")
    func lockedLater() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            // An ALTER waits behind the keeper; a reader that queued behind it would wait for itself.
            let thread = Thread {
                _ = try? scenario.connect().execute("SET lock_timeout = 3000; ALTER TABLE public.t ADD b int")
            }
            thread.start()
            var isWaiting = false
            while !isWaiting {
                isWaiting = try scenario.database.run(
                    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 't'::regclass)"
                ).hasPrefix("t")
            }
            let start = ContinuousClock.now
            let error = try extractError { _ = try scenario.read(relation, keeper.identity, columns: ["a"]) }
            #expect(error == nil || error?.code == .transient)
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }
}
