import Foundation
import Model
import ModuleStore
import Synchronization
import TestKit
import Testing

@testable import Worker

@Suite(
    "Versions in PostgreSQL",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct PostgresPublishingTests {
    private struct Stopped: Error {}

    @Test("follow each other, hold what was staged and nothing else, and verify")
    func versions() throws {
        try withTarget("versions") { fixture in
            #expect(try fixture.store.modules() == [])
            for number in 1...2 { try fixture.publishNew(number: Int64(100 * number)) }
            #expect(try fixture.store.modules() == ["clinic"])
            #expect(try fixture.store.versions(module: "clinic") == [1, 2])
            #expect(try fixture.store.latest(module: "clinic") == 2)
            let result = try fixture.store.verify(module: "clinic")
            #expect(result.findings == [] && result.files == 12)
            let schema = try fixture.schema
            #expect(try fixture.one("SELECT string_agg(id::text, ',') FROM \"\(schema)\".patients") == "200,2,3")
            #expect(
                try fixture.one("SELECT string_agg(id::text, ',' ORDER BY id) FROM \"\(schema)\".visits")
                    == "10,11,12,13")
            let record = try fixture.store.record(module: "clinic", version: 2)
            #expect(
                try fixture.store.storage.files(below: "clinic/runs/\(record.attempt)") == [
                    "SHA256SUMS", "croissant.json", "data/patients/part-00000.parquet",
                    "data/visits/part-00000.parquet",
                    "data/visits/part-00001.parquet", "lineage/start.json", "protocol.json",
                ])
            #expect(try fixture.store.storage.names("clinic/_staging") == [])
            #expect(try fixture.store.storage.names("clinic/runs/\(record.attempt)/data") == ["patients", "visits"])
        }
    }

    @Test("are never changed: tables, records and descriptions refuse it, their owner too")
    func readOnly() throws {
        try withTarget("readonly") { fixture in
            try fixture.publishNew()
            let schema = try fixture.schema
            for statement in [
                "UPDATE \"\(schema)\".patients SET id = 7", "DELETE FROM \"\(schema)\".visits",
                "TRUNCATE \"\(schema)\".patients",
                "DELETE FROM \"\(schema)\".\"visits~00001\"", "INSERT INTO \"\(schema)\".visits VALUES (1, 'x')",
                "UPDATE etl.module_version SET record = ''", "DELETE FROM etl.module_version",
                "TRUNCATE etl.module_version CASCADE",
                "UPDATE etl.module_version SET version = 9", "UPDATE etl.module_file SET bytes = ''",
                "DELETE FROM etl.module_file",
                "UPDATE etl.part SET sha256 = ''",
                "INSERT INTO etl.module_file SELECT attempt, 'more', '' FROM etl.attempt",
                "DELETE FROM etl.attempt",
            ] {
                #expect(throws: PostgresTestDatabase.Failure.self, Comment(rawValue: statement)) {
                    try fixture.database.run(statement)
                }
            }
            #expect(try fixture.findings() == [])
        }
    }

    @Test("a row that was changed behind the triggers' back is named by verify, a dropped table too")
    func tampering() throws {
        try withTarget("tampering") { fixture in
            try fixture.publishNew()
            let schema = try fixture.schema
            try fixture.database.run(
                "SET session_replication_role = replica; UPDATE \"\(schema)\".\"visits~00001\" SET \"Name\" = 'x' WHERE id = 12"
            )
            var findings = try fixture.store.verify(module: "clinic").findings
            // Another size is also not what the commit record says.
            #expect(findings.first?.kind == .changed)
            #expect(findings.first?.path.hasSuffix("/data/visits/part-00001.parquet") == true)
            try fixture.database.run("DROP TABLE \"\(schema)\".patients")
            findings = try fixture.store.verify(module: "clinic").findings
            #expect(findings.map(\.kind).prefix(2) == [.missing, .changed])
            try fixture.database.run(
                "SET session_replication_role = replica; UPDATE etl.module_file SET bytes = '{}' WHERE path = 'croissant.json'"
            )
            #expect(
                try fixture.store.verify(module: "clinic").findings.contains { $0.path.hasSuffix("croissant.json") })
        }
    }

    @Test("a version whose publisher died right behind its record is withdrawn with every table of its schema")
    func diedBehindTheRecord() throws {
        try withTarget("withdrawn") { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt)
            // Of a shard's two workers one is accepted.
            _ = try fixture.stage(
                attempt, table: "patients", epoch: 2, columns: TargetFixture.columns,
                chunks: [TargetFixture.chunk([1, 2, 3])])
            #expect(throws: Stopped.self) {
                try fixture.publish(attempt, receipts) { if $0 == .committed { throw Stopped() } }
            }
            let schema = try fixture.schema
            #expect(try fixture.store.verify(module: "clinic").leftovers == [])
            try fixture.database.run("CREATE TABLE \"\(schema)\".copied AS SELECT * FROM \"\(schema)\".patients")
            let before = try fixture.store.verify(module: "clinic")
            #expect(before.findings == [] && before.leftovers.map(\.path) == ["\(schema).copied"])
            func withdraw() throws {
                try fixture.store.withdraw(
                    module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
                #expect(
                    try fixture.one(
                        """
                        SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname NOT IN ('etl', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
                        """) == "0")
                #expect(try fixture.one("SELECT count(*) FROM etl.part") == "0")
                #expect(try fixture.one("SELECT string_agg(path, ',') FROM etl.module_file") == "croissant.json")
                #expect(try fixture.findings() == [])
            }
            try withdraw()
            // As a withdrawal that was cut short, or a person, leaves it: no part of the registry names it.
            let hidden = try fixture.one("SELECT schema_name FROM etl.attempt")
            try fixture.database.run("CREATE SCHEMA \"\(hidden)\"; CREATE TABLE \"\(hidden)\".copied (id int8)")
            #expect(try fixture.store.verify(module: "clinic").findings.map(\.path) == ["\(hidden).copied"])
            try withdraw()
        }
    }

    @Test(
        "a publisher stopped at any step leaves the old version or the new one, and trying again finishes",
        arguments: PublishStep.allCases)
    func stoppedAnywhere(_ step: PublishStep) throws {
        try withTarget("stopped") { fixture in
            try fixture.publishNew()
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt, number: 200)
            #expect(throws: Stopped.self) {
                try fixture.publish(attempt, receipts) { if $0 == step { throw Stopped() } }
            }
            let isCommitted = [.committed, .recordFlushed, .hinted, .protected, .stagingRemoved].contains(step)
            #expect(try fixture.store.versions(module: "clinic") == (isCommitted ? [1, 2] : [1]))
            #expect(try fixture.findings() == [])
            // Another process, with no connection of the first.
            let again = try TargetFixture(fixture.database).publish(attempt, receipts)
            #expect(again.record.version == 2 && again.wasCommittedBefore == isCommitted)
            #expect(try fixture.findings() == [])
            #expect(
                try fixture.one("SELECT string_agg(id::text, ',') FROM \"\(fixture.schema)\".patients") == "200,2,3")
        }
    }

    @Test("racing publishers get consecutive versions; the first use of the database is raced for too")
    func race() throws {
        try withTarget("race") { (fixture) throws in
            let versions = Mutex<[Int]>([])
            let failures = Mutex<[String]>([])
            let threads = (0..<6).map { index in
                let database = fixture.database
                let thread = Thread {
                    do {
                        for round in 0..<3 {
                            let own = try TargetFixture(database)
                            let published = try own.publishNew(number: Int64(index * 10 + round), policy: .rebase)
                            versions.withLock { $0.append(published.record.version) }
                        }
                    } catch { failures.withLock { $0.append("\(error)") } }
                }
                thread.start()
                return thread
            }
            while !threads.allSatisfy(\.isFinished) { Thread.sleep(forTimeInterval: 0.01) }
            #expect(failures.withLock { $0 } == [])
            #expect(versions.withLock { $0.sorted() } == Array(1...18))
            #expect(try fixture.findings() == [])
        }
    }

    @Test("one that slept while another published the attempt, and a later version, changes no byte of it")
    func slept() throws {
        try withTarget("slept") { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt)
            let error = try #require(throws: StoreError.self) {
                try fixture.publish(attempt, receipts) { step in
                    guard step == .partsAccepted else { return }
                    let other = try TargetFixture(fixture.database)
                    _ = try other.publish(attempt, receipts)
                    try other.publishNew(number: 5)
                }
            }
            #expect(error.code == .conflict)
            #expect(try fixture.store.versions(module: "clinic") == [1, 2])
            #expect(try fixture.findings() == [])
        }
    }

    @Test("under `exclusive` the loser of a race is told so and its version is not there")
    func conflict() throws {
        try withTarget("conflict") { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt)
            let error = try #require(throws: StoreError.self) {
                try fixture.publish(attempt, receipts) { step in
                    // The other one publishes between this one's look at the head and its commit.
                    if step == .recordWritten { try TargetFixture(fixture.database).publishNew(number: 5) }
                }
            }
            #expect(error.code == .conflict)
            #expect(try fixture.store.versions(module: "clinic") == [1])
            #expect(try fixture.one("SELECT min(id) FROM \"\(fixture.schema)\".patients") == "2")
            try fixture.store.discard(module: "clinic", attempt: attempt)
            #expect(try fixture.store.storage.names("clinic/_staging") == [])
            #expect(try fixture.findings() == [])
        }
    }

    @Test("a connection that breaks during the commit is no answer: the same row is sent until it is known")
    func brokenCommit() throws {
        try withTarget("broken") { fixture in
            try fixture.publishNew()
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt)
            // Somebody holds the registry; the publisher's connection is ended while it waits, twice.
            let database = fixture.database
            let running = Mutex(2)
            let blocker: @Sendable () -> Void = {
                defer { running.withLock { $0 -= 1 } }
                _ = try? database.run(
                    "BEGIN; LOCK TABLE etl.module_version IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT")
            }
            let killer: @Sendable () -> Void = {
                defer { running.withLock { $0 -= 1 } }
                for _ in 0..<2 {
                    Thread.sleep(forTimeInterval: 0.8)
                    _ = try? database.run(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'etl-express'
                        """)
                }
            }
            let published = try fixture.publish(attempt, receipts) { step in
                guard step == .recordWritten else { return }
                Thread(block: blocker).start()
                Thread.sleep(forTimeInterval: 0.5)
                Thread(block: killer).start()
            }
            while running.withLock({ $0 > 0 }) { Thread.sleep(forTimeInterval: 0.05) }
            #expect(published.record.version == 2 && !published.wasCommittedBefore)
            #expect(try fixture.findings() == [])
        }
    }

    @Test("parts of lost epochs vanish, and a part that comes after the seal is refused")
    func epochs() throws {
        try withTarget("epochs") { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let columns = TargetFixture.columns
            _ = try fixture.stage(attempt, table: "t", epoch: 1, columns: columns, chunks: [TargetFixture.chunk([1])])
            let winner = try fixture.stage(
                attempt, table: "t", epoch: 2, columns: columns, chunks: [TargetFixture.chunk([2])])
            #expect(throws: StoreError.self) {
                _ = try fixture.stage(attempt, table: "t", epoch: 2, columns: columns, chunks: [])
            }
            let late = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 3)
            let writer = try PartWriters.writer(into: late, columns: columns, codec: .lz4)
            try writer.append(TargetFixture.chunk([3]))
            _ = try writer.finish()
            _ = try fixture.publish(attempt, [winner])
            let error = try #require(throws: StoreError.self) { _ = try late.finish() }
            #expect(error.code == .attemptEnded)
            #expect(try fixture.one("SELECT string_agg(id::text, ',') FROM \"\(fixture.schema)\".t") == "2")
            #expect(
                try fixture.one("SELECT count(*) FROM pg_tables WHERE schemaname = '\(fixture.schema)'") == "1")
            #expect(throws: StoreError.self) {
                _ = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 4)
            }
        }
    }

    @Test("an attempt that is discarded leaves nothing; a published one stays")
    func discard() throws {
        try withTarget("discard") { fixture in
            let kept = try fixture.publishNew().record.attempt
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            _ = try fixture.stage(attempt)
            #expect(try fixture.store.storage.names("clinic/_staging") == [attempt])
            try fixture.store.discard(module: "clinic", attempt: attempt)
            try fixture.store.discard(module: "clinic", attempt: kept)
            #expect(try fixture.store.storage.names("clinic/_staging") == [])
            #expect(try fixture.one("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'clinic%'") == "1")
            #expect(try fixture.findings() == [])
            let old = try fixture.store.beginAttempt(module: "clinic")
            _ = try fixture.stage(old)
            #expect(try fixture.store.sweep(module: "clinic", olderThan: .zero).staging == [old])
            #expect(try fixture.findings() == [])
        }
    }

    @Test(
        "a withdrawn version has no tables any more, its number and reason stay, and those who read it are waited for")
    func withdraw() throws {
        try withTarget("withdraw") { fixture in
            let first = try fixture.publishNew().record
            let schema = try fixture.schema
            try fixture.publishNew(number: 200)
            let reader = Thread {
                _ = try? fixture.database.run(
                    "BEGIN; SELECT count(*) FROM \"\(schema)\".patients; SELECT pg_sleep(2); COMMIT")
            }
            reader.start()
            let reading =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
            while try fixture.database.run(reading) != "1\n" { Thread.sleep(forTimeInterval: 0.02) }
            let start = ContinuousClock.now
            try fixture.store.withdraw(
                module: "clinic", version: 1, reason: "asked for", by: "test", at: "2026-11-24T00:00:00Z")
            #expect(ContinuousClock.now - start > .seconds(1))
            while !reader.isFinished { Thread.sleep(forTimeInterval: 0.05) }
            #expect(try fixture.store.versions(module: "clinic") == [1, 2])
            #expect(try fixture.store.isWithdrawn(module: "clinic", version: 1))
            #expect(try fixture.store.latest(module: "clinic") == 2)
            #expect(try fixture.store.storage.files(below: "clinic/runs/\(first.attempt)") == ["croissant.json"])
            #expect(
                try fixture.one(
                    "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'clinic%' OR nspname LIKE 'withdrawn%'")
                    == "1")
            #expect(try fixture.store.verify(module: "clinic").findings == [])
            // Again, for the same reason: harmless.
            try fixture.store.withdraw(
                module: "clinic", version: 1, reason: "asked for", by: "test", at: "2026-11-25T00:00:00Z")
            #expect(try fixture.one("SELECT version FROM etl.latest") == "2")
        }
    }

    @Test("tables and columns say what was done")
    func notes() throws {
        try withTarget("notes") { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let note = TableNote(
                table: "patients", text: "From a, it's \\ odd",
                columns: [("id", "as in the source"), ("Name", "pseudonymised by token")])
            _ = try fixture.publish(attempt, fixture.stage(attempt), notes: [note])
            let schema = try fixture.schema
            #expect(
                try fixture.one("SELECT obj_description('\"\(schema)\".patients'::regclass)") == "From a, it's \\ odd")
            #expect(
                try fixture.one("SELECT col_description('\"\(schema)\".patients'::regclass, 2)")
                    == "pseudonymised by token")
        }
    }

    @Test("a schema named etl that is somebody else's is left alone")
    func foreignSchema() throws {
        try withTarget("foreign") { fixture in
            try fixture.database.run("CREATE SCHEMA etl")
            let error = try #require(throws: StoreError.self) { _ = try fixture.store.beginAttempt(module: "clinic") }
            #expect(error.code == .badName && error.description.contains("somebody else"))
        }
    }

    @Test("readers may read what is published and nothing that is only staged")
    func readers() throws {
        try PostgresTestServer.shared?.withDatabase("readers") { database in
            let role = "reader_\(UInt32.random(in: 0 ... .max))"
            try database.run("CREATE ROLE \(role) LOGIN PASSWORD 'pw'")
            defer { _ = try? database.run("DROP OWNED BY \(role); DROP ROLE \(role)") }
            let fixture = try TargetFixture(database, readers: [role])
            let reader = PostgresTestDatabase(name: database.name, url: database.url(user: role, password: "pw"))
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let receipts = try fixture.stage(attempt)
            let staged = try fixture.one("SELECT schema_name FROM etl.attempt")
            _ = try fixture.publish(attempt, receipts) { step in
                guard step == .recordWritten else { return }
                #expect(throws: PostgresTestDatabase.Failure.self) {
                    try reader.run("SELECT * FROM \"\(staged)\".patients")
                }
            }
            #expect(try reader.run("SELECT schema_name FROM etl.latest").contains(staged))
            #expect(try reader.run("SELECT count(*) FROM \"\(staged)\".visits").contains("4"))
            #expect(throws: PostgresTestDatabase.Failure.self) { try reader.run("SELECT * FROM etl.module_file") }
            let absent = try TargetFixture(database, readers: ["nobody at all"])
            let error = try #require(throws: StoreError.self) { _ = try absent.store.beginAttempt(module: "clinic") }
            #expect(error.description.contains("nobody at all"))
        }
    }
}
