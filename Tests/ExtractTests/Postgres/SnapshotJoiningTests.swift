import Extract
import Foundation
import Model
import TestKit
import Testing

@Suite(
    "a snapshot with several holders", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct SnapshotJoiningTests {
    private func join(
        _ scenario: PostgresScenario, _ relation: PostgresRelation, _ identity: PostgresIdentity,
        snapshots: [String]? = nil, isPlanned: Bool = true
    ) throws -> SnapshotKeeper {
        try SnapshotKeeper(
            joining: identity, url: scenario.url, snapshots: snapshots ?? identity.snapshots,
            origins: [relation.origin],
            statements: [], patience: .milliseconds(300),
            isPlanned: { origin, text in isPlanned && origin == relation.origin && text == relation.fingerprintText })
    }

    private func read(
        _ scenario: PostgresScenario, _ relation: PostgresRelation, _ identity: PostgresIdentity, more: [String]
    ) throws -> [[String?]] {
        let reader = PostgresShardReader(url: scenario.url, identity: identity)
        reader.moreSnapshots = more
        return try scenario.read(relation, identity, columns: ["a"], reader: reader)
    }

    @Test("the first holder dies: readers go on by the second's ids, and a third holds it from there; all gone is told")
    func holdersDie() throws {
        try PostgresScenario.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)") { scenario in
            let relation = try scenario.describe("public", "t")
            let first = try scenario.keeper(relation)
            let planned = first.identity
            try scenario.database.run("INSERT INTO t VALUES (2)")
            let second = try join(scenario, relation, planned)
            #expect(second.identity.snapshotText == planned.snapshotText)
            #expect(second.identity.snapshots.count == 2)
            #expect(Set(second.identity.snapshots).isDisjoint(with: planned.snapshots))

            try scenario.terminateKeepers(count: 2)
            #expect(try extractError { try first.keepAlive() }?.code == .snapshotLost)
            try second.keepAlive()
            #expect(try extractError { _ = try read(scenario, relation, planned, more: []) }?.code == .snapshotLost)
            #expect(try read(scenario, relation, planned, more: second.identity.snapshots) == [["1"]])

            let third = try join(scenario, relation, planned, snapshots: planned.snapshots + second.identity.snapshots)
            second.close()
            let ids = second.identity.snapshots + third.identity.snapshots
            #expect(try read(scenario, relation, planned, more: ids) == [["1"]])

            try scenario.terminateKeepers(count: 2)
            let lost = try extractError { _ = try read(scenario, relation, planned, more: ids) }
            #expect(lost?.code == .snapshotLost && lost?.disposition == .failRun)
            #expect(
                try extractError { _ = try join(scenario, relation, planned, snapshots: ids) }?.code == .snapshotLost)
        }
    }

    @Test("TRUNCATE and ALTER wait while either holder lives")
    func locks() throws {
        try PostgresScenario.run(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)"
        ) { scenario in
            let relation = try scenario.describe("public", "p")
            let holders = [try scenario.keeper(relation)]
            let all = holders + [try join(scenario, relation, holders[0].identity)]
            func expectWaiting() {
                for statement in [
                    "TRUNCATE p_1", "ALTER TABLE p DETACH PARTITION p_1", "ALTER TABLE p_1 ALTER a SET DEFAULT 1",
                ] {
                    #expect(throws: (any Error).self, "\(statement)") {
                        try scenario.database.run("SET lock_timeout = 100;\n\(statement)")
                    }
                }
            }
            expectWaiting()
            all[0].close()
            expectWaiting()
            all[1].close()
            try scenario.database.run("SET lock_timeout = 5000; TRUNCATE p_1")
        }
    }

    @Test("a holder joins only the planned server, snapshot and shape, and a locked table in bounded time")
    func refusals() throws {
        try PostgresScenario.run("CREATE TABLE t (a int)") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            func failure(_ change: (inout PostgresIdentity) -> Void, isPlanned: Bool = true) throws -> ExtractError
                .Code?
            {
                var identity = keeper.identity
                change(&identity)
                return try extractError { _ = try join(scenario, relation, identity, isPlanned: isPlanned) }?.code
            }
            #expect(try failure({ _ in }) == nil)
            #expect(try failure({ _ in }, isPlanned: false) == .schemaChanged)
            #expect(try failure { $0.serverStart = "2000-01-01 00:00:00+00" } == .snapshotLost)
            #expect(try failure { $0.systemIdentifier = "1" } == .snapshotLost)
            #expect(try failure { $0.snapshotText = "1:1:" } == .snapshotLost)
            #expect(try failure { $0.snapshots = ["00000003-0000001B-1"] } == .snapshotLost)
            #expect(try failure { $0.snapshots = [] } == .snapshotLost)

            // The snapshot outlives its locks: a holder of the one alone.
            let bare = try scenario.connect()
            try bare.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try bare.execute("SET TRANSACTION SNAPSHOT '\(keeper.identity.snapshots[0])'")
            let id = try bare.query("SELECT pg_export_snapshot()")[0][0] ?? ""
            keeper.close()
            let other = try scenario.connect()
            try other.execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
            let locked = try extractError { _ = try join(scenario, relation, keeper.identity, snapshots: [id]) }
            #expect(locked?.code == .transient && locked?.foreignCode == "55P03")
        }
    }
}
