import Foundation
import Glibc
import Model
import Synchronization
import Testing

@testable import ModuleStore

@Suite("Publishing")
struct PublisherTests {
    @Test("versions follow each other, each naming the digest of the one before")
    func chain() throws {
        let fixture = Fixture()
        for number in 1...3 {
            let published = try fixture.publishNew()
            #expect(published.record.version == number)
            #expect(!published.wasCommittedBefore)
        }
        #expect(try fixture.store.modules() == ["clinic"])
        #expect(try fixture.store.versions(module: "clinic") == [1, 2, 3])
        let second = try fixture.store.recordBytes(module: "clinic", version: 2)
        let third = try fixture.store.record(module: "clinic", version: 3)
        #expect(third.parent == .init(version: 2, commitSHA256: SHA256.hexadecimal(second)))
        #expect(third.tables.map(\.name) == ["patients", "odd%20%2Fname%C3%A9", "empty"])
        #expect(third.tables.map(\.rows) == [6, 3, 0])
        let verification = try fixture.store.verify(module: "clinic")
        #expect(verification.findings == [])
        #expect(verification.versions == [1, 2, 3])
        #expect(verification.files == 18)
    }

    @Test("sha256sum accepts the digests, and nobody may write there any more")
    func foreignCheck() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        let folder = fixture.store.folder(record)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = ["--check", "--quiet", "--strict", "SHA256SUMS"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let modes = try [
            "/../../_versions/00000001.json", "", "/data", "/croissant.json", "/data/patients/part-00000.parquet",
        ].map {
            try FileManager.default.attributesOfItem(atPath: folder + $0)[.posixPermissions] as? Int
        }
        #expect(modes == [0o444, 0o555, 0o555, 0o444, 0o444])
        #expect(!fixture.exists("clinic/_staging/\(record.attempt)"))
        #expect(try fixture.files.names("clinic/_versions") == ["00000001.json"])
        // What is no version is nobody else's to read, whatever the umask.
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        _ = try fixture.stage(attempt)
        #expect(try fixture.files.status("clinic/_staging/\(attempt)")?.mode == 0o700)
        #expect(try fixture.files.status("clinic/_staging/\(attempt)/patients/part-00000.e0001.parquet")?.mode == 0o444)
        try fixture.store.makeLedgerFolder()
        #expect(try fixture.files.status(".ledger")?.mode == 0o700)
        // A withdrawal opens nothing to others.
        try fixture.files.setMode("clinic/runs/\(record.attempt)", 0o550)
        try fixture.store.withdraw(
            module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
        #expect(try fixture.files.status("clinic/runs/\(record.attempt)")?.mode == 0o550)
    }

    @Test("a file system without links gets the same versions by a rename that refuses to replace")
    func withoutLinks() throws {
        let fixture = Fixture(placing: .renameOnly)
        try fixture.publishNew()
        try fixture.publishNew()
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        let first = "clinic/\(ModuleLayout.commitRecord(version: 1))"
        try fixture.files.write("clinic/mine", [1])
        let placed = try fixture.files.place("clinic/mine", at: first, by: .renameOnly)
        #expect(placed == .alreadyExists)
    }

    @Test(
        "a publisher stopped at any step leaves the old version or the new one, and trying again finishes",
        arguments: PublishStep.allCases)
    func stoppedAnywhere(_ step: PublishStep) throws {
        let fixture = Fixture()
        try fixture.publishNew()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt: attempt, receipts: receipts) { if $0 == step { throw Stopped() } }
        }
        try checkRecovery(fixture, attempt, receipts, stoppedAt: step)
    }

    @Test(
        "what a publisher killed at any step leaves on disk is the old version or the new one, and another process finishes",
        arguments: PublishStep.allCases)
    func killedAnywhere(_ step: PublishStep) throws {
        let fixture = Fixture()
        try fixture.publishNew()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        // A snapshot of the disk at the step is what a killed process leaves: nothing after it has happened.
        let snapshot = fixture.root + ".snapshot"
        defer { try? FileSystem(root: snapshot).removeTree("") }
        let root = fixture.root
        _ = try fixture.publish(attempt: attempt, receipts: receipts) { reached in
            guard reached == step else { return }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/cp")
            process.arguments = ["--archive", root, snapshot]
            try process.run()
            process.waitUntilExit()
        }
        let survivor = Fixture(adopting: snapshot, clock: fixture.clock)
        try checkRecovery(survivor, attempt, receipts, stoppedAt: step)
    }

    private func checkRecovery(
        _ fixture: Fixture, _ attempt: String, _ receipts: [PartReceipt], stoppedAt step: PublishStep
    ) throws {
        let isCommitted = [.committed, .recordFlushed, .hinted, .protected, .stagingRemoved].contains(step)
        #expect(try fixture.store.versions(module: "clinic") == (isCommitted ? [1, 2] : [1]))
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        let again = try fixture.publish(attempt: attempt, receipts: receipts)
        #expect(again.record.version == 2)
        #expect(again.wasCommittedBefore == isCommitted)
        #expect(try fixture.store.versions(module: "clinic") == [1, 2])
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test(
        "one that slept at any step while another published the attempt, and a later version, changes no byte of it",
        arguments: PublishStep.allCases, [DiskStorage.Placing.linkOrRename, .renameOnly])
    func slept(_ step: PublishStep, _ placing: DiskStorage.Placing) throws {
        let fixture = Fixture(placing: placing)
        try fixture.publishNew()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        do {
            let published = try fixture.publish(attempt: attempt, receipts: receipts) { reached in
                guard reached == step else { return }
                _ = try fixture.publish(attempt: attempt, receipts: receipts)
                try fixture.publishNew()
            }
            #expect(published.record.version == 2 && step != .partsAccepted)
        } catch let error as StoreError where error.code == .conflict {
            // It would have described the attempt as the fourth.
            #expect(step == .partsAccepted)
        }
        #expect(try fixture.store.versions(module: "clinic") == [1, 2, 3])
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        #expect(try fixture.files.names("clinic/_versions").allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("of racing publishers under `exclusive` the losers are told so, and numbers have no gap")
    func racingExclusive() throws {
        let (published, conflicts) = try race(.exclusive, threads: 8, rounds: 6)
        #expect(published.sorted() == Array(1...published.count))
        #expect(published.count + conflicts == 48)
        #expect(published.count >= 6)
    }

    @Test("racing publishers under `rebase` all publish, each its own number")
    func racingRebase() throws {
        let (published, conflicts) = try race(.rebase, threads: 8, rounds: 6)
        #expect(published.sorted() == Array(1...48))
        #expect(conflicts == 0)
    }

    @Test("racing publishers without links all publish, each its own number")
    func racingRenames() throws {
        let (published, conflicts) = try race(.rebase, threads: 8, rounds: 3, placing: .renameOnly)
        #expect(published.sorted() == Array(1...24))
        #expect(conflicts == 0)
    }

    private func race(
        _ policy: RacePolicy, threads: Int, rounds: Int, placing: DiskStorage.Placing = .linkOrRename
    ) throws -> (published: [Int], conflicts: Int) {
        let fixture = Fixture(placing: placing)
        let results = Mutex<(published: [Int], conflicts: Int, others: [String])>(([], 0, []))
        let group = DispatchGroup()
        for _ in 0..<threads {
            group.enter()
            Thread.detachNewThread {
                for _ in 0..<rounds {
                    do {
                        let version = try fixture.publishNew(policy: policy).record.version
                        results.withLock { $0.published.append(version) }
                    } catch let error as StoreError where error.code == .conflict {
                        results.withLock { $0.conflicts += 1 }
                    } catch {
                        results.withLock { $0.others.append("\(error)") }
                    }
                }
                group.leave()
            }
        }
        group.wait()
        let result = results.withLock { $0 }
        #expect(result.others == [])
        #expect(try fixture.store.versions(module: "clinic") == result.published.sorted())
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        return (result.published, result.conflicts)
    }

    @Test("rows that are not accounted for are never published")
    func unbalanced() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        var receipts = try fixture.stage(attempt)
        receipts[1].rows.read += 1
        let error = #expect(throws: StoreError.self) { try fixture.publish(attempt: attempt, receipts: receipts) }
        #expect(error?.code == .unbalanced)
        #expect(try fixture.store.versions(module: "clinic") == [])
    }

    @Test("a receipt for another file, another size or a doubled shard is refused")
    func wrongReceipts() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        var outside = receipts
        outside[0].stagedPath = "../../etc/passwd"
        var longer = receipts
        longer[0].byteCount += 1
        var otherEpoch = receipts
        otherEpoch[0].epoch = 2
        for bad in [outside, longer, otherEpoch, receipts + [receipts[0]]] {
            #expect(throws: StoreError.self) { try fixture.publish(attempt: attempt, receipts: bad) }
        }
        #expect(try fixture.store.versions(module: "clinic") == [])
        #expect(try fixture.publish(attempt: attempt, receipts: receipts).record.version == 1)
    }

    @Test(
        "one bit of a staged part that is not as its worker wrote it: the attempt is refused by the part's name",
        arguments: [0, 7])
    func flippedBit(bit: Int) throws {
        let fixture = Fixture()
        try fixture.publishNew()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        let path = fixture.files.absolute("clinic/\(receipts[1].stagedPath)")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        bytes[bytes.count / 2] ^= 1 << bit
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StoreError.self) { try fixture.publish(attempt: attempt, receipts: receipts) }
        #expect(error?.code == .damaged && error?.subject.hasSuffix("data/patients/part-00001.parquet") == true)
        #expect(try fixture.store.versions(module: "clinic") == [1])
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        // The bit flipped back: the same attempt carries on.
        bytes[bytes.count / 2] ^= 1 << bit
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try fixture.publish(attempt: attempt, receipts: receipts).record.version == 2)
    }

    @Test(
        "a record that is sent again makes its version within the deadline; after it the look alone decides, with time")
    func lateRepetition() throws {
        for (wait, isMade) in [(Duration.zero, true), (Limits.attemptDeadline, false)] {
            let fixture = Fixture()
            let sent = try fixture.noted()
            fixture.clock.advance(wait)
            // A request of before may still be under way: a number that is free proves nothing yet.
            #expect(try fixture.store.repeatCommit(sent) == (isMade ? .version : .open))
            #expect(try fixture.store.versions(module: "clinic") == (isMade ? [1] : []))
            #expect(try !fixture.store.storage.files(below: "clinic/runs").isEmpty, "nothing is removed meanwhile")
            fixture.clock.advance(Limits.attemptDeadline)
            #expect(try fixture.store.repeatCommit(sent) == (isMade ? .version : .never(.expired)))
        }
    }

    @Test(
        "a record that lands after the deadline is the version that it names, and other bytes are the proof that it is none"
    )
    func lateLanding() throws {
        for isOurs in [true, false] {
            let fixture = Fixture()
            let sent = try fixture.noted()
            fixture.clock.advance(Limits.attemptDeadline)
            #expect(try fixture.store.repeatCommit(sent) == .open)
            let bytes = isOurs ? sent.bytesOfFile : Array("{}".utf8)
            _ = try fixture.store.storage.create(
                "clinic/\(ModuleLayout.commitRecord(version: 1))", bytes, attempt: sent.attempt)
            let other = CommitFate.never(.taken(commitSHA256: FileDigest.hexadecimal(bytes)))
            #expect(try fixture.store.repeatCommit(sent) == (isOurs ? .version : other))
        }
    }

    @Test("the clock is looked at right before the record is sent")
    func sleptBeforeSending() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        let error = #expect(throws: StoreError.self) {
            try fixture.publish(attempt: attempt, receipts: receipts) { step in
                if step == .recordWritten { fixture.clock.advance(Limits.attemptDeadline) }
            }
        }
        #expect(error?.code == .attemptEnded)
        #expect(try fixture.store.versions(module: "clinic") == [])
        #expect(try fixture.store.storage.names("clinic/_versions") == [], "its temporary file is gone")
    }

    @Test("a record whose files are not there does not become a version when it is sent again")
    func recordWithoutFiles() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        let record = try fixture.publish(attempt: attempt, receipts: receipts).record
        #expect(try fixture.store.repeatCommit(record) == .version, "it is the version that it names")
        // A store made anew at the same place, known to the same ledger.
        let anew = Fixture()
        #expect(try anew.store.repeatCommit(record) == .open, "what was sent may still come")
        #expect(try anew.store.modules() == [])
        try anew.publishNew()
        guard case .never(.taken) = try anew.store.repeatCommit(record) else {
            Issue.record("another version has its number")
            return
        }
    }

    @Test("an attempt past its deadline is not published")
    func tooLate() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        fixture.clock.advance(Limits.attemptDeadline)
        let error = #expect(throws: StoreError.self) { try fixture.publish(attempt: attempt, receipts: receipts) }
        #expect(error?.code == .attemptEnded)
    }
}

extension Fixture {
    /// The record of an attempt whose publisher died after it had noted it and before it sent it.
    fileprivate func noted() throws -> CommitRecord {
        let attempt = try store.beginAttempt(module: Self.module)
        let receipts = try stage(attempt)
        var sent: CommitRecord?
        #expect(throws: Stopped.self) {
            try Publisher(store: store, module: Self.module, attempt: attempt).publish(
                tables: Self.tables, receipts: receipts, committedAt: "2026-11-23T05:30:00Z",
                committedBy: "etl-express test", expiresAt: nil,
                willCommit: {
                    sent = $0
                    throw Stopped()
                }, describe: { Self.describe($0, receipts) })
        }
        return try #require(sent)
    }
}
