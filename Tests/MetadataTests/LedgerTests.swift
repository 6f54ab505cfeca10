import Foundation
import GRDB
import Model
import Testing

@testable import Metadata

@Suite("The ledger")
struct LedgerTests {
    private let folder: TemporaryFolder
    private var path: String { "\(folder.path)/ledger.sqlite" }
    private let start = RunStart(
        run: Fixture.run, module: "clinic", attempt: Fixture.run, documentDigest: Fixture.digest,
        startedAt: Fixture.started, actor: "anna")
    private let failure = TaskFailure(kind: .source, disposition: .retry, message: "connection lost", code: "08006")

    init() throws { folder = try TemporaryFolder() }

    private func append(_ ledger: Ledger, _ records: LedgerRecord...) throws {
        try ledger.append(records, run: Fixture.run, at: Fixture.ended)
    }

    private func running() throws -> Ledger {
        let ledger = try Ledger(path: path)
        try ledger.begin(start)
        try append(ledger, .planned(Fixture.plan(compliance: nil)))
        return ledger
    }

    private func done() throws -> Ledger {
        let ledger = try running()
        for (table, shard) in [(Fixture.oddTable, 0), (Fixture.oddTable, 1), ("labs", 0)] {
            try append(ledger, .granted(table: table, shard: shard, epoch: 1, worker: "w1"))
            try append(ledger, .accepted(Fixture.receipt(table, shard)))
        }
        return ledger
    }

    @Test("a restarted coordinator finds the plan, the receipts, the epochs and the failures")
    func recovery() throws {
        do {
            let ledger = try running()
            try append(
                ledger, .granted(table: "labs", shard: 0, epoch: 1, worker: "w1"),
                .granted(table: Fixture.oddTable, shard: 1, epoch: 2, worker: "w2"))
            try append(
                ledger, .failed(table: Fixture.oddTable, shard: 1, epoch: 2, failure: failure),
                .accepted(Fixture.receipt("labs", 0)),
                .granted(table: Fixture.oddTable, shard: 1, epoch: 3, worker: "w1"))
        }
        let ledger = try Ledger(path: path)
        #expect(try ledger.openRuns() == [Fixture.run])
        let run = try ledger.load(Fixture.run)
        #expect(run.start == start)
        #expect(run.state == .running)
        #expect(run.plan == Fixture.plan(compliance: nil))
        #expect(
            run.shards == [
                ShardState(
                    table: Fixture.oddTable, shard: 0, phase: .ready, highestEpoch: 0, leases: [], worker: nil, failures: 0, receipt: nil),
                ShardState(
                    table: Fixture.oddTable, shard: 1, phase: .granted, highestEpoch: 3, leases: [Lease(epoch: 3, token: 0, worker: "w1")], worker: "w1", failures: 1,
                    receipt: nil),
                ShardState(
                    table: "labs", shard: 0, phase: .done, highestEpoch: 1, leases: [], worker: "w1", failures: 0,
                    receipt: Fixture.receipt("labs", 0)),
            ])
        #expect(try ledger.firstBrokenAuditRow() == nil)
        #expect(try ledger.records(Fixture.run).count == 7)
    }

    @Test("a run goes from plan to version, and what was to be committed is kept before it is")
    func lifeOfARun() throws {
        let ledger = try done()
        try append(ledger, .sealed)
        try append(ledger, .committing(version: 1, record: "{first}"))
        try append(ledger, .committing(version: 2, record: "{second}"))
        #expect(try ledger.load(Fixture.run).commitRecord == "{second}")
        #expect(try ledger.openRuns() == [Fixture.run])
        try append(ledger, .published(version: 2, commitSHA256: Fixture.digest))
        let run = try ledger.load(Fixture.run)
        #expect(run.state == .published && run.version == 2)
        #expect(try ledger.openRuns() == [])
        let summary = try ledger.runs()
        #expect(summary.map(\.state) == [.published])
        #expect(summary[0].shardCount == 3 && summary[0].doneCount == 3)
    }

    @Test("where a store was made anew at the same place, its versions count from one again; the audit keeps both")
    func storeMadeAnew() throws {
        let ledger = try done()
        try append(ledger, .sealed, .committing(version: 1, record: "{}"), .published(version: 1, commitSHA256: Fixture.digest))
        var second = start
        second.run = String(Fixture.run.dropLast()) + (Fixture.run.hasSuffix("0") ? "1" : "0")
        second.attempt = second.run
        try ledger.begin(second)
        var records: [LedgerRecord] = [.planned(Fixture.plan(compliance: nil))]
        for (table, shard) in [(Fixture.oddTable, 0), (Fixture.oddTable, 1), ("labs", 0)] {
            records += [
                .granted(table: table, shard: shard, epoch: 1, worker: "w1"), .accepted(Fixture.receipt(table, shard)),
            ]
        }
        records += [.sealed, .committing(version: 1, record: "{}"), .published(version: 1, commitSHA256: Fixture.digest)]
        try ledger.append(records, run: second.run, at: Fixture.ended)
        #expect(try ledger.runs().map(\.state) == [.published, .published])
        #expect(try ledger.records(Fixture.run).count == 11)
        #expect(try ledger.firstBrokenAuditRow() == nil)
    }

    @Test("an aborted run keeps its reason and takes no more records")
    func aborted() throws {
        let ledger = try running()
        try append(ledger, .aborted(failure))
        #expect(try ledger.load(Fixture.run).failure == failure)
        #expect(throws: LedgerError.self) {
            try append(ledger, .granted(table: "labs", shard: 0, epoch: 1, worker: "w"))
        }
    }

    @Test("what does not follow from what is written is refused, and nothing of the call is kept")
    func refusals() throws {
        let ledger = try done()
        let count = try ledger.records(Fixture.run).count
        let wrong: [[LedgerRecord]] = [
            [.planned(Fixture.plan(compliance: nil))],
            [.granted(table: "labs", shard: 0, epoch: 2, worker: "w")],
            [.granted(table: "labs", shard: 9, epoch: 1, worker: "w")],
            [.accepted(Fixture.receipt("labs", 0))],
            [.failed(table: "labs", shard: 0, epoch: 1, failure: failure)],
            [.committing(version: 1, record: "{}")],
            [.published(version: 1, commitSHA256: "")],
            [.sealed, .sealed],
        ]
        for records in wrong {
            let error = #expect(throws: LedgerError.self) {
                try ledger.append(records, run: Fixture.run, at: Fixture.ended)
            }
            #expect(error?.code == .refused)
        }
        #expect(try ledger.records(Fixture.run).count == count)
        #expect(try ledger.load(Fixture.run).state == .running)
        let unknown = #expect(throws: LedgerError.self) {
            try ledger.append([.sealed], run: "another", at: Fixture.ended)
        }
        #expect(unknown?.code == .unknownRun)
    }

    @Test("a run with an unfinished shard is not sealed; an old epoch is neither granted nor accepted")
    func epochs() throws {
        let ledger = try running()
        #expect(throws: LedgerError.self) { try append(ledger, .sealed) }
        try append(ledger, .granted(table: "labs", shard: 0, epoch: 5, worker: "w1"))
        try append(ledger, .released(table: "labs", shard: 0, epoch: 5))
        #expect(throws: LedgerError.self) {
            try append(ledger, .granted(table: "labs", shard: 0, epoch: 5, worker: "w2"))
        }
        try append(ledger, .granted(table: "labs", shard: 0, epoch: 6, worker: "w2"))
        #expect(throws: LedgerError.self) { try append(ledger, .accepted(Fixture.receipt("labs", 0))) }
    }

    @Test("what is appended is flushed to disk at every commit")
    func durable() throws {
        let durability = try Ledger(path: path).durability()
        #expect(durability.journal == "wal")
        #expect(durability.synchronous == 2)
    }

    @Test("two coordinators cannot hold one ledger")
    func lock() throws {
        let ledger = try Ledger(path: path)
        let error = #expect(throws: LedgerError.self) { try Ledger(path: path) }
        #expect(error?.code == .inUse)
        _ = ledger
    }

    @Test("an edited audit row is found, and SQL does not edit one by mistake")
    func audit() throws {
        do {
            let ledger = try done()
            #expect(try ledger.firstBrokenAuditRow() == nil)
            #expect(try ledger.auditHead().count == 64)
        }
        do {
            let database = try DatabaseQueue(path: path)
            #expect(throws: DatabaseError.self) {
                try database.write { try $0.execute(sql: "UPDATE audit SET actor = 'x' WHERE seq = 3") }
            }
            #expect(throws: DatabaseError.self) { try database.write { try $0.execute(sql: "DELETE FROM audit") } }
            try database.write {
                try $0.execute(sql: "DROP TRIGGER audit_is_not_updated")
                try $0.execute(sql: "UPDATE audit SET actor = 'x' WHERE seq = 3")
            }
        }
        #expect(try Ledger(path: path).firstBrokenAuditRow() == 3)
    }

    @Test("a file that is no ledger is said to be none, without its contents")
    func foreignFile() throws {
        try Data("Anna Schmidt, 1970".utf8 + [UInt8](repeating: 7, count: 5000)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: LedgerError.self) { try Ledger(path: path) }
        #expect(error?.code == .damaged)
        #expect(error?.description.contains("Schmidt") == false)
    }
}
