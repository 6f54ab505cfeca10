import Extract
import Foundation
import Model
import Synchronization
import TestKit
import Testing

@Suite(
    "PostgreSQL snapshots", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct SnapshotKeeperTests {
    @Test("the identity tells what was read")
    func identity() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let identity = try scenario.keeper(try scenario.describe("public", "t")).identity
            #expect(identity.isolation == "repeatable read" && identity.snapshots.count == 2)
            #expect(identity.database == scenario.database.name && identity.port > 0 && !identity.host.isEmpty)
            #expect(identity.systemIdentifier != nil && identity.walPosition.contains("/"))
            #expect(identity.serverStart.hasSuffix("+00"))
        }
    }

    @Test("rows that move while shards are read are neither missed nor read twice")
    func concurrentUpdates() throws {
        try PostgresScenario.run(
            """
            CREATE TABLE t (id int, version int, padding text) WITH (fillfactor = 50);
            INSERT INTO t SELECT i, 0, repeat('x', 100) FROM generate_series(1, 20000) i;
            """
        ) { scenario in
            let isDone = Atomic(false)
            let writer = Thread {
                guard let connection = try? scenario.connect() else { return }
                var round = 0
                while !isDone.load(ordering: .acquiring) {
                    round += 1
                    _ = try? connection.execute(
                        "UPDATE public.t SET version = version + 1, padding = repeat('y', \(100 + round % 7)) WHERE id % 17 = \(round % 17)"
                    )
                    _ = try? connection.execute(
                        "DELETE FROM public.t WHERE id = \(round); INSERT INTO public.t VALUES (\(100_000 + round), 0, 'new')"
                    )
                }
            }
            writer.start()
            Thread.sleep(forTimeInterval: 0.2)
            defer { isDone.store(true, ordering: .releasing) }
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            let shards = PostgresShards.plan(relation, bytesPerShard: 64 << 10)
            #expect(shards.count > 20)
            let rows = try scenario.read(
                relation, keeper.identity, columns: ["id", "version"], bytesPerShard: 64 << 10)
            let wanted = try scenario.ask(keeper.identity, "SELECT id::text, version::text FROM public.t")
            func sorted(_ rows: [[String?]]) -> [String] { rows.map { "\($0[0] ?? "")/\($0[1] ?? "")" }.sorted() }
            #expect(sorted(rows) == sorted(wanted))
            #expect(Set(rows.map { $0[0] }).count == rows.count)
        }
    }

    @Test("while it lives, TRUNCATE, ALTER and DROP wait; afterwards they do not")
    func locks() throws {
        try PostgresScenario.run(
            """
            CREATE TABLE t (a int); CREATE TABLE other (a int);
            CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
            """
        ) { scenario in
            let relation = try scenario.describe("public", "t")
            let query = SnapshotKeeper.Statement(sql: "SELECT * FROM public.other", subject: "query")
            let keeper = try scenario.keeper(relation, try scenario.describe("public", "p"), statements: [query])
            for statement in [
                "TRUNCATE t", "ALTER TABLE t ADD b int", "DROP TABLE t", "VACUUM FULL t", "TRUNCATE p_1",
                "ALTER TABLE p DETACH PARTITION p_1", "TRUNCATE other",
            ] {
                #expect(throws: (any Error).self, "\(statement)") {
                    try scenario.database.run("SET lock_timeout = 100;\n\(statement)")
                }
            }
            keeper.close()
            try scenario.database.run("SET lock_timeout = 5000; TRUNCATE t; ALTER TABLE t ADD b int")
            #expect(try extractError { try keeper.keepAlive() }?.code == .snapshotLost)
        }
    }

    @Test("a table that another session locks is named, in bounded time")
    func lockedTable() throws {
        try PostgresScenario.run("CREATE TABLE free (a int); CREATE TABLE busy (a int)") { scenario in
            let relations = [try scenario.describe("public", "free"), try scenario.describe("public", "busy")]
            let other = try scenario.connect()
            try other.execute("BEGIN; LOCK TABLE public.busy IN ACCESS EXCLUSIVE MODE")
            let error = try extractError {
                _ = try scenario.keeper(relations[0], relations[1], patience: .milliseconds(300))
            }
            #expect(error?.code == .transient && error?.subject == "public.busy" && error?.foreignCode == "55P03")
            try other.execute("ROLLBACK")
            try scenario.keeper(relations[0], relations[1]).keepAlive()
        }
    }

    @Test("a table that changed since it was described is noticed")
    func changedWhilePlanning() throws {
        try PostgresScenario.run(
            "CREATE TABLE t (a int); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)"
        ) { scenario in
            let relation = try scenario.describe("public", "t")
            try scenario.database.run("ALTER TABLE t ALTER a TYPE bigint")
            #expect(try extractError { _ = try scenario.keeper(relation) }?.code == .schemaChanged)
            let parted = try scenario.describe("public", "p")
            try scenario.database.run("CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2)")
            #expect(try extractError { _ = try scenario.keeper(parted) }?.code == .schemaChanged)
        }
    }

    @Test("one connection of the keeper dies and shards are still read; both die and the snapshot is lost")
    func keeperDies() throws {
        try PostgresScenario.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            try keeper.keepAlive()
            try scenario.database.run("INSERT INTO t VALUES (2)")
            try scenario.terminateKeepers(count: 1)
            try keeper.keepAlive()
            // The first id is gone, the second is not: still the same snapshot.
            #expect(try scenario.read(relation, keeper.identity, columns: ["a"]) == [["1"]])
            try scenario.terminateKeepers(count: 1)
            let lost = try extractError { try keeper.keepAlive() }
            #expect(lost?.code == .snapshotLost && lost?.disposition == .failRun)
            let read = try extractError { _ = try scenario.read(relation, keeper.identity, columns: ["a"]) }
            #expect(read?.code == .snapshotLost)
        }
    }

    @Test("a statement of the document that the server does not take is told before any row")
    func refusedFilter() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let relation = try scenario.describe("public", "t")
            let selection = PostgresSelection(origin: relation.origin, expressions: ["\"a\""], filter: "b > 0")
            let error = try extractError {
                _ = try scenario.keeper(relation, statements: [.init(sql: selection.statement, subject: "t: where")])
            }
            #expect(error?.code == .statementRefused && error?.subject == "t: where" && error?.foreignCode == "42703")
        }
    }
}
