import Cluster
import Model
import Testing

@testable import Scheduling

@Suite("rows that rules drop") struct DroppingTests {
    /// Two shards of a table with two rules: `a` has the limit, `b` shares the standard one.
    private static func plan(atMost: RowLimit?, malformed: RowLimit? = nil) -> RunPlan {
        var plan = Fixture.plan(sizes: [2, 1], isDatabase: false)
        plan.tables[0].atMost = malformed
        plan.tables[0].columns = ["a", "b"].map { name in
            var step = StepPlan(verb: "cast", summary: "cast", effect: .clean, mapping: .lossy, method: "cast")
            step.atMost = name == "a" ? atMost : nil
            return ColumnPlan(
                name: name, type: .text, isProtected: false, sourceColumn: name, sourceType: "text", mapping: nil,
                steps: [step])
        }
        return plan
    }

    /// Runs the plan with 100 rows a shard, those dropped in the second one.
    private static func run(_ plan: RunPlan, a: Int64 = 0, b: Int64 = 0, malformed: Int64 = 0) throws -> Fixture {
        var fixture = Fixture()
        fixture.open()
        let keeper = fixture.join("keeper-1")
        fixture.plan(try fixture.granted(keeper), plan, keeper)
        let worker = fixture.join("worker-1")
        for shard in 0..<2 {
            let grant = try fixture.granted(worker)
            let dropped = shard == 0 ? [0, 0, 0] : [a, b, malformed]
            let sum = dropped.reduce(0, +)
            var receipt = Fixture.receipt(grant, rows: 100, published: 100 - sum)
            receipt.rows.dropped = sum
            receipt.rules = [
                RuleCount(column: "a", step: 0, rowsIn: 100, dropped: dropped[0]),
                RuleCount(column: "b", step: 0, rowsIn: 100, dropped: dropped[1]),
            ]
            fixture.send(worker, .complete(run: grant.run, token: grant.token, result: .part(receipt)))
        }
        return fixture
    }

    @Test("one in a hundred rows of a table may be dropped, by all rules together; one more stops the run")
    func standard() throws {
        let plan = Self.plan(atMost: nil)
        for (a, b, malformed) in [(0, 0, 0), (2, 0, 0), (1, 1, 0), (0, 1, 1)] as [(Int64, Int64, Int64)] {
            #expect(
                try Self.run(plan, a: a, b: b, malformed: malformed).phase() == .publishing, "\(a) \(b) \(malformed)")
        }
        for (a, b, malformed) in [(3, 0, 0), (1, 1, 1), (0, 0, 3), (100, 0, 0)] as [(Int64, Int64, Int64)] {
            let fixture = try Self.run(plan, a: a, b: b, malformed: malformed)
            #expect(fixture.ended()?.phase == .failed, "\(a) \(b) \(malformed)")
            #expect(fixture.ended()?.failure?.code == "tooManyDropped")
            #expect(fixture.ended()?.failure?.kind == .data)
        }
        let message = try Self.run(plan, a: 1, b: 1, malformed: 1).ended()?.failure?.message
        #expect(
            message
                == "table t: 3 of 200 rows would be dropped: on_malformed of source source dropped 1, column a, step 1 (cast) dropped 1, column b, step 1 (cast) dropped 1, more than 1%; correct the source, or allow more with `at_most:` beside the rule's `drop` or `drop_row`"
        )
    }

    @Test("a rule with a limit of its own is held to that alone, and uses up nothing of the others'")
    func own() throws {
        for (limit, most) in [(RowLimit.count(5), 5), (.share(50_000), 10), (.share(1_000_000), 98)]
            as [(RowLimit, Int64)]
        {
            let plan = Self.plan(atMost: limit)
            #expect(try Self.run(plan, a: most, b: 2).phase() == .publishing)
            if limit != .share(1_000_000) {
                let failure = try Self.run(plan, a: most + 1).ended()?.failure
                #expect(
                    failure?.message.contains("column a, step 1 (cast) dropped \(most + 1), its at_most is \(limit)")
                        == true)
            }
        }
        let none = Self.plan(atMost: .count(0), malformed: .count(4))
        #expect(try Self.run(none, malformed: 4).phase() == .publishing)
        #expect(try Self.run(none, malformed: 5).ended()?.phase == .failed)
        #expect(try Self.run(none, a: 1).ended()?.phase == .failed)
    }

    @Test("a receipt whose rules dropped more rows than the part did fails the run")
    func unsound() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1], isDatabase: false)
        let worker = fixture.join("worker-1")
        let grant = try fixture.granted(worker)
        var receipt = Fixture.receipt(grant)
        receipt.rules = [RuleCount(column: "a", step: 0, rowsIn: 10, dropped: 1)]
        fixture.send(worker, .complete(run: grant.run, token: grant.token, result: .part(receipt)))
        #expect(fixture.ended()?.phase == .failed)
    }
}

@Suite("receipts that are too long for one message") struct LongReceiptTests {
    private static let names = (0..<1600).map { "column_\($0)" }

    private static func plan() -> RunPlan {
        var plan = Fixture.plan(sizes: [1], isDatabase: false)
        plan.tables[0].columns = names.map { name in
            ColumnPlan(
                name: name, type: .text, isProtected: false, sourceColumn: name, sourceType: "text", mapping: nil,
                steps: [StepPlan(verb: "keep", summary: "keep", effect: .pass, mapping: .injective, method: "keep")])
        }
        return plan
    }

    private static func started() throws -> (fixture: Fixture, worker: String, grant: Grant, receipt: PartReceipt) {
        var fixture = Fixture()
        fixture.open()
        let keeper = fixture.join("keeper-1")
        fixture.plan(try fixture.granted(keeper), plan(), keeper)
        let worker = fixture.join("worker-1")
        let grant = try fixture.granted(worker)
        var receipt = Fixture.receipt(grant)
        receipt.rules = names.map { RuleCount(column: $0, step: 0, rowsIn: 10, changed: 1 << 40, nulls: 7) }
        return (fixture, worker, grant, receipt)
    }

    private static func upload(
        _ bytes: [UInt8], _ grant: Grant, _ worker: String, _ fixture: inout Fixture, piece: Int = 32 << 10
    ) -> [Reply?] {
        stride(from: 0, to: bytes.count, by: piece).map { offset in
            let slice = bytes[offset..<min(offset + piece, bytes.count)]
            return fixture.send(
                worker,
                .upload(
                    run: grant.run, token: grant.token, offset: offset, total: bytes.count,
                    bytes: Base64.encode(slice))
            ).reply
        }
    }

    @Test("one that comes in pieces is the same receipt, also when pieces and the end come twice")
    func pieces() throws {
        var (fixture, worker, grant, receipt) = try Self.started()
        let bytes = LongReceipt.bytes(of: receipt)
        #expect(bytes.count > Limits.bytesPerMessage)
        for _ in 0..<2 {
            #expect(Self.upload(bytes, grant, worker, &fixture).allSatisfy { $0 == .accepted })
        }
        let done = Request.complete(
            run: grant.run, token: grant.token,
            result: .uploaded(table: "t", shard: 0, sha256: SHA256.hexadecimal(bytes)))
        let step = fixture.send(worker, done)
        #expect(step.reply == .accepted && step.publishes)
        #expect(fixture.send(worker, done).reply == .accepted)
        #expect(fixture.state.runs["run-1"]?.manifest == [receipt])
        receipt.byteCount += 1
        let other = Request.complete(
            run: grant.run, token: grant.token,
            result: .uploaded(table: "t", shard: 0, sha256: LongReceipt.digest(of: receipt)))
        #expect(fixture.send(worker, other).reply == .fenced)
    }

    @Test("what is no such receipt, too long, out of order or another's is refused, and nothing of it is kept")
    func refused() throws {
        var (fixture, worker, grant, receipt) = try Self.started()
        let bytes = LongReceipt.bytes(of: receipt)
        func complete(_ sha256: String, _ fixture: inout Fixture) -> Reply? {
            fixture.send(
                worker,
                .complete(
                    run: grant.run, token: grant.token, result: .uploaded(table: "t", shard: 0, sha256: sha256))
            ).reply
        }
        func piece(_ offset: Int, _ total: Int, _ text: String, token: Int64? = nil, _ fixture: inout Fixture) -> Reply?
        {
            fixture.send(
                worker,
                .upload(run: grant.run, token: token ?? grant.token, offset: offset, total: total, bytes: text)
            ).reply
        }
        let misfit = Reply.refused(reason: "a slice that does not fit")
        #expect(complete(SHA256.hexadecimal(""), &fixture) == .refused(reason: "an unreadable receipt"))
        #expect(piece(1, 10, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(-1, 10, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(.min, .max, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(0, .min, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(0, 0, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(0, 10, "no base64!", &fixture) == misfit)
        #expect(piece(0, Limits.bytesPerReceipt + 1, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(0, Self.plan().tables[0].longestReceipt + 1, Base64.encode([1]), &fixture) == misfit)
        #expect(piece(0, 10, Base64.encode([1]), token: grant.token + 1, &fixture) == .fenced)
        // Of another shard, and of bytes that are none.
        receipt.shard = 1
        for wrong in [LongReceipt.bytes(of: receipt), Array(bytes.dropLast()), [UInt8](repeating: 0x5b, count: 60_000)]
        {
            #expect(Self.upload(wrong, grant, worker, &fixture).allSatisfy { $0 == .accepted })
            #expect(complete(SHA256.hexadecimal(wrong), &fixture) == .refused(reason: "an unreadable receipt"))
        }
        #expect(Self.upload(bytes, grant, worker, &fixture).allSatisfy { $0 == .accepted })
        #expect(complete(SHA256.hexadecimal("other"), &fixture) == .refused(reason: "an unreadable receipt"))
        #expect(complete(SHA256.hexadecimal(bytes), &fixture) == .accepted)
    }

    @Test("the longest receipt of a table is no longer than it is said to be")
    func longest() throws {
        var receipt = try Self.started().receipt
        var table = Self.plan().tables[0]
        let name = String(repeating: "\u{1}\"", count: 30)
        for index in table.columns.indices { table.columns[index].name = name }
        let most = Limits.countPerPart
        receipt.rules = table.columns.map { _ in
            RuleCount(column: name, step: 0, rowsIn: most, changed: most, nulls: most, nulled: most, dropped: most)
        }
        #expect(LongReceipt.bytes(of: receipt).count <= table.longestReceipt)
        #expect(LongReceipt.receipt(of: LongReceipt.bytes(of: receipt)) == receipt)
    }
}
