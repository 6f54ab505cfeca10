import Formats
import Foundation
import Model
import ModuleStore
import Testing

@testable import Worker

@Suite("Files that change between planning and reading")
struct ChangingFileTests {
    /// A pipeline over one file of several chunks.
    private final class Lab {
        let folder: String
        var location: String { "\(folder)/labs.csv" }
        static let rowCount = 150_000

        init(_ bytes: Data? = nil) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let rows = (0..<Self.rowCount).map { "\(100_000 + $0),value\n" }.joined()
            try (bytes ?? Data("id,text\n\(rows)".utf8)).write(to: URL(fileURLWithPath: location))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func session() throws -> RunSession {
            try RunSession(
                document: """
                    format: 1
                    module: labs
                    sources:
                      lab: {kind: csv, path: labs.csv}
                    tables:
                      results:
                        from: lab
                        columns: {id: keep, text: keep}
                    target: {directory: ./modules}

                    """, path: "labs.yaml",
                bounds: DocumentBounds(baseDirectory: folder, targetDirectories: [folder]), environment: [:])
        }

        /// As another machine has it, where the states of files tell nothing.
        func planElsewhere() throws -> RunPlan {
            let session = try session()
            defer { session.close() }
            var plan = try session.makePlan()
            guard case .files(var identity) = plan.sources[0] else { return plan }
            identity.files[0].state?.place = "elsewhere"
            plan.sources = [.files(identity)]
            return plan
        }

        /// Reads shard 0. `change` is called after the first chunk.
        func read(_ plan: RunPlan, change: () throws -> Void = {}) throws -> PartReceipt {
            let session = try session()
            defer { session.close() }
            try session.adopt(plan)
            let attempt = try Store(directory: "\(folder)/modules").beginAttempt(module: "labs")
            var isFirst = true
            return try session.run(table: "results", shard: 0, attempt: attempt, epoch: 1) { _, _ in
                if isFirst { try change() }
                isFirst = false
            }
        }

        func write(_ text: String, at offset: UInt64) throws {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: location))
            try file.seek(toOffset: offset)
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        }

        var end: UInt64 { 8 + 13 * UInt64(Self.rowCount) }
    }

    private func failure(_ body: () throws -> Void) -> TaskFailure? {
        do { try body() } catch { return RunSession.failure(of: error) }
        return nil
    }

    /// `other`, `o,her`, `o"her` beside `value`: another value, another width, a record that is malformed.
    @Test("another byte of the same size is found where only the digest can tell", arguments: ["o", ",", "\"", "\n"])
    func digest(_ byte: String) throws {
        for isBefore in [true, false] {
            let lab = try Lab()
            let plan = try lab.planElsewhere()
            let place = lab.end - 3
            if isBefore { try lab.write(byte, at: place) }
            let found = failure { _ = try lab.read(plan) { if !isBefore { try lab.write(byte, at: place) } } }
            #expect(found?.message.contains("labs.csv") == true, "before: \(isBefore)")
            #expect(found?.message.contains("the file changed while it was read") == true, "before: \(isBefore)")
            #expect(found?.disposition == .failRun)
        }
    }

    @Test("a copy of the file elsewhere is the planned file; here it is another")
    func copied() throws {
        let lab = try Lab()
        let elsewhere = try lab.planElsewhere()
        let here = try { () throws -> RunPlan in
            let session = try lab.session()
            defer { session.close() }
            return try session.makePlan()
        }()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: lab.location))
        try bytes.write(to: URL(fileURLWithPath: lab.location + ".new"))
        let code = unsafe rename(lab.location + ".new", lab.location)
        #expect(code == 0)
        #expect(try lab.read(elsewhere).rows.published == Int64(Lab.rowCount))
        #expect(failure { _ = try lab.read(here) }?.message.contains("labs.csv: the file changed") == true)
    }

    @Test("a compressed file is held against its digest too")
    func compressed() throws {
        // Three gzip members of a stored block each, as RFC 1951 and 1952 have them; the sums are the texts'.
        func member(_ text: String, _ sum: UInt32) -> [UInt8] {
            let bytes = Array(text.utf8)
            let length = UInt16(bytes.count)
            func little<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
                (0..<N.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> N(8 * $0)) }
            }
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(length) + little(~length) + bytes + little(sum)
                + little(UInt32(bytes.count))
        }
        func crc(_ text: String) -> UInt32 {
            ~text.utf8.reduce(UInt32.max) { sum, byte in
                (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
            }
        }
        func file(_ texts: [String]) -> Data { Data(texts.flatMap { member($0, crc($0)) }) }
        let lab = try Lab(file(["id,text\n", "1,value\n", "2,value\n"]))
        let plan = try lab.planElsewhere()
        #expect(try lab.read(plan).rows.published == 2)
        try file(["id,text\n", "1,value\n", "2,other\n"]).write(to: URL(fileURLWithPath: lab.location))
        #expect(failure { _ = try lab.read(plan) }?.message.contains("labs.csv: the file changed") == true)
    }

    @Test("a plan without digests publishes nothing")
    func noDigest() throws {
        let lab = try Lab()
        var plan = try lab.planElsewhere()
        guard case .bytes(let path, let start, let end, let first, _) = plan.tables[0].shards[0].piece else { return }
        plan.tables[0].shards[0].piece = .bytes(path: path, start: start, end: end, firstRecord: first)
        #expect(failure { _ = try lab.read(plan) } != nil)
    }

    /// Bytes that a digest sees as they are read, in steps.
    private final class Steps: ByteSource {
        private var bytes: ArraySlice<UInt8>
        private let step: Int
        private let digests: RangeDigests

        init(_ bytes: [UInt8], step: Int, _ digests: RangeDigests) {
            self.bytes = bytes[...]
            self.step = step
            self.digests = digests
        }

        func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
            let count = min(memory.count, bytes.count, step)
            unsafe memory.copyBytes(from: bytes.prefix(count))
            bytes = bytes.dropFirst(count)
            unsafe digests.add(UnsafeRawBufferPointer(rebasing: memory[..<count]))
            return count
        }
    }

    @Test("each shard has the digest of its own bytes, however the file is written, cut and given")
    func ranges() throws {
        let body = (0..<200).map { "\($0),\"t\né\($0 % 7 == 0 ? String(repeating: "x", count: 300) : "")\"\n" }
        let text = "id,text\n" + body.joined() + "\n\n# the end\n"
        let files: [(bytes: [UInt8], encoding: DelimitedSpec.Encoding?, isWhole: Bool)] = [
            (Array(text.utf8), nil, false), ([0xef, 0xbb, 0xbf] + Array(text.utf8), nil, false),
            (text.unicodeScalars.map { UInt8($0.value) }, .latin1, false),
            ([0xff, 0xfe] + text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }, nil, true),
            (Array("id,text\n1,2\n".utf8), nil, false),
        ]
        for (number, file) in files.enumerated() {
            for (shardSize, block, step) in [(64, 16, 1), (64, 4096, 4096), (1000, 64, 7), (500, 4096, 100)] {
                var spec = DelimitedSpec(path: "a", pathPosition: .start)
                spec.encoding = file.encoding
                spec.comment = UInt8(ascii: "#")
                var limits = DelimitedLimits()
                limits.bytesPerShard = shardSize
                limits.bytesPerBlock = block
                let scanner = try DelimitedScanner(
                    spec, source: "s", limits: limits, first: "a",
                    bytes: Steps(file.bytes, step: step, RangeDigests()))
                let digests = RangeDigests()
                let scan = try scanner.scan(
                    file: "a", bytes: Steps(file.bytes, step: step, digests), digests: digests)
                let shards = scanner.join([scan]).shards
                #expect(shards.count == 1 || !file.isWhole)
                #expect(shards.count > 3 || file.isWhole || file.bytes.count < 100 || shardSize == 1000)
                for shard in shards {
                    guard case .bytes(_, let start, let end, _, let sha256) = shard.piece else { continue }
                    #expect(
                        sha256 == SHA256.hexadecimal(Array(file.bytes[Int(start)..<Int(end)])),
                        "file \(number), shards of \(shardSize), blocks of \(block), steps of \(step), \(shard.index)")
                }
                #expect(digests.finish() == SHA256.hexadecimal(file.bytes))
            }
        }
    }
}
