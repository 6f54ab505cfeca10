import Foundation
import Model
import Testing

@Suite("What a plan, a receipt and a failure may state")
struct PlanBoundsTests {
    private static let plan: RunPlan = {
        let column = ColumnPlan(
            name: "c", type: .decimal(precision: 10, scale: 2), isProtected: false, sourceColumn: "c",
            sourceType: "numeric", mapping: nil,
            steps: [StepPlan(verb: "keep", summary: "keep", effect: .pass, mapping: .injective, method: "keep")])
        let pieces: [Shard.Piece] = [
            .query, .blocks(schema: "public", relation: "t", first: 0, limit: nil),
            .bytes(path: "labs/a.csv", start: 0, end: 10, firstRecord: 0),
        ]
        return RunPlan(
            about: ModuleAbout(module: "m", title: "M", description: "", documentDigest: ""), codec: .lz4,
            sources: [
                .postgres(
                    PostgresIdentity(
                        name: "db", host: "h", port: 5432, database: "d", serverVersion: "15", systemIdentifier: nil,
                        serverStart: "", isolation: "", snapshots: ["0-1"], snapshotText: "1:1:", walPosition: "0/0")),
                .files(
                    FilesIdentity(
                        name: "f", files: [.init(path: "labs/a.csv", byteCount: 10, sha256: "00")], dialect: "")),
            ],
            keys: [KeyIdentity(name: "k", checkValue: "00")],
            tables: [
                TablePlan(
                    name: "t", source: "db", origin: "", statement: nil, schemaFingerprint: "", columns: [column],
                    droppedColumns: [],
                    shards: pieces.enumerated().map {
                        Shard(index: $0.offset, piece: $0.element, estimatedRows: 1, estimatedBytes: 1)
                    }, estimatedRows: 3, estimatedBytes: 3)
            ], warnings: [])
    }()

    private static let changes: [@Sendable (inout RunPlan) -> Void] = [
        { $0.tables[0].estimatedRows = .max }, { $0.tables[0].estimatedBytes = .max },
        { $0.tables[0].estimatedRows = -1 }, { $0.tables[0].estimatedBytes = .min },
        { $0.tables[0].shards[0].estimatedBytes = .max }, { $0.tables[0].shards[1].estimatedBytes = -1 },
        { $0.tables[0].shards[2].estimatedRows = .min },
        { $0.tables[0].shards[0].estimatedRows = Limits.countPerPart + 1 },
        { $0.tables[0].shards[1].index = 7 }, { $0.tables[0].shards[1].index = .min },
        { $0.tables[0].shards[2].piece = .bytes(path: "a", start: 5, end: 4, firstRecord: 0) },
        { $0.tables[0].shards[2].piece = .bytes(path: "a", start: -1, end: 4, firstRecord: 0) },
        { $0.tables[0].shards[2].piece = .bytes(path: "a", start: 0, end: .max, firstRecord: 0) },
        { $0.tables[0].shards[2].piece = .bytes(path: "a", start: 0, end: 4, firstRecord: .min) },
        { $0.tables[0].shards[2].piece = .bytes(path: "a\0", start: 0, end: 4, firstRecord: 0) },
        { $0.tables[0].shards[2].piece = .bytes(path: long(5000), start: 0, end: 4, firstRecord: 0) },
        { $0.tables[0].shards[1].piece = .blocks(schema: "s", relation: "r", first: 5, limit: 4) },
        { $0.tables[0].shards[1].piece = .blocks(schema: long(5000), relation: "r", first: 0, limit: 4) },
        { $0.tables.append($0.tables[0]) },
        {
            var table = $0.tables[0]
            table.name = "T"
            $0.tables.append(table)
        },
        { $0.tables[0].name = "" }, { $0.tables[0].name = long(129) }, { $0.tables[0].name = "a\0b" },
        { $0.tables[0].columns[0].name = long(5000) }, { $0.tables[0].columns[0].sourceColumn = "\0" },
        { $0.tables[0].columns[0].type = .decimal(precision: .max, scale: 0) },
        { $0.tables[0].columns[0].type = .decimal(precision: 10, scale: -1) },
        { $0.tables[0].columns[0].type = .list(.decimal(precision: 10, scale: 11)) },
        { $0.tables[0].columns[0].type = .structure([]) },
        { $0.sources[0] = .postgres(identity { $0.port = .max }) },
        { $0.sources[0] = .postgres(identity { $0.port = -1 }) },
        { $0.sources[0] = .postgres(identity { $0.snapshots = [long(5000)] }) },
        { $0.sources[0] = .postgres(identity { $0.host = "h\0" }) },
        {
            $0.sources[1] = .files(
                FilesIdentity(name: "f", files: [.init(path: "a", byteCount: -1, sha256: "")], dialect: ""))
        },
        { $0.sources = Array(repeating: $0.sources[1], count: Limits.sourcesPerPlan + 1) },
        { $0.keys[0].checkValue = long(5000) },
    ]

    private static func long(_ count: Int) -> String { String(repeating: "x", count: count) }
    private static func identity(_ change: (inout PostgresIdentity) -> Void) -> PostgresIdentity {
        guard case .postgres(var identity) = plan.sources[0] else { preconditionFailure("the first is a database") }
        change(&identity)
        return identity
    }

    @Test("a plan whose numbers or texts are out of bounds has a fault, and one within them has none")
    func plans() {
        #expect(Self.plan.fault == nil)
        for (number, change) in Self.changes.enumerated() {
            var plan = Self.plan
            change(&plan)
            #expect(plan.fault != nil, "change \(number)")
        }
    }

    @Test("the largest plan without a fault has sums that fit 64 bits")
    func sums() {
        #expect(!Limits.countPerPart.multipliedReportingOverflow(by: Int64(Limits.shardsPerPlan)).overflow)
        #expect(!Limits.countPerTable.multipliedReportingOverflow(by: Int64(Limits.tablesPerPlan)).overflow)
        var plan = Self.plan
        for index in plan.tables[0].shards.indices { plan.tables[0].shards[index].estimatedBytes = Limits.countPerPart }
        plan.tables[0].estimatedRows = Limits.countPerTable
        #expect(plan.fault == nil)
    }

    @Test("what a source estimates is bounded when the plan is made")
    func estimates() {
        let shard = Shard(index: 0, piece: .query, estimatedRows: .max, estimatedBytes: -5)
        #expect(shard.estimatedRows == Limits.countPerPart && shard.estimatedBytes == 0)
    }

    @Test("JSON that nests deeper than an honest plan is no plan, whoever reads it")
    func nesting() throws {
        let write = { (plan: RunPlan) -> [UInt8] in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(plan)).map { [UInt8]($0) } ?? []
        }
        var reads = 0
        let read = { (bytes: [UInt8]) -> RunPlan? in
            reads += 1
            return try? JSONDecoder().decode(RunPlan.self, from: Data(bytes))
        }
        func isRead(_ plan: RunPlan) -> Bool {
            PlanText.plan(of: PlanText.bytes(of: plan, general: write), general: read, writing: write) == plan
        }
        #expect(isRead(Self.plan))
        for (depth, isPlan) in [(20, true), (50, true), (64, false), (200, false), (100_000, false)] {
            let open = String(repeating: #"{"list":{"_0":"#, count: depth)
            let text = String(decoding: write(Self.plan), as: UTF8.self).replacing(
                #"{"decimal":{"precision":10,"scale":2}}"#,
                with: open + #"{"text":{}}"# + String(repeating: "}}", count: depth))
            reads = 0
            let plan = PlanText.plan(of: Array(text.utf8), general: read, writing: write)
            #expect((plan != nil) == isPlan && (reads > 0) == isPlan, "\(depth) deep")
        }
    }

    @Test("a receipt counts steps of the plan, each count within bounds, under a digest that is one")
    func receipts() {
        let digest = SHA256.hexadecimal("part")
        let good = PartReceipt(
            table: "t", shard: 0, epoch: 1, stagedPath: "p", byteCount: 1, sha256: digest,
            rows: RowAccount(read: 1, published: 1), rules: [RuleCount(column: "c", step: 0, rowsIn: 1)])
        #expect(good.isSound && good.fits(Self.plan.tables[0]))
        for change: (inout PartReceipt) -> Void in [
            { $0.sha256 = "" }, { $0.sha256 = digest.uppercased() }, { $0.sha256 = digest + "\n" },
            { $0.sha256 = String(digest.dropLast()) + "\n" }, { $0.byteCount = -1 }, { $0.byteCount = .max },
            { $0.rows = RowAccount(read: .max, published: .max) }, { $0.rules[0].rowsIn = .min },
            { $0.rules[0].nulls = Limits.countPerPart + 1 },
        ] {
            var receipt = good
            change(&receipt)
            #expect(!receipt.isSound)
        }
        for change: (inout PartReceipt) -> Void in [
            { $0.rules[0].column = "d" }, { $0.rules[0].step = 1 }, { $0.rules[0].step = .min },
            { $0.rules.append($0.rules[0]) },
        ] {
            var receipt = good
            change(&receipt)
            #expect(!receipt.fits(Self.plan.tables[0]))
        }
        let sum = RowAccount(read: .max, published: .max) + RowAccount(read: 1, published: .max)
        #expect(sum.read == .max && sum.published == .max)
    }

    @Test("a node's failure is bounded, prints on a terminal, and is never a commit without an answer")
    func failures() {
        let problems = (0..<5000).map { _ in
            Problem(file: Self.long(5000), position: nil, found: Self.long(5000), expected: "\u{1b}[2J", remedy: nil)
        }
        let failure = TaskFailure(
            kind: .target, disposition: .failRun, message: "\u{1b}[2J" + Self.long(50_000), code: Self.long(50_000),
            problems: problems
        ).ofNode
        #expect(failure.message.utf8.count < 3 * Limits.charactersPerFailure && !failure.message.contains("\u{1b}"))
        #expect(failure.code?.utf8.count ?? 0 < 200)
        #expect(failure.problems.reduce(0) { $0 + $1.description.utf8.count } < Limits.bytesPerMessage)
        #expect(failure.problems.allSatisfy { !$0.description.contains("\u{1b}") })
        let unknown = TaskFailure(
            kind: .target, disposition: .failRun, message: "", code: TaskFailure.unknownCommit
        ).ofNode
        #expect(!unknown.isUnknownCommit)
    }
}
