import Foundation
import GRDB
import Model
import Testing

@testable import Metadata

@Suite("A ledger of the release before")
struct LedgerUpgradeTests {
    private let folder: TemporaryFolder
    private var path: String { "\(folder.path)/ledger.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    @Test("is brought up to date where it lies, and its runs go on")
    func upgrade() throws {
        try makeOld()
        let ledger = try Ledger(path: path)
        #expect(try ledger.firstBrokenAuditRow() == nil)
        #expect(try ledger.records("sealed").map(\.record) == [.sealed])
        #expect(try ledger.load("sealed").sealedAt == Fixture.committed)
        let run = try ledger.load(Fixture.run)
        #expect(run.plan == Fixture.plan(compliance: nil) && run.document == [] && run.sealedAt == nil)
        #expect(run.shards[2].timeless.leases == [Lease(epoch: 1, token: 0, worker: "w1")])
        try ledger.append(
            [
                .accepted(Fixture.receipt("labs", 0)),
                .granted(table: Fixture.oddTable, shard: 0, epoch: 1, worker: "w2", token: 5),
            ], run: Fixture.run, at: Fixture.ended)
        #expect(try ledger.load(Fixture.run).shards.map(\.phase) == [.granted, .ready, .done])
        #expect(try ledger.firstBrokenAuditRow() == nil)
        // What the older product asks before it opens a file: it knows the first only, and refuses.
        let known = try DatabaseQueue(path: path).read {
            try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations ORDER BY identifier")
        }
        #expect(known.first == "1: runs, shards, attempts, versions, audit" && known.count == 4)
    }

    /// As the release before wrote it: two runs, one with a grant.
    private func makeOld() throws {
        let database = try DatabaseQueue(path: path)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: runs, shards, attempts, versions, audit") { try $0.execute(sql: Self.oldTables) }
        try migrator.migrate(database)
        let plan: String? = PlanCoding.text(Fixture.plan(compliance: nil))
        try database.write { database in
            for (run, state, plan) in [(Fixture.run, "running", plan), ("sealed", "sealed", nil)] {
                var start = LedgerStory.start
                (start.run, start.attempt) = (run, run)
                try database.execute(
                    sql: """
                        INSERT INTO run (run, module, attempt, start, state, plan, plan_sha256, started_at, changed_at)
                        VALUES (?, 'clinic', ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        run, run, Coding.text(start), state, plan, plan.map { SHA256.hexadecimal($0) }, Fixture.started,
                        Fixture.ended,
                    ])
            }
            let shards = [(Fixture.oddTable, 0, 0), (Fixture.oddTable, 1, 0), ("labs", 0, 1)]
            for (position, (table, shard, epoch)) in shards.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO shard (run, position, table_name, shard, phase, epoch, worker)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        Fixture.run, position, table, shard, epoch == 0 ? "ready" : "granted", epoch,
                        epoch == 0 ? nil : "w1",
                    ])
            }
            try database.execute(
                sql: "INSERT INTO attempt VALUES (?, 'labs', 0, 1, 'w1', 'granted', NULL, ?, NULL)",
                arguments: [Fixture.run, Fixture.ended])
            let events = [
                (Fixture.run, Fixture.ended, #"{"granted":{"epoch":1,"shard":0,"table":"labs","worker":"w1"}}"#),
                ("sealed", Fixture.committed, #"{"sealed":{}}"#),
            ]
            var previous = String(repeating: "0", count: 64)
            for (index, (run, at, event)) in events.enumerated() {
                let hash = SHA256.hexadecimal("\(previous)\n\(index + 1)\n\(at)\n\(run)\ncoordinator\n\(event)\n")
                try database.execute(
                    sql: "INSERT INTO audit VALUES (?, ?, ?, ?, ?, 'coordinator', ?)",
                    arguments: [index + 1, previous, hash, at, run, event])
                previous = hash
            }
        }
    }

    private static let oldTables = """
        CREATE TABLE run (
            run TEXT NOT NULL PRIMARY KEY,
            module TEXT NOT NULL,
            attempt TEXT NOT NULL UNIQUE,
            start TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN
                ('planning', 'running', 'sealed', 'committing', 'published', 'aborted')),
            plan TEXT,
            plan_sha256 TEXT,
            commit_record TEXT,
            version INTEGER,
            failure TEXT,
            started_at TEXT NOT NULL,
            changed_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE shard (
            run TEXT NOT NULL REFERENCES run,
            position INTEGER NOT NULL,
            table_name TEXT NOT NULL,
            shard INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('ready', 'granted', 'done')),
            epoch INTEGER NOT NULL DEFAULT 0,
            worker TEXT,
            failures INTEGER NOT NULL DEFAULT 0,
            receipt TEXT,
            PRIMARY KEY (run, table_name, shard),
            CHECK ((phase = 'done') = (receipt IS NOT NULL))
        ) STRICT;
        CREATE TABLE attempt (
            run TEXT NOT NULL,
            table_name TEXT NOT NULL,
            shard INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            worker TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('granted', 'accepted', 'failed', 'released')),
            failure TEXT,
            granted_at TEXT NOT NULL,
            ended_at TEXT,
            PRIMARY KEY (run, table_name, shard, epoch),
            FOREIGN KEY (run, table_name, shard) REFERENCES shard
        ) STRICT;
        CREATE TABLE version (
            module TEXT NOT NULL,
            version INTEGER NOT NULL,
            run TEXT NOT NULL UNIQUE REFERENCES run,
            commit_sha256 TEXT NOT NULL,
            published_at TEXT NOT NULL,
            PRIMARY KEY (module, version)
        ) STRICT;
        CREATE TABLE audit (
            seq INTEGER NOT NULL PRIMARY KEY,
            prev_hash TEXT NOT NULL,
            hash TEXT NOT NULL,
            at TEXT NOT NULL,
            run TEXT NOT NULL,
            actor TEXT NOT NULL,
            event TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        CREATE INDEX run_by_state ON run (state);
        """
}
