import Foundation
import Model
import Synchronization
import Testing

@testable import ModuleStore

@Suite("Withdrawing and retaining")
struct RetentionTests {
    @Test("a withdrawal tells what is left, keeps its first reason, and refuses another")
    func withdrawing() throws {
        let fixture = Fixture()
        try fixture.publishNew()
        let first = try withdraw(fixture, 1, "erasure")
        #expect(!first.wasWithdrawnBefore && first.filesRemoved == 6 && first.filesLeft == ["croissant.json"])
        let again = try withdraw(fixture, 1, "erasure", at: "2027-01-01T00:00:00Z")
        #expect(again.wasWithdrawnBefore && again.filesRemoved == 0)
        #expect(again.tombstone == first.tombstone)
        let error = #expect(throws: StoreError.self) { try withdraw(fixture, 1, "other") }
        #expect(error?.code == .refused && error?.detail.contains("erasure") == true)
    }

    @Test("an edited record of a withdrawn version is found, the newest one too, and a file that came back")
    func withdrawnRecord() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        try withdraw(fixture, 1, "erasure")
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        let path = "clinic/\(ModuleLayout.commitRecord(version: 1))"
        let bytes = try fixture.files.read(path)
        for (index, byte) in bytes.enumerated() {
            var edited = bytes
            edited[index] = byte ^ 1
            try fixture.overwrite(path, edited)
            let findings = try fixture.store.verify(module: "clinic").findings
            #expect(findings.contains { $0.path == path }, "byte \(index)")
        }
        try fixture.overwrite(path, bytes)
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        try fixture.files.setMode(run, 0o755)
        try fixture.files.write("\(run)/protocol.json", [0x7b])
        #expect(try fixture.store.verify(module: "clinic").findings.map(\.path) == ["\(run)/protocol.json"])
    }

    @Test("versions beyond the count and the age go, never the newest; with one rule that rule decides")
    func candidates() throws {
        let fixture = Fixture()
        for day in 1...6 {
            try Fixture.publishNew(fixture.store, committedAt: "2026-11-0\(day)T00:00:00Z")
        }
        func versions(keep: Int?, before: String?) throws -> [Int] {
            try fixture.store.retentionCandidates(
                module: "clinic", keep: keep, age: before == nil ? nil : "P1D", isOld: { $0 < before ?? "" },
                now: "2026-11-10T00:00:00Z"
            ).map(\.version)
        }
        #expect(try versions(keep: 2, before: nil) == [1, 2, 3, 4])
        #expect(try versions(keep: 2, before: "2026-11-03") == [1, 2])
        #expect(try versions(keep: 5, before: "2026-11-05") == [1])
        #expect(try versions(keep: nil, before: "2026-12-01") == [1, 2, 3, 4, 5])
        #expect(try versions(keep: nil, before: nil) == [])
        try withdraw(fixture, 6, "wrong")
        try withdraw(fixture, 2, "wrong")
        #expect(try versions(keep: 2, before: nil) == [1, 3])
        #expect(try versions(keep: 1, before: "2026-12-01") == [1, 3, 4])
    }

    @Test("a version whose time is over goes whatever else keeps it, unless it is the newest")
    func expired() throws {
        let fixture = Fixture()
        for end in ["2026-11-09T00:00:00Z", "2026-12-09T00:00:00Z", "2026-11-09T00:00:00Z"] {
            try Fixture.publishNew(fixture.store, expiresAt: end)
        }
        let found = try fixture.store.retentionCandidates(
            module: "clinic", keep: 9, age: nil, isOld: { _ in false }, now: "2026-11-10T00:00:00Z")
        #expect(found.map(\.version) == [1])
        #expect(found.first?.reason == "retention: expired 2026-11-09T00:00:00Z")
    }

    @Test(
        "a version whose publisher died right behind its record is withdrawn with all that was staged for it",
        arguments: [PublishStep.committed, .recordFlushed, .hinted, .protected])
    func diedBehindTheRecord(_ step: PublishStep) throws {
        let fixture = Fixture()
        let attempt = try die(fixture, step)
        let staging = "clinic/\(ModuleLayout.staging(attempt))"
        #expect(try fixture.files.files(below: staging).count == 3)
        let before = try fixture.store.verify(module: "clinic")
        #expect(before.findings == [], "a publisher may be about to remove it")
        #expect(before.leftovers.count == 3 && before.leftovers.allSatisfy { $0.path.hasPrefix("\(staging)/") })
        try withdraw(fixture, 1, "erasure")
        let left = try fixture.files.files(below: "clinic").filter { $0.contains(attempt) }
        #expect(left == ["\(ModuleLayout.run(attempt))/croissant.json"])
        #expect(!fixture.exists(staging))
        let after = try fixture.store.verify(module: "clinic")
        #expect(after.findings == [] && after.leftovers == [] && after.withdrawn == [1])
    }

    @Test("what is staged for a withdrawn version is a finding, and withdrawing again removes it")
    func stagedAfterwards() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        try withdraw(fixture, 1, "erasure")
        // As an older release left it.
        let path = "clinic/\(ModuleLayout.staging(record.attempt))/patients/part-00000.e0001.parquet"
        try fixture.files.makeFolder(String(path[..<path.lastIndex(of: "/")!]))
        try fixture.files.write(path, Array("PAR1".utf8))
        let findings = try fixture.store.verify(module: "clinic", version: 1).findings
        #expect(findings.map(\.path) == [path] && findings.map(\.kind) == [.unexpected])
        #expect(try withdraw(fixture, 1, "erasure").filesRemoved == 1)
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("a withdrawal that finds files again after their removal says so")
    func stubborn() throws {
        let memory = MemoryStorage.Files()
        let record = try Fixture.publishNew(Store(MemoryStorage(memory))).record
        let path = "clinic/\(ModuleLayout.staging(record.attempt))/patients/part-00000.e0001.parquet"
        let stubborn = Store(
            MemoryStorage(memory, before: { () throws(StoreError) in memory.all.withLock { $0[path] = [1] } }))
        let error = #expect(throws: StoreError.self) {
            try stubborn.withdraw(
                module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
        }
        #expect(error?.code == .inputOutput && error?.subject == path)
    }

    @Test("the next run removes what was staged for a version, of whatever age, and what others stage stays")
    func nextRun() throws {
        let fixture = Fixture()
        let dead = try die(fixture, .committed)
        let other = try fixture.store.beginAttempt(module: "clinic")
        #expect(!fixture.exists("clinic/\(ModuleLayout.staging(dead))"))
        _ = try fixture.stage(other)
        try fixture.publishNew()
        #expect(fixture.exists("clinic/\(ModuleLayout.staging(other))"))
        let verified = try fixture.store.verify(module: "clinic")
        #expect(verified.findings == [] && verified.leftovers == [])
    }

    @Test("a sweep removes what was staged for a version, of whatever age, and rehearses it")
    func sweep() throws {
        let fixture = Fixture()
        let dead = try die(fixture, .hinted)
        #expect(try fixture.store.sweep(module: "clinic", isRehearsal: true).staging == [dead])
        #expect(fixture.exists("clinic/\(ModuleLayout.staging(dead))"))
        #expect(try fixture.store.sweep(module: "clinic").staging == [dead])
        #expect(!fixture.exists("clinic/\(ModuleLayout.staging(dead))"))
        #expect(try fixture.store.verify(module: "clinic").leftovers == [])
    }

    /// A version whose publisher did nothing more from this step on; its attempt.
    private func die(_ fixture: Fixture, _ at: PublishStep) throws -> String {
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt: attempt, receipts: receipts) { if $0 == at { throw Stopped() } }
        }
        return attempt
    }

    @discardableResult
    private func withdraw(
        _ fixture: Fixture, _ version: Int, _ reason: String, at time: String = "2026-12-01T00:00:00Z"
    )
        throws -> Withdrawal
    {
        try fixture.store.withdraw(module: "clinic", version: version, reason: reason, by: "dpo", at: time)
    }
}
