import Foundation
import Model
import Synchronization
import Testing

@testable import ModuleStore

@Suite("Copying and pulling")
struct CopyTests {
    private static let day = 86_400

    @Test("a copied module is the same byte for byte, in order, and sound; a second copy finds it there")
    func copying() throws {
        let (source, target) = (Fixture(), Fixture())
        for _ in 0..<3 { try source.publishNew() }
        var seen: [CopyProgress] = []
        let copied = try source.store.copy(module: "clinic", to: target.store) { seen.append($0) }
        #expect(copied.map(\.record.version) == [1, 2, 3])
        #expect(copied.allSatisfy { $0.filesCopied == 6 && $0.filesKept == 0 && !$0.wasThere })
        #expect(seen.last?.bytesDone == seen.last?.bytesTotal && seen.count > 18)
        #expect(try target.store.verify(module: "clinic").findings == [])
        #expect(try target.store.latest(module: "clinic") == 3)
        for file in try source.files.files(below: "clinic") {
            #expect(try source.files.read("clinic/\(file)") == target.files.read("clinic/\(file)"), "\(file)")
        }
        #expect(try target.files.files(below: "clinic") == source.files.files(below: "clinic"))
        #expect(try source.store.copy(module: "clinic", to: target.store).allSatisfy(\.wasThere))
        // The copy goes on as a module of its own.
        #expect(try target.publishNew().record.version == 4)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("versions reach a store that is no folder, and come back from it")
    func throughMemory() throws {
        let (source, back) = (Fixture(), Fixture())
        for _ in 0..<2 { try source.publishNew() }
        let memory = Store(MemoryStorage())
        _ = try source.store.copy(module: "clinic", to: memory)
        #expect(try memory.verify(module: "clinic").findings == [])
        try memory.pull(module: "clinic", version: 2, into: back.root)
        #expect(try back.store.verify(module: "clinic").findings == [])
    }

    @Test("a copy without the version before it is refused, a pull stands alone and says so")
    func gaps() throws {
        let (source, target) = (Fixture(), Fixture())
        for _ in 0..<3 { try source.publishNew() }
        let gap = #expect(throws: StoreError.self) {
            try source.store.copy(module: "clinic", versions: [2], to: target.store)
        }
        #expect(gap?.code == .refused && gap?.description.contains("version 1") == true)
        #expect(try target.store.modules() == [])

        try source.store.pull(module: "clinic", version: 2, into: target.store)
        let verified = try target.store.verify(module: "clinic")
        #expect(verified.findings == [] && verified.versions == [2] && verified.pulled == [2])
        #expect(throws: StoreError.self) { try source.store.copy(module: "clinic", versions: [1], to: target.store) }
        _ = try source.store.copy(module: "clinic", versions: [3], to: target.store)
        try source.store.pull(module: "clinic", version: 1, into: target.store)
        let whole = try target.store.verify(module: "clinic")
        #expect(whole.findings == [] && whole.versions == [1, 2, 3] && whole.pulled == [])
        #expect(try target.files.names("clinic/_staging") == [] && target.files.names("clinic/_copies") == [])
    }

    @Test("a record that was edited after it was pulled alone is found, and so is a mark without a pull")
    func editedPull() throws {
        let (source, target) = (Fixture(), Fixture())
        for _ in 0..<2 { try source.publishNew() }
        try source.store.pull(module: "clinic", version: 2, into: target.store)
        let path = "clinic/\(ModuleLayout.commitRecord(version: 2))"
        let bytes = try target.files.read(path)
        for (index, byte) in bytes.enumerated() {
            var edited = bytes
            edited[index] = byte ^ 1
            try target.overwrite(path, edited)
            let findings = try target.store.verify(module: "clinic").findings
            #expect(findings.contains { $0.path == path }, "byte \(index)")
        }
        try target.overwrite(path, bytes)
        try target.files.remove("clinic/\(ModuleLayout.pulledMark(version: 2))")
        #expect(try target.store.verify(module: "clinic").findings.map(\.kind) == [.brokenChain])
    }

    @Test("withdrawn versions are copied as what is left of them, and cannot be pulled")
    func withdrawn() throws {
        let (source, target) = (Fixture(), Fixture())
        for _ in 0..<2 { try source.publishNew() }
        try source.store.withdraw(
            module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
        let copied = try source.store.copy(module: "clinic", to: target.store)
        #expect(copied.map(\.isWithdrawn) == [true, false])
        #expect(try target.store.tombstone(module: "clinic", version: 1)?.reason == "erasure")
        let verified = try target.store.verify(module: "clinic")
        #expect(verified.findings == [] && verified.withdrawn == [1] && verified.versions == [2])
        let error = #expect(throws: StoreError.self) {
            try source.store.pull(module: "clinic", version: 1, into: target.store)
        }
        #expect(error?.code == .refused && error?.detail.contains("erasure") == true)
    }

    @Test("nothing is ever overwritten: another version under the number is refused, and so is another history")
    func otherHistory() throws {
        let (source, target) = (Fixture(), Fixture())
        for _ in 0..<2 { try source.publishNew() }
        let own = try target.publishNew().record
        for version in 1...2 {
            let error = #expect(throws: StoreError.self) {
                try source.store.pull(module: "clinic", version: version, into: target.store)
            }
            #expect(error?.code == .refused)
        }
        #expect(throws: StoreError.self) { try source.store.copy(module: "clinic", to: target.store) }
        #expect(try target.store.versions(module: "clinic") == [1])
        #expect(try target.store.record(module: "clinic", version: 1) == own)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("a run that publishes the number meanwhile is a conflict, and its version stays")
    func concurrentPublish() throws {
        let source = Fixture()
        try source.publishNew()
        let files = MemoryStorage.Files()
        let rival = Store(MemoryStorage(files))
        let hasPublished = Mutex(false)
        let target = Store(MemoryStorage(files))
        let error = #expect(throws: StoreError.self) {
            try source.store.copy(module: "clinic", to: target) { _ in
                let isFirst = hasPublished.withLock { has in
                    defer { has = true }
                    return !has
                }
                if isFirst { _ = try? Fixture.publishNew(rival) }
            }
        }
        #expect(error?.code == .conflict)
        #expect(try target.versions(module: "clinic") == [1])
        #expect(try target.verify(module: "clinic").findings == [])
    }

    @Test("a copy into PostgreSQL is refused with the reason")
    func intoPostgres() throws {
        let source = Fixture()
        try source.publishNew()
        let target = Store(MemoryStorage(location: "postgresql://host/database"))
        let error = #expect(throws: StoreError.self) { try source.store.copy(module: "clinic", to: target) }
        #expect(error?.code == .refused && error?.detail.contains("tables, not files") == true)
    }

    @Test("cut short after any operation a pull shows nothing, and when repeated carries on to the whole")
    func resuming() throws {
        let source = Fixture()
        for _ in 0..<2 { try source.publishNew() }
        var (cuts, kept) = (0, 0)
        for limit in 0..<200 {
            let files = MemoryStorage.Files()
            let budget = Mutex(limit)
            let failing = MemoryStorage(files) { () throws(StoreError) in
                let isCut = budget.withLock { left in
                    left -= 1
                    return left < 0
                }
                if isCut { throw StoreError(.inputOutput, "clinic", "cut short") }
            }
            let now = source.clock.now
            let isWhole =
                (try? source.store.pull(module: "clinic", version: 2, into: Store(failing, now: { now }))) != nil
            let store = Store(MemoryStorage(files), now: { now })
            if try store.versions(module: "clinic").isEmpty {
                cuts += 1
            } else {
                #expect(try store.verify(module: "clinic").findings == [])
            }
            let again = try source.store.pull(module: "clinic", version: 2, into: store)
            kept = max(kept, again.filesKept)
            #expect(try store.verify(module: "clinic").findings == [], "after \(limit) operations")
            let left = try ["_staging", "_copies"].flatMap { try store.storage.files(below: "clinic/\($0)") }
            #expect(left == [], "nothing but the version is left, after \(limit) operations")
            if isWhole, again.wasThere { break }
        }
        #expect(cuts > 20 && kept == 6)
    }

    @Test("a half-written file of a pull that was cut short is written again")
    func halfFile() throws {
        let (source, target) = (Fixture(), Fixture())
        let record = try source.publishNew().record
        let path = "clinic/\(ModuleLayout.run(record.attempt))/croissant.json"
        try target.store.storage.begin(module: "clinic", attempt: record.attempt)
        let mark = target.store.newAttemptID()
        try target.store.storage.write("clinic/\(ModuleLayout.copy(mark: mark, of: record.attempt))", [])
        try target.store.storage.write(path, [0x7b])
        try source.store.pull(module: "clinic", version: 1, into: target.store)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("a copy under way is spared by every sweep; what one left that ended days ago is swept, or copied over")
    func marks() throws {
        let (source, target) = (Fixture(), Fixture())
        let record = try source.publishNew().record
        source.clock.advance(.seconds(100 * Self.day))
        target.clock.advance(.seconds(100 * Self.day))
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        let mark = target.store.newAttemptID()
        try target.store.storage.begin(module: "clinic", attempt: record.attempt)
        try target.store.storage.write("clinic/\(ModuleLayout.copy(mark: mark, of: record.attempt))", [])
        try target.store.storage.write("\(run)/croissant.json", [0x7b])
        let spared = try target.store.sweep(module: "clinic", olderThan: .zero)
        #expect(spared.isEmpty)
        target.clock.advance(Limits.collectableAge)
        target.clock.advance(.seconds(1))
        let rehearsal = try target.store.sweep(
            module: "clinic", olderThan: Limits.collectableAge, isRehearsal: true)
        #expect(target.exists("\(run)/croissant.json"))
        let swept = try target.store.sweep(module: "clinic", olderThan: Limits.collectableAge)
        #expect(swept == rehearsal && swept.runs == [record.attempt] && swept.copies == [mark])
        #expect(try target.store.storage.names("clinic/_sweeps") == [])
        try target.store.storage.write("\(run)/croissant.json", [0x7b])
        try source.store.pull(module: "clinic", version: 1, into: target.store)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("nothing is copied in while a sweep removes a run of that name, or died while it did less than four days ago")
    func sweepUnderWay() throws {
        let (source, target) = (Fixture(), Fixture())
        let record = try source.publishNew().record
        target.clock.advance(.seconds(100 * Self.day))
        try target.store.storage.begin(module: "clinic", attempt: record.attempt)
        let mark = target.store.newAttemptID()
        try target.store.storage.write("clinic/\(ModuleLayout.sweep(mark: mark, of: record.attempt))", [])
        for _ in 0..<2 {
            let error = #expect(throws: StoreError.self) {
                try source.store.pull(module: "clinic", version: 1, into: target.store)
            }
            #expect(error?.code == .refused)
            // A refused copy keeps no sweep away.
            #expect(try target.store.storage.names("clinic/_copies") == [])
            target.clock.advance(Limits.attemptDeadline)
        }
        _ = try target.store.sweep(module: "clinic", olderThan: .zero)
        #expect(try target.store.storage.names("clinic/_sweeps") == [])
        try source.store.pull(module: "clinic", version: 1, into: target.store)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("a byte that changed in the source is named, and nothing becomes visible")
    func damagedSource() throws {
        let (source, target) = (Fixture(), Fixture())
        let record = try source.publishNew().record
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        for file in ["croissant.json", "SHA256SUMS", "data/patients/part-00001.parquet"] {
            let bytes = try source.files.read("\(run)/\(file)")
            try source.overwrite("\(run)/\(file)", bytes.map { $0 ^ 1 })
            let error = #expect(throws: StoreError.self) {
                try source.store.pull(module: "clinic", version: 1, into: target.store)
            }
            #expect(error?.code == .damaged && error?.subject.hasSuffix(file) == true)
            #expect(try target.store.modules() == [])
            try source.overwrite("\(run)/\(file)", bytes)
        }
        try source.store.pull(module: "clinic", version: 1, into: target.store)
        #expect(try target.store.verify(module: "clinic").findings == [])
    }

    @Test("the place of a part is read back from its path, whatever the table's name")
    func partPlaces() {
        for table in ["plain", "a b", "..", "a/b", "a%2Fb", "\u{e9}", "_copy", "e\u{301}", "\n"] {
            let place = ModuleLayout.place(ofPart: ModuleLayout.part(table: table, shard: 123_456))
            #expect(place?.table == table && place?.shard == 123_456)
        }
        for other in [
            "data/t/part-0.parquet", "data/t/part-00000.json", "data/%zz/part-00000.parquet", "croissant.json",
        ] {
            #expect(ModuleLayout.place(ofPart: other) == nil)
        }
    }
}
