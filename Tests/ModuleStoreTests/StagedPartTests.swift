import Foundation
import Model
import Testing

@testable import ModuleStore

@Suite("Staged parts")
struct StagedPartTests {
    @Test("bytes of any sizes arrive in order, with their count and digest")
    func bytesArrive() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let part = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 7, epoch: 2)
        var expected: [UInt8] = []
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var state = seed
        for size in [0, 1, 100, Limits.bytesPerWrite - 101, 1, Limits.bytesPerWrite, 3 * Limits.bytesPerWrite + 5, 17] {
            let bytes = (0..<size).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            expected += bytes
            try part.write(bytes: bytes)
        }
        let finished = try part.finish()
        #expect(finished.stagedPath == "_staging/\(attempt)/t/part-00007.e0002.parquet")
        #expect(finished.byteCount == Int64(expected.count))
        #expect(finished.sha256 == SHA256.hexadecimal(expected))
        let written = try Data(contentsOf: URL(fileURLWithPath: fixture.path("clinic/\(finished.stagedPath)")))
        #expect(Array(written) == expected)
    }

    @Test("a part that is not finished leaves no trace")
    func abandoned() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let path = "clinic/\(ModuleLayout.stagedPart(attempt: attempt, table: "t", shard: 0, epoch: 1))"
        do {
            let part = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
            try part.write(text: "half")
            #expect(fixture.exists(path))
        }
        #expect(!fixture.exists(path))
    }

    @Test("an epoch's file is written once, and a refused second writer does not remove it")
    func oneFileAnEpoch() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let part = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
        let finished = try part.finish()
        #expect(throws: StoreError.self) {
            try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
        }
        #expect(fixture.exists("clinic/\(finished.stagedPath)"))
    }

    @Test("an ended attempt takes no part")
    func endedAttempt() throws {
        let fixture = Fixture()
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        try fixture.store.discard(module: "clinic", attempt: attempt)
        let error = #expect(throws: StoreError.self) {
            try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
        }
        #expect(error?.code == .attemptEnded)
        #expect(error?.disposition == .failRun)
    }

    @Test("a full disk is said to be full, and another worker may try")
    func fullDisk() throws {
        // The device that is always full takes the place of the part's file.
        let file = try OpenFile.existing("/dev/full", subject: "clinic/part")
        let error = #expect(throws: StoreError.self) {
            let bytes = [UInt8](repeating: 1, count: 10)
            try unsafe bytes.withUnsafeBytes { try unsafe file.write($0) }
        }
        #expect(error?.code == .noSpace)
        #expect(error?.disposition == .retryElsewhere)
    }

    @Test(
        "names that leave the store are refused",
        arguments: ["", "..", "a/b", "A", "1a", "a_b", String(repeating: "a", count: 64), "é"])
    func badModules(_ module: String) {
        let error = #expect(throws: StoreError.self) { try Fixture().store.beginAttempt(module: module) }
        #expect(error?.code == .badName)
    }
}

@Suite("Names in a module")
struct LayoutTests {
    @Test("hostile table names stay one path segment, mean themselves and stay different")
    func identifiers() {
        let names = [
            "plain", "a b", "..", ".", ".hidden", "_x", "a/b", "a%2Fb", "a=b", "[x]*?", "\u{e9}", "e\u{301}", "\n",
            "\u{0}",
            "urn:x", "C:\\x", "\"", "'",
        ]
        let written = names.map { ModuleLayout.identifier($0) }
        #expect(Set(written).count == names.count)
        for identifier in written {
            #expect(Sums.isInside(identifier))
            #expect(identifier.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/\\*?[]=:\"'".utf8.contains($0) })
            #expect(!identifier.hasPrefix(".") && !identifier.hasPrefix("_"))
        }
        #expect(written[0] == "plain")
        #expect(written[1] == "a%20b")
        #expect(written[2] == "%2E.")
    }

    @Test("an attempt's id is a UUID of version 7 that sorts by time and tells it")
    func attemptIDs() throws {
        let first = AttemptID.make(milliseconds: 0x0190_0000_0001, random: (.max, .max))
        let second = AttemptID.make(milliseconds: 0x0190_0000_0002, random: (0, 0))
        #expect(first == "01900000-0001-7fff-bfff-ffffffffffff")
        #expect(second == "01900000-0002-7000-8000-000000000000")
        #expect(AttemptID.milliseconds(first) == 0x0190_0000_0001)
        for bad in ["", "x", "01900000-0001-4fff-bfff-ffffffffffff", "../../../../../../../../../etc/passwd-"] {
            #expect(AttemptID.milliseconds(bad) == nil)
        }
    }

    @Test("the list of digests reads as it was written, and refuses what sha256sum would not mean")
    func sums() {
        let digest = String(repeating: "a", count: 64)
        let sums = Sums([.init(path: "b", sha256: digest), .init(path: "a/c", sha256: digest)])
        #expect(sums.lines.map(\.path) == ["a/c", "b"])
        #expect(Sums(bytes: sums.bytes) == sums)
        for bad in [
            "\(digest)  b\n\(digest)  a\n", "\(digest)  a\n\(digest)  a\n", "\(digest)  ../a\n", "\(digest)  /a\n",
            "\(digest) a\n", "\(digest)  a", "\(digest.uppercased())  a\n", "\(digest)  a\\b\n",
        ] {
            #expect(Sums(bytes: Array(bad.utf8)) == nil)
        }
    }
}
