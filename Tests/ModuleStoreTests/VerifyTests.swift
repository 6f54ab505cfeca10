import Foundation
import Model
import Testing

@testable import ModuleStore

@Suite("Verifying and sweeping")
struct VerifyTests {
    @Test("one flipped byte in any file of any version is found and named")
    func flippedByte() throws {
        let fixture = Fixture()
        try fixture.publishNew()
        try fixture.publishNew()
        let files = try fixture.files.files(below: "clinic").filter { $0 != ModuleLayout.latestHint }
        #expect(files.count == 2 * 7 + 2)
        for file in files {
            let path = "clinic/\(file)"
            let bytes = try fixture.files.read(path)
            for at in Set([0, bytes.count / 2, bytes.count - 1]).sorted() {
                var edited = bytes
                edited[at] ^= 1
                try fixture.overwrite(path, edited)
                let findings = try fixture.store.verify(module: "clinic").findings
                #expect(findings.contains { $0.path == path || $0.kind == .brokenChain }, "\(path) at \(at)")
            }
            try fixture.overwrite(path, bytes)
        }
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test(
        "an edited commit record is found, the last one included",
        arguments: ["\"rows\": 6", "etl-express test", "2026-11-23T05:30:00Z"], [1, 2])
    func editedRecord(_ text: String, _ version: Int) throws {
        let fixture = Fixture()
        try fixture.publishNew()
        try fixture.publishNew()
        let path = "clinic/\(ModuleLayout.commitRecord(version: version))"
        let record = String(decoding: try fixture.files.read(path), as: UTF8.self)
        #expect(record.contains(text))
        let edited = record.replacingOccurrences(of: text, with: String(text.dropLast(2)) + "7\(text.last!)")
        try fixture.overwrite(path, Array(edited.utf8))
        let findings = try fixture.store.verify(module: "clinic").findings
        #expect(findings.contains { $0.path == path })
    }

    @Test("no byte of the newest commit record can be flipped unseen, though no later record names its digest")
    func newestRecord() throws {
        let fixture = Fixture()
        for _ in 0..<2 { try fixture.publishNew() }
        let path = "clinic/\(ModuleLayout.commitRecord(version: 2))"
        let bytes = try fixture.files.read(path)
        for (index, byte) in bytes.enumerated() {
            var edited = bytes
            edited[index] = byte ^ 1
            try fixture.overwrite(path, edited)
            let findings = try fixture.store.verify(module: "clinic", version: 2).findings
            #expect(findings.contains { $0.path == path }, "byte \(index)")
        }
    }

    @Test("a missing file, an extra file and a missing version are found and named")
    func missingAndExtra() throws {
        let fixture = Fixture()
        let first = try fixture.publishNew().record
        try fixture.publishNew()
        let run = "clinic/\(ModuleLayout.run(first.attempt))"
        let part = "\(run)/data/patients/part-00001.parquet"
        let bytes = try fixture.files.read(part)
        try fixture.files.setMode("\(run)/data/patients", 0o755)
        try fixture.files.remove(part)
        try fixture.files.write("\(run)/data/patients/part-00002.parquet", [])
        let findings = try fixture.store.verify(module: "clinic", version: 1).findings
        #expect(findings.map(\.kind).contains(.missing))
        #expect(findings.contains { $0.path == part && $0.kind == .missing })
        #expect(findings.contains { $0.path.hasSuffix("part-00002.parquet") && $0.kind == .unexpected })
        #expect(try fixture.store.verify(module: "clinic", version: 2).findings == [])
        try fixture.files.remove("\(run)/data/patients/part-00002.parquet")
        try fixture.files.write(part, bytes)
        try fixture.files.remove("clinic/\(ModuleLayout.commitRecord(version: 1))")
        #expect(try fixture.store.verify(module: "clinic").findings.map(\.kind) == [.brokenChain])
    }

    @Test("verifying what is not there is an error, not a clean result")
    func absent() throws {
        let fixture = Fixture()
        #expect(throws: StoreError.self) { try fixture.store.verify(module: "clinic") }
        try fixture.publishNew()
        #expect(throws: StoreError.self) { try fixture.store.verify(module: "clinic", version: 2) }
    }

    @Test("a sweep removes old orphans and never what a version refers to")
    func sweeping() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        let stopped = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(stopped)
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt: stopped, receipts: receipts) { if $0 == .recordWritten { throw Stopped() } }
        }
        #expect(try fixture.store.sweep(module: "clinic") == Swept())
        fixture.clock.advance(Limits.orphanTime)
        fixture.clock.advance(.seconds(1))
        let young = try fixture.store.beginAttempt(module: "clinic")
        #expect(try fixture.store.sweep(module: "clinic", running: [stopped]) == Swept())
        let swept = try fixture.store.sweep(module: "clinic")
        #expect(swept.staging == [stopped] && swept.runs == [stopped] && swept.temporaries.count == 1)
        #expect(fixture.exists("clinic/\(ModuleLayout.staging(young))"))
        #expect(fixture.exists("clinic/\(ModuleLayout.run(record.attempt))"))
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("a sweep removes no run while a commit record cannot be read")
    func carefulSweep() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        fixture.clock.advance(Limits.orphanTime)
        fixture.clock.advance(.seconds(1))
        try fixture.overwrite("clinic/\(ModuleLayout.commitRecord(version: 1))", Array("{".utf8))
        #expect(throws: StoreError.self) { try fixture.store.sweep(module: "clinic") }
        #expect(fixture.exists("clinic/\(ModuleLayout.run(record.attempt))/croissant.json"))
    }

    @Test("a discarded attempt is gone, a published one stays")
    func discarding() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        _ = try fixture.stage(attempt)
        try fixture.store.discard(module: "clinic", attempt: attempt)
        try fixture.store.discard(module: "clinic", attempt: record.attempt)
        #expect(!fixture.exists("clinic/\(ModuleLayout.staging(attempt))"))
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("a withdrawn version keeps its number, its record and its description, and loses its data")
    func withdrawing() throws {
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        try fixture.publishNew()
        for _ in 0..<2 {
            try fixture.store.withdraw(
                module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
        }
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        #expect(try fixture.files.files(below: run) == ["croissant.json"])
        #expect(try fixture.store.isWithdrawn(module: "clinic", version: 1))
        #expect(try fixture.store.latest(module: "clinic") == 2)
        let verification = try fixture.store.verify(module: "clinic")
        #expect(verification.findings == [] && verification.withdrawn == [1] && verification.versions == [2])
        #expect(try fixture.publishNew().record.version == 3)
    }
}
