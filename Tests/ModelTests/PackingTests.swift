import Foundation
import Testing

@testable import Model

@Suite("Plans and receipts of many shards")
struct PackingTests {
    private static let receipt = PartReceipt(
        table: "visits", shard: 7, epoch: 2, stagedPath: "_staging/a/visits/part-00007.e0002.parquet",
        byteCount: 123_456,
        sha256: String(repeating: "0af9", count: 16),
        rows: RowAccount(read: 10, published: 7, dropped: 1, filtered: 2),
        rules: [
            RuleCount(column: "id", step: 0, rowsIn: 10, changed: 9, nulls: 1),
            RuleCount(column: "id", step: 1, rowsIn: 10, nulled: 3, dropped: 1),
        ])

    @Test("a packed receipt is the same receipt, whatever is in it")
    func packing() {
        var packer = ReceiptPacker()
        var seen: [(PartReceipt, PackedReceipt)] = []
        for change: (inout PartReceipt) -> Void in [
            { _ in },
            {
                $0.shard = 99_999
                $0.epoch = 1
            }, { $0.rules = [] }, { $0.rules.swapAt(0, 1) }, { $0.stagedPath = "" },
            { $0.stagedPath = "x" }, { $0.stagedPath = "/é/" }, { $0.sha256 = "" },
            { $0.sha256 = String(repeating: "A", count: 64) },
            { $0.sha256 = String(repeating: "é", count: 32) }, { $0.handle = "" }, { $0.handle = "upload \u{0} é" },
            {
                $0.byteCount = .max
                $0.rows.read = .min
                $0.rows.filtered = -1
            }, { $0.rules[1].column = "e-mail" },
            { $0.table = "Ümlaut/table" }, { _ in },
        ] {
            var receipt = Self.receipt
            change(&receipt)
            let packed = packer.pack(receipt)
            #expect(packed.receipt == receipt)
            for (other, earlier) in seen { #expect((earlier == packed) == (other == receipt)) }
            seen.append((receipt, packed))
        }
    }

    private static let coder = PlanCoder()

    private struct PlanCoder {
        func bytes(_ plan: RunPlan) -> [UInt8] {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(plan)).map { [UInt8]($0) } ?? []
        }

        func plan(_ bytes: [UInt8]) -> RunPlan? { try? JSONDecoder().decode(RunPlan.self, from: Data(bytes)) }
    }

    private static func plan(_ pieces: [[Shard.Piece]], origin: String = "public.a/b") -> RunPlan {
        RunPlan(
            about: ModuleAbout(
                module: "m", title: "\"shards\":[", description: "d", documentDigest: "00"), codec: .zstd, sources: [],
            keys: [],
            tables: pieces.enumerated().map { number, pieces in
                TablePlan(
                    name: "t\(number)", source: "s", origin: origin, statement: nil, schemaFingerprint: "f",
                    columns: [],
                    droppedColumns: [],
                    shards: pieces.enumerated().map {
                        Shard(index: $0, piece: $1, estimatedRows: 5, estimatedBytes: -1)
                    },
                    estimatedRows: 1, estimatedBytes: 2)
            }, warnings: [])
    }

    @Test("plans are the general coder's bytes, and are read back the same")
    func plans() {
        for pieces: [[Shard.Piece]] in [
            [], [[]], [[.query], []],
            [
                [
                    .blocks(schema: "public", relation: "é", first: 0, limit: 8),
                    .blocks(schema: "", relation: "r", first: .max, limit: nil),
                ],
                [.bytes(path: "a/b c.csv", start: 0, end: .max, firstRecord: 0)],
            ],
            [
                [
                    .bytes(path: "a", start: 0, end: 9, firstRecord: 0, sha256: String(repeating: "0a", count: 32)),
                    .bytes(path: "a", start: 9, end: 10, firstRecord: 7, sha256: ""),
                ]
            ],
            [[.bytes(path: "quote\" slash\\ \u{1}", start: 0, end: 1, firstRecord: 0)]],
        ] {
            let plan = Self.plan(pieces)
            let bytes = PlanText.bytes(of: plan) { Self.coder.bytes($0) }
            #expect(bytes == Self.coder.bytes(plan))
            #expect(
                PlanText.plan(of: bytes, general: { Self.coder.plan($0) }, writing: { Self.coder.bytes($0) }) == plan)
        }
    }

    @Test("the general coder sees a hundred thousand shards neither written nor read")
    func isShort() {
        let plan = Self.plan([
            (0..<1000).map { .bytes(path: "p", start: Int64($0), end: Int64($0) + 1, firstRecord: 0) }
        ])
        let bytes = PlanText.bytes(of: plan) { outline in
            #expect(outline.tables[0].shards.isEmpty)
            return Self.coder.bytes(outline)
        }
        let read = PlanText.plan(
            of: bytes,
            general: { text in
                #expect(text.count < 1000)
                return Self.coder.plan(text)
            }, writing: { Self.coder.bytes($0) })
        #expect(read == plan)
    }

    @Test("a plan in another form is what the general coder says of it")
    func otherForms() throws {
        let plan = Self.plan([[.query, .query]])
        let text = String(decoding: Self.coder.bytes(plan), as: UTF8.self)
        let shards = "\"shards\":[{\"estimatedBytes\":-1,\"estimatedRows\":5,\"index\":0,\"piece\":{\"query\":{}}}]"
        for other in [
            text.replacing("\"shards\":[", with: "\"shards\": ["), "{\"more\":{\(shards)}," + text.dropFirst(),
            "{\"more\":{\(shards)}," + text.replacing("\"shards\":[", with: "\"shards\" :[").dropFirst(),
            text.replacing("\"index\":1", with: "\"index\":1.0"),
            text.replacing("\"index\":1", with: "\"index\":\"1\""),
            String(text.dropLast(3)), text.replacing("\"query\"", with: "\"other\""), "",
        ] {
            let bytes = Array(other.utf8)
            let read = PlanText.plan(of: bytes, general: { Self.coder.plan($0) }, writing: { Self.coder.bytes($0) })
            #expect(read == Self.coder.plan(bytes), "\(other)")
        }
    }
}
