import Foundation
import Model
import Testing

@testable import Metadata

@Suite("The ledger")
struct LedgerTests {
    private let start = LedgerStory.start
    private let failure = LedgerStory.failure

    private func append(_ ledger: Ledger, _ records: LedgerRecord...) throws {
        try ledger.append(records, run: Fixture.run, at: Fixture.ended)
    }

    private func running(_ home: LedgerHome) throws -> Ledger { try LedgerStory.running(home.open()) }

    private func done(_ home: LedgerHome) throws -> Ledger {
        let ledger = try running(home)
        for (table, shard) in [(Fixture.oddTable, 0), (Fixture.oddTable, 1), ("labs", 0)] {
            try append(ledger, .granted(table: table, shard: shard, epoch: 1, worker: "w1"))
            try append(ledger, .accepted(Fixture.receipt(table, shard)))
        }
        return ledger
    }

    @Test("a ledger's files are its owner's alone, made anew or found open to others")
    func modes() throws {
        try LedgerHome.with(.sqlite) { home in
            func modes() throws -> [Int] {
                try ["", "-wal", "-shm", ".lock"].map { home.path + $0 }.filter {
                    FileManager.default.fileExists(atPath: $0)
                }
                .map { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int ?? 0 }
            }
            var ledger: Ledger? = try home.open()
            #expect(try modes().count == 4 && modes().allSatisfy { $0 == 0o600 })
            ledger = nil
            // As an older release made it.
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: home.path)
            ledger = try home.open()
            #expect(try modes().count == 4 && modes().allSatisfy { $0 == 0o600 })
            withExtendedLifetime(ledger) {}
        }
    }

    @Test(
        "a restarted coordinator finds the plan, the receipts, the epochs and the failures",
        arguments: LedgerHome.Kind.allCases)
    func recovery(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            do {
                let ledger = try running(home)
                try append(
                    ledger, .granted(table: "labs", shard: 0, epoch: 1, worker: "w1"),
                    .granted(table: Fixture.oddTable, shard: 1, epoch: 2, worker: "w2"))
                try append(
                    ledger, .failed(table: Fixture.oddTable, shard: 1, epoch: 2, failure: failure),
                    .accepted(Fixture.receipt("labs", 0)),
                    .granted(table: Fixture.oddTable, shard: 1, epoch: 3, worker: "w1"))
            }
            let ledger = try home.open()
            #expect(try ledger.openRuns() == [Fixture.run])
            let run = try ledger.load(Fixture.run)
            #expect(run.start == start)
            #expect(run.state == .running)
            #expect(run.plan == Fixture.plan(compliance: nil))
            #expect(
                run.shards.map(\.timeless) == [
                    ShardState(
                        table: Fixture.oddTable, shard: 0, phase: .ready, highestEpoch: 0, leases: [], worker: nil,
                        failures: 0, receipt: nil),
                    ShardState(
                        table: Fixture.oddTable, shard: 1, phase: .granted, highestEpoch: 3,
                        leases: [Lease(epoch: 3, token: 0, worker: "w1")], worker: "w1", failures: 1, receipt: nil),
                    ShardState(
                        table: "labs", shard: 0, phase: .done, highestEpoch: 1, leases: [], worker: "w1", failures: 0,
                        receipt: Fixture.receipt("labs", 0)),
                ])
            #expect(try ledger.firstBrokenAuditRow() == nil)
            #expect(try ledger.records(Fixture.run).count == 7)
        }
    }

    @Test(
        "a run goes from plan to version, and what was to be committed is kept before it is",
        arguments: LedgerHome.Kind.allCases)
    func lifeOfARun(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try done(home)
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
    }

    @Test(
        "where a store was made anew at the same place, its versions count from one again; the audit keeps both",
        arguments: LedgerHome.Kind.allCases)
    func storeMadeAnew(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try done(home)
            try append(
                ledger, .sealed, .committing(version: 1, record: "{}"),
                .published(version: 1, commitSHA256: Fixture.digest))
            var second = start
            second.run = String(Fixture.run.dropLast()) + (Fixture.run.hasSuffix("0") ? "1" : "0")
            second.attempt = second.run
            try ledger.begin(second)
            var records: [LedgerRecord] = [.planned(Fixture.plan(compliance: nil))]
            for (table, shard) in [(Fixture.oddTable, 0), (Fixture.oddTable, 1), ("labs", 0)] {
                records += [
                    .granted(table: table, shard: shard, epoch: 1, worker: "w1"),
                    .accepted(Fixture.receipt(table, shard)),
                ]
            }
            records += [
                .sealed, .committing(version: 1, record: "{}"), .published(version: 1, commitSHA256: Fixture.digest),
            ]
            try ledger.append(records, run: second.run, at: Fixture.ended)
            #expect(try ledger.runs().map(\.state) == [.published, .published])
            #expect(try ledger.records(Fixture.run).count == 11)
            #expect(try ledger.firstBrokenAuditRow() == nil)
        }
    }

    @Test(
        "an aborted run keeps its reason and takes no more records",
        arguments: LedgerHome.Kind.allCases)
    func aborted(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try running(home)
            try append(ledger, .aborted(failure))
            #expect(try ledger.load(Fixture.run).failure == failure)
            #expect(throws: LedgerError.self) {
                try append(ledger, .granted(table: "labs", shard: 0, epoch: 1, worker: "w"))
            }
        }
    }

    @Test(
        "a run that has begun to commit is aborted with the proof that it is no version, and not without",
        arguments: LedgerHome.Kind.allCases)
    func abortedWhileCommitting(_ kind: LedgerHome.Kind) throws {
        let own = NoVersion.taken(commitSHA256: SHA256.hexadecimal("{}"))
        for proof in [NoVersion.taken(commitSHA256: Fixture.digest), .unsent, .expired] {
            try LedgerHome.with(kind) { home in
                let ledger = try done(home)
                let loaded = LedgerRecord.aborted(failure, proof: proof)
                try append(ledger, .sealed, .committing(version: 1, record: "{}"))
                for useless in [LedgerRecord.aborted(failure), .aborted(failure, proof: own)] {
                    let error = #expect(throws: LedgerError.self) { try append(ledger, useless) }
                    #expect(error?.code == .refused)
                }
                #expect(try ledger.load(Fixture.run).state == .committing)
                try append(ledger, loaded)
                #expect(try ledger.load(Fixture.run).state == .aborted)
                #expect(try ledger.records(Fixture.run).last?.record == loaded)
            }
        }
        try LedgerHome.with(kind) { home in
            let ledger = try done(home)
            // Until then nothing can be a version.
            try append(ledger, .sealed, .aborted(failure))
            #expect(throws: LedgerError.self) { try append(ledger, .committing(version: 1, record: "{}")) }
        }
    }

    @Test(
        "what does not follow from what is written is refused, and nothing of the call is kept",
        arguments: LedgerHome.Kind.allCases)
    func refusals(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try done(home)
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
    }

    @Test(
        "a run with an unfinished shard is not sealed; an old epoch is neither granted nor accepted",
        arguments: LedgerHome.Kind.allCases)
    func epochs(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try running(home)
            #expect(throws: LedgerError.self) { try append(ledger, .sealed) }
            try append(ledger, .granted(table: "labs", shard: 0, epoch: 5, worker: "w1"))
            try append(ledger, .released(table: "labs", shard: 0, epoch: 5))
            #expect(throws: LedgerError.self) {
                try append(ledger, .granted(table: "labs", shard: 0, epoch: 5, worker: "w2"))
            }
            try append(ledger, .granted(table: "labs", shard: 0, epoch: 6, worker: "w2"))
            #expect(throws: LedgerError.self) { try append(ledger, .accepted(Fixture.receipt("labs", 0))) }
        }
    }

    @Test(
        "an edited audit row is found, and SQL does not edit one by mistake",
        arguments: LedgerHome.Kind.allCases)
    func audit(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            do {
                let ledger = try done(home)
                #expect(try ledger.firstBrokenAuditRow() == nil)
                #expect(try ledger.auditHead().count == 64)
            }
            for change in ["UPDATE audit SET actor = 'x' WHERE seq = 3", "DELETE FROM audit"] {
                #expect(throws: (any Error).self) { try home.sql(change) }
            }
            if kind == .postgres { #expect(throws: (any Error).self) { try home.sql("TRUNCATE audit") } }
            try home.sql(
                kind == .sqlite
                    ? "DROP TRIGGER audit_is_not_updated" : "DROP TRIGGER audit_is_not_changed ON audit")
            try home.sql("UPDATE audit SET actor = 'x' WHERE seq = 3")
            #expect(try home.open().firstBrokenAuditRow() == 3)
        }
    }

    @Test(
        "of two leases of a shard either is accepted, and then the other's end changes nothing",
        arguments: LedgerHome.Kind.allCases)
    func twoLeases(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try running(home)
            func labs() throws -> ShardState { try #require(try ledger.load(Fixture.run).shards.last) }
            func grant(_ epoch: Int, _ worker: String) throws {
                try append(
                    ledger, .granted(table: "labs", shard: 0, epoch: epoch, worker: worker, token: Int64(epoch * 10)))
            }
            try grant(1, "w1")
            try grant(2, "w2")
            let leases = [Lease(epoch: 1, token: 10, worker: "w1"), Lease(epoch: 2, token: 20, worker: "w2")]
            #expect(try labs().leases == leases && labs().highestEpoch == 2 && labs().worker == "w2")
            // The newer copy fails: the shard waits for the older one.
            try append(ledger, .failed(table: "labs", shard: 0, epoch: 2, failure: failure))
            #expect(try labs().phase == .granted && labs().leases == [leases[0]] && labs().worker == "w1")
            try grant(3, "w3")
            try append(ledger, .accepted(Fixture.receipt("labs", 0)))
            #expect(try labs().phase == .done && labs().leases == [] && labs().worker == "w1" && labs().failures == 1)
            try append(ledger, .failed(table: "labs", shard: 0, epoch: 3, failure: failure))
            #expect(try labs().phase == .done && labs().failures == 1 && labs().highestEpoch == 3)
            #expect(try ledger.highestToken() == 30)
            let again = #expect(throws: LedgerError.self) {
                try append(ledger, .failed(table: "labs", shard: 0, epoch: 3, failure: failure))
            }
            #expect(again?.code == .refused && again?.description.contains("shard 0 of labs") == true)
        }
    }

    @Test(
        "a shard whose leases have all ended without a part is ready again", arguments: LedgerHome.Kind.allCases)
    func noLeaseLeft(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try running(home)
            try append(
                ledger, .granted(table: "labs", shard: 0, epoch: 1, worker: "w1", token: 1),
                .granted(table: "labs", shard: 0, epoch: 2, worker: "w2", token: 2),
                .released(table: "labs", shard: 0, epoch: 1), .released(table: "labs", shard: 0, epoch: 2))
            let shard = try #require(try ledger.load(Fixture.run).shards.last)
            #expect(shard.phase == .ready && shard.leases == [] && shard.worker == nil && shard.failures == 0)
        }
    }

    @Test(
        "a run keeps its document, its submission, its planner, its keepers and when it was sealed",
        arguments: LedgerHome.Kind.allCases)
    func keptOfARun(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try home.open()
            let document = Array("document".utf8)
            var start = start
            (start.submission, start.documentPath, start.restartsOnSnapshotLoss) = ("s-1", "/srv/clinic.yaml", true)
            #expect(throws: LedgerError.self) { try ledger.begin(start, document: [0]) }
            try ledger.begin(start, document: document)
            #expect(try ledger.run(ofSubmission: "s-1") == start.run)
            #expect(try ledger.run(ofSubmission: "s-2") == nil)
            var second = start
            (second.run, second.attempt) = ("another", "another")
            let repeated = #expect(throws: LedgerError.self) { try ledger.begin(second, document: document) }
            #expect(repeated?.code == .refused)

            try append(ledger, .planning(epoch: 1, token: 7, worker: "k1"))
            try append(ledger, .planning(epoch: 2, token: 9, worker: "k2"))
            #expect(throws: LedgerError.self) { try append(ledger, .planning(epoch: 2, token: 10, worker: "k3")) }
            var run = try ledger.load(Fixture.run)
            #expect(run.start == start && run.document == document)
            #expect(run.planning == Lease(epoch: 2, token: 9, worker: "k2"))
            #expect(try ledger.highestToken() == 9)

            let holds = [SnapshotHold(source: "hospital", snapshot: "00000003-0001F2A4-1")]
            try append(
                ledger, .holding(worker: "k1", snapshots: []), .holding(worker: "k2", snapshots: holds),
                .planned(
                    RunPlan(
                        about: Fixture.about(compliance: nil), codec: .zstd, sources: [], keys: [], tables: [],
                        warnings: [])))
            try append(ledger, .holding(worker: "k1", snapshots: holds))
            run = try ledger.load(Fixture.run)
            #expect(run.planning == nil && run.holders == ["k1": holds, "k2": holds] && run.sealedAt == nil)
            try append(ledger, .letGo(worker: "k2"))
            try ledger.append([.sealed], run: Fixture.run, at: Fixture.committed)
            try append(ledger, .committing(version: 1, record: "{}"))
            run = try ledger.load(Fixture.run)
            #expect(run.holders == ["k1": holds] && run.sealedAt == Fixture.committed && run.changedAt == Fixture.ended)
            try append(ledger, .aborted(failure, proof: .unsent), .letGo(worker: "k1"))
            #expect(try ledger.load(Fixture.run).holders == [:])
            for record in [.letGo(worker: "k1"), .holding(worker: "k3", snapshots: holds)] as [LedgerRecord] {
                let error = #expect(throws: LedgerError.self) { try append(ledger, record) }
                #expect(error?.code == .refused)
            }
            #expect(try ledger.firstBrokenAuditRow() == nil)
        }
    }

    @Test("entries of several runs are one transaction", arguments: LedgerHome.Kind.allCases)
    func severalRuns(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try running(home)
            var second = start
            (second.run, second.attempt) = ("another", "another")
            let both = [
                LedgerEntry(run: "another", record: .runStarted(second), at: Fixture.started),
                LedgerEntry(run: "another", record: .planned(Fixture.plan(compliance: nil)), at: Fixture.ended),
                LedgerEntry(
                    run: "another", record: .granted(table: "labs", shard: 0, epoch: 1, worker: "w"), at: Fixture.ended),
                LedgerStory.entry(.granted(table: "labs", shard: 0, epoch: 1, worker: "w")),
            ]
            let wrong = both + [LedgerStory.entry(.granted(table: "labs", shard: 1, epoch: 1, worker: "w"))]
            let error = #expect(throws: LedgerError.self) { try ledger.append(wrong) }
            #expect(error?.code == .refused && error?.subject == "run \(Fixture.run): shard 1 of labs")
            #expect(try ledger.openRuns() == [Fixture.run])
            try ledger.append(both)
            #expect(try ledger.openRuns().sorted() == [Fixture.run, "another"].sorted())
            #expect(try ledger.load("another").shards.map(\.phase) == [.ready, .ready, .granted])
            #expect(try ledger.load(Fixture.run).shards.map(\.phase) == [.ready, .ready, .granted])
            #expect(try ledger.records("another").count == 3)
            #expect(try ledger.firstBrokenAuditRow() == nil)
        }
    }

    @Test("a ledger of a newer product is refused", arguments: LedgerHome.Kind.allCases)
    func newer(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            do { _ = try running(home) }
            try home.sql(
                kind == .sqlite
                    ? "INSERT INTO grdb_migrations VALUES ('99: of the future')"
                    : "INSERT INTO migration VALUES (99, 'of the future')")
            let error = #expect(throws: LedgerError.self) { try home.watch() }
            #expect(error?.code == .damaged)
        }
    }

    @Test("records of before there were tokens are read")
    func oldRecords() {
        let text = #"{"granted":{"epoch":2,"shard":1,"table":"labs","worker":"w1"}}"#
        #expect(Coding.value(LedgerRecord.self, text) == .granted(table: "labs", shard: 1, epoch: 2, worker: "w1"))
        let start = #"{"actor":"a","attempt":"r","documentDigest":"d","module":"m","run":"r","startedAt":"t"}"#
        #expect(
            Coding.value(LedgerRecord.self, "{\"runStarted\":{\"_0\":\(start)}}")
                == .runStarted(
                    RunStart(
                        run: "r", module: "m", attempt: "r", documentDigest: "d", startedAt: "t", actor: "a")))
    }

    @Test("a receipt in the ledger of an earlier build, which said quarantined of dropped rows, is read")
    func earlierReceipt() {
        let text =
            #"{"byteCount":9,"epoch":1,"rows":{"filtered":0,"published":7,"quarantined":3,"read":10,"suppressed":0},"#
            + #""rules":[{"changed":1,"column":"c","nulled":0,"nulls":0,"quarantined":2,"rowsIn":10,"step":0}],"#
            + #""sha256":"00","shard":3,"stagedPath":"p","table":"t"}"#
        let receipt = ReceiptCoding.receipt(text)
        #expect(receipt?.rows == RowAccount(read: 10, published: 7, dropped: 3))
        #expect(receipt?.rules == [RuleCount(column: "c", step: 0, rowsIn: 10, changed: 1, dropped: 2)])
    }

    @Test("receipts are the same bytes by the short way and by the long one, and are read back the same")
    func receiptBytes() throws {
        var receipts = [Fixture.receipt("labs", 0), Fixture.receipt(Fixture.oddTable, 1)]
        for change: (inout PartReceipt) -> Void in [
            { $0.rules = [] }, { $0.handle = "upload 7/é" }, { $0.handle = "a\"b\\c\u{1}\n" },
            { $0.table = "\u{7f}/\u{2028}" },
            {
                $0.byteCount = .max
                $0.rows.read = .min
                $0.epoch = -1
            }, { $0.stagedPath = "" },
            { $0.rules += [RuleCount(column: "x\ty", step: 3)] },
            { $0.rules += [RuleCount(column: "ü", step: 0, rowsIn: 9)] },
        ] {
            var receipt = receipts[0]
            change(&receipt)
            receipts.append(receipt)
        }
        for receipt in receipts {
            let text = Coding.text(receipt)
            #expect(ReceiptCoding.text(receipt) == text)
            #expect(ReceiptCoding.receipt(text) == receipt)
            #expect(ReceiptCoding.event(.accepted(receipt)) == Coding.text(LedgerRecord.accepted(receipt)))
        }
        for record: LedgerRecord in [
            .granted(table: "labs", shard: 3, epoch: 2, worker: "w", token: 1 << 40),
            .granted(table: "é/", shard: 0, epoch: 1, worker: "", token: -1),
            .granted(table: "a\"b", shard: 3, epoch: 2, worker: "w", token: 1),
            .granted(table: "t", shard: 3, epoch: 2, worker: "w"),
            .planned(Fixture.plan(compliance: nil)), .sealed,
        ] { #expect(ReceiptCoding.event(record) == Coding.text(record)) }
        let plain = try #require(ReceiptCoding.plainText(receipts[0]))
        #expect(ReceiptCoding.plain(plain) == receipts[0])
        // Nothing but the whole form is taken, and the long way has the last word.
        for wrong in [
            plain + " ", String(plain.dropLast()), plain.replacing("\"epoch\":1", with: "\"epoch\":1.0"), "", "{",
        ] {
            #expect(ReceiptCoding.plain(wrong) == nil)
        }
        #expect(ReceiptCoding.receipt(" " + plain) == receipts[0])
        #expect(ReceiptCoding.receipt(String(plain.dropLast())) == nil)
        #expect(ReceiptCoding.plain(plain.replacing("\"shard\":0", with: "\"shard\":99999999999999999999")) == nil)
    }
}
