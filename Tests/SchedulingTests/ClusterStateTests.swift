import Cluster
import Model
import Testing

@testable import Scheduling

/// Shards, leases and receipts of one run.
@Suite("What a coordinator decides")
struct ClusterStateTests {
    @Test("a call without the cluster's credential changes nothing and is told so")
    func stranger() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        let grant = try fixture.granted(worker)
        for credential in [
            "", "x", NodeCredential(secret: [1]).text(for: worker), Fixture.credential.text(for: "worker-2"),
        ] {
            let step = fixture.tell(
                .call(
                    Call(
                        node: worker, credential: credential,
                        request: .complete(run: "run-1", token: grant.token, result: .part(Fixture.receipt(grant))))))
            #expect(step.reply == .unknownNode && step.records.isEmpty)
        }
        #expect(fixture.state.runs["run-1"]?.manifest.isEmpty == true)
    }

    @Test("planning goes to the keeper alone; shards go to workers alone, the largest first")
    func roles() {
        var fixture = Fixture()
        let worker = fixture.join("worker-1")
        #expect(fixture.poll(worker) == nil)
        let keeper = fixture.planned(sizes: [5, 50, 20])
        #expect(fixture.poll(keeper) == nil)
        #expect(fixture.poll(worker)?.task == .shard(table: "t", index: 1))
        #expect(fixture.poll(worker)?.task == .shard(table: "t", index: 2))
    }

    @Test("a node gets no more tasks than it has slots")
    func slots() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1])
        let worker = fixture.join("worker-1", slots: 1)
        let grant = try fixture.granted(worker)
        #expect(fixture.poll(worker) == nil)
        fixture.complete(worker, grant)
        #expect(fixture.poll(worker) != nil)
    }

    @Test("a silent worker's shard is granted again, one epoch and a token higher, and its late receipt is fenced")
    func regrantAfterSilence() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        let (a, b) = (fixture.join("worker-a"), fixture.join("worker-b"))
        let first = try fixture.granted(a)
        _ = fixture.pass(14, alive: [(b, [], []), (keeper, [], ["run-1"])])
        let second = try fixture.granted(b)
        #expect(second.epoch == 2 && second.token > first.token)
        #expect(fixture.complete(a, first).reply == .fenced)
        let accepted = fixture.complete(b, second)
        #expect(accepted.reply == .accepted && accepted.publishes)
        #expect(fixture.state.runs["run-1"]?.manifest.map(\.epoch) == [2])
    }

    @Test("the same receipt twice is accepted twice and counted once")
    func repeatedReceipt() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1])
        let worker = fixture.join("worker-1")
        let grant = try fixture.granted(worker)
        #expect(fixture.complete(worker, grant).records.count == 1)
        let again = fixture.complete(worker, grant)
        #expect(again.reply == .accepted && again.records.isEmpty)
        #expect(fixture.state.runs["run-1"]?.manifest.count == 1)
    }

    @Test("a token is its node's alone, and a receipt is its attempt's")
    func foreignTokens() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let (a, b) = (fixture.join("worker-a"), fixture.join("worker-b"))
        let grant = try fixture.granted(a)
        #expect(fixture.complete(b, grant).reply == .fenced)
        #expect(fixture.fail(b, grant, .failRun).reply == .fenced)
        #expect(fixture.send(b, .release(run: grant.run, token: grant.token)).reply == .fenced)
        var receipt = Fixture.receipt(grant)
        receipt.epoch += 1
        let step = fixture.send(a, .complete(run: grant.run, token: grant.token, result: .part(receipt)))
        #expect(step.records.isEmpty && step.reply != .accepted)
        #expect(fixture.complete(a, grant).reply == .accepted)
    }

    @Test("a receipt whose rows do not add up fails the run")
    func unbalanced() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        let step = fixture.complete(worker, try fixture.granted(worker), rows: 10, published: 9)
        #expect(step.aborts && !step.publishes && fixture.ended()?.phase == .failed)
    }

    @Test("counts that no part can have fail the run before they are summed", arguments: [-1, Int64.max])
    func impossible(count: Int64) throws {
        for change: (inout PartReceipt) -> Void in [
            { $0.byteCount = count }, { $0.rows = RowAccount(read: count, published: count) },
            { $0.rules = [RuleCount(column: "name", step: 0, rowsIn: 0, nulls: count)] },
        ] {
            var fixture = Fixture()
            fixture.planned(sizes: [1, 1])
            let worker = fixture.join("worker-1")
            #expect(fixture.complete(worker, try fixture.granted(worker)).reply == .accepted)
            let grant = try fixture.granted(worker)
            fixture.send(
                worker, .heartbeat(tasks: [TaskProgress(token: grant.token, rows: count, bytes: count)], holding: []))
            #expect((fixture.state.status(of: "run-1", now: fixture.now).runs.first?.rows ?? -1) >= 0)
            var receipt = Fixture.receipt(grant)
            change(&receipt)
            let step = fixture.send(
                worker, .complete(run: grant.run, token: grant.token, result: .part(receipt)))
            #expect(step.aborts && !step.publishes && fixture.ended()?.phase == .failed)
        }
    }

    @Test("the run is published once, when the last shard is accepted")
    func publishesOnce() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 2])
        let worker = fixture.join("worker-1")
        #expect(!fixture.complete(worker, try fixture.granted(worker)).publishes)
        let step = fixture.complete(worker, try fixture.granted(worker))
        #expect(step.publishes && step.records.last?.record == .sealed && fixture.phase() == .publishing)
        fixture.tell(.published(run: "run-1", version: 3))
        #expect(fixture.ended()?.version == 3 && fixture.ended()?.phase == .published)
    }

    @Test("a failure that may pass is tried again after a pause, a lasting one ends the run")
    func failures() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        fixture.fail(worker, try fixture.granted(worker), .retry)
        #expect(fixture.poll(worker) == nil)
        fixture.seconds = 5
        let second = try fixture.granted(worker)
        #expect(second.epoch == 2)
        #expect(fixture.fail(worker, second, .failRun).aborts)
        #expect(fixture.phase() == nil && fixture.ended()?.phase == .failed)
        #expect(fixture.complete(worker, second).reply == .fenced)
    }

    @Test("what fails on one node is tried on another, and there only if there is one")
    func elsewhere() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let a = fixture.join("worker-a")
        let b = fixture.join("worker-b")
        fixture.fail(a, try fixture.granted(a), .retryElsewhere)
        fixture.seconds = 5
        #expect(fixture.poll(a) == nil)
        #expect(fixture.poll(b)?.epoch == 2)
        var alone = Fixture()
        alone.planned(sizes: [1])
        _ = alone.join("worker-a")
        alone.fail("worker-a", try alone.granted("worker-a"), .retryElsewhere)
        alone.seconds = 5
        #expect(alone.poll("worker-a")?.epoch == 2)
    }

    @Test("a shard on which three workers died is not tried on a fourth")
    func poison() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        for process in Int32(1)...3 {
            let worker = fixture.join("worker-\(process)", process: process)
            _ = try fixture.granted(worker)
            fixture.tell(.processEnded(processID: process))
        }
        #expect(fixture.ended()?.failure?.message.contains("three workers died") == true)
    }

    @Test("what is released, or was never heard of, counts for nothing, however often")
    func noCrash() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        for _ in 0..<5 {
            let grant = try fixture.granted(worker)
            #expect(fixture.send(worker, .release(run: grant.run, token: grant.token)).reply == .accepted)
        }
        for _ in 0..<5 {
            // The answer was lost: the worker lives and does not name the lease.
            let grant = try fixture.granted(worker)
            let steps = fixture.pass(14, alive: [(worker, [], []), (keeper, [], ["run-1"])])
            #expect(steps.flatMap(\.notes).contains(.leaseExpired(run: "run-1", grant.task)))
        }
        for _ in 0..<5 {
            _ = try fixture.granted(worker)
            fixture.send(worker, .leave)
            _ = fixture.join(worker)
        }
        #expect(fixture.poll(worker)?.epoch == 16)
    }

    @Test("a straggler is tried a second time elsewhere; the first receipt counts and fences the other")
    func straggler() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1, 1, 1, 1])
        let (a, b) = (fixture.join("worker-a"), fixture.join("worker-b"))
        let slow = try fixture.granted(a)
        for _ in 0..<3 { fixture.complete(b, try fixture.granted(b)) }
        #expect(fixture.poll(b) == nil)
        _ = fixture.pass(11, alive: [(a, [slow], []), (b, [], []), (keeper, [], ["run-1"])])
        #expect(fixture.poll(a) == nil)
        let copy = try fixture.granted(b)
        #expect(copy.task == slow.task && copy.epoch == slow.epoch + 1)
        #expect(fixture.complete(b, copy).publishes)
        #expect(fixture.complete(a, slow).reply == .fenced)
        #expect(fixture.heartbeat(a, [slow]).reply == .alive(revoked: [slow.token], letGo: [], isDraining: false))
    }

    @Test("documents are fetched in slices that fit a message")
    func slices() throws {
        var fixture = Fixture()
        let document = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        fixture.tell(.opened(Fixture.start("run-1"), document: document))
        let worker = fixture.join("worker-1")
        #expect(try fetched(.document, by: worker, &fixture) == document)
    }

    @Test("a plan is fetched without its shards; each comes with its grant, whoever leads")
    func shardsComeWithGrants() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [3, 1, 2])
        let plan = try #require(fixture.state.runs["run-1"]?.plan)
        #expect(plan.tables.flatMap(\.shards).count == 3)
        let worker = fixture.join("worker-1")
        var given: [Shard] = []
        for _ in 0..<3 { given.append(try #require(try fixture.granted(worker).shard)) }
        #expect(given == [0, 2, 1].map { plan.tables[0].shards[$0] })
        let outline = try #require(PlanCodec().decode(try fetched(.plan, by: worker, &fixture)))
        #expect(outline == plan.outline && outline.tables.count == 1 && outline.tables[0].shards.isEmpty)
    }

    @Test(
        "a plan whose shards are not numbered from zero, or whose tables share a name, ends its run and is not written"
    )
    func numbers() throws {
        for change: (inout RunPlan) -> Void in [
            { $0.tables[0].shards[1].index = 2 }, { $0.tables[0].shards[0].index = 1 },
            { $0.tables.append($0.tables[0]) },
        ] {
            var fixture = Fixture()
            fixture.open()
            let keeper = fixture.join("keeper-1")
            let grant = try fixture.granted(keeper)
            var plan = Fixture.plan(sizes: [1, 1], isDatabase: false)
            change(&plan)
            let bytes = PlanCodec().encode(plan)
            fixture.send(
                keeper,
                .upload(run: grant.run, token: grant.token, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
            let step = fixture.send(keeper, .complete(run: grant.run, token: grant.token, result: .plan))
            guard case .refused = step.reply else {
                Issue.record("\(String(describing: step.reply))")
                continue
            }
            #expect(step.aborts && step.records.count == 1 && fixture.ended()?.phase == .failed)
        }
    }

    @Test("what rules did is summed up in the first receipt of each table")
    func sums() throws {
        var fixture = Fixture()
        fixture.open()
        let keeper = fixture.join("keeper-1")
        var plan = Fixture.plan(sizes: [1, 1, 1], isDatabase: false)
        plan.tables[0].columns = ["a", "b"].map { Fixture.column($0) }
        fixture.plan(try fixture.granted(keeper), plan, keeper)
        let worker = fixture.join("worker-1")
        for (index, rules) in [
            [RuleCount(column: "a", step: 0, rowsIn: 10, changed: 1), RuleCount(column: "b", step: 0, nulls: 2)],
            [
                RuleCount(column: "b", step: 0, nulls: 3, nulled: 1),
                RuleCount(column: "a", step: 0, rowsIn: 5, changed: 2),
            ], [],
        ].enumerated() {
            let grant = try fixture.granted(worker)
            var receipt = Fixture.receipt(grant)
            #expect(receipt.shard == index)
            receipt.rules = rules
            #expect(
                fixture.send(worker, .complete(run: grant.run, token: grant.token, result: .part(receipt))).reply
                    == .accepted)
        }
        let manifest = try #require(fixture.state.runs["run-1"]?.manifest)
        #expect(manifest.map(\.shard) == [0, 1, 2])
        #expect(
            manifest[0].rules == [
                RuleCount(column: "a", step: 0, rowsIn: 15, changed: 3),
                RuleCount(column: "b", step: 0, nulls: 5, nulled: 1),
            ])
        #expect(manifest[1].rules.isEmpty && manifest[2].rules.isEmpty)
    }

    private func fetched(_ text: SharedText, by worker: String, _ fixture: inout Fixture) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var total = 1
        while bytes.count < total {
            let step = fixture.send(worker, .fetch(run: "run-1", text: text, offset: bytes.count))
            guard case .slice(let piece, let whole)? = step.reply, let decoded = Base64.decode(piece) else { break }
            #expect(try WireFormat.frame(step.reply!, id: .random()).count <= Limits.bytesPerMessage)
            bytes += decoded
            total = whole
        }
        return bytes
    }
}
