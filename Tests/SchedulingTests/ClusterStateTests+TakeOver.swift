import Cluster
import Model
import Testing

@testable import Scheduling

/// Another coordinator goes on from the ledger.
extension ClusterStateTests {
    private func recovered(
        _ run: String = "run-1", state: RunState = .running, isPlanned: Bool = true, planning: Lease? = nil,
        leases: [Lease] = [], receipt: PartReceipt? = nil, holders: [String: [SnapshotHold]] = ["keeper-1": []]
    ) -> RecoveredRun {
        let plan = Fixture.plan(sizes: [1, 1], isDatabase: true)
        let shards = (0..<2).map { index in
            let isDone = index == 0 && receipt != nil
            return ShardState(
                table: "t", shard: index, phase: isDone ? .done : .ready, highestEpoch: 3,
                leases: index == 1 ? leases : [],
                worker: nil, failures: 0, receipt: isDone ? receipt : nil)
        }
        return RecoveredRun(
            start: Fixture.start(run, submission: "of \(run)"), document: [7], state: state, planning: planning,
            plan: isPlanned ? plan : nil, shards: isPlanned ? shards : [], holders: holders, sealedAt: nil,
            commitRecord: nil,
            version: nil, failure: nil, changedAt: "")
    }

    private static let receipt = PartReceipt(
        table: "t", shard: 0, epoch: 3, stagedPath: "x", byteCount: 1, sha256: SHA256.hexadecimal("part"),
        rows: RowAccount(read: 1, published: 1),
        rules: [])

    @Test("a node that another coordinator admitted is known by its credential, and its lease lives for one full term")
    func adoption() throws {
        let lease = Lease(epoch: 3, token: 5, worker: "worker-1")
        var fixture = Fixture(epoch: 2, recovered: [recovered(leases: [lease], receipt: Self.receipt)])
        let keeper = "keeper-1"
        _ = fixture.pass(11, alive: [(keeper, [], ["run-1"])])
        #expect(fixture.heartbeat("worker-2").reply == .alive(revoked: [], letGo: [], isDraining: false))
        #expect(fixture.poll("worker-2") == nil)
        var receipt = Self.receipt
        receipt.shard = 1
        let step = fixture.send("worker-1", .complete(run: "run-1", token: 5, result: .part(receipt)))
        #expect(step.reply == .accepted && step.publishes)
    }

    @Test("a lease whose node is gone runs out after that term, and its token and epoch are passed")
    func orphans() throws {
        let lease = Lease(epoch: 3, token: 5, worker: "worker-1")
        var fixture = Fixture(epoch: 2, recovered: [recovered(leases: [lease], receipt: Self.receipt)])
        _ = fixture.pass(14, alive: [("keeper-1", [], ["run-1"]), ("worker-2", [], [])])
        let grant = try fixture.granted("worker-2")
        #expect(grant.epoch == 4 && grant.token > 2 << 40 && grant.task == .shard(table: "t", index: 1))
        var late = Self.receipt
        late.shard = 1
        #expect(fixture.send("worker-1", .complete(run: "run-1", token: 5, result: .part(late))).reply == .fenced)
    }

    @Test(
        "a second take-over gives a lease that nobody has heard of since the first what is left of its term, or nothing"
    )
    func inheritedAgain() throws {
        let lease = Lease(epoch: 3, token: 5, worker: "worker-1", silence: .seconds(8))
        var fixture = Fixture(epoch: 3, recovered: [recovered(leases: [lease], receipt: Self.receipt)])
        let alive: [(node: String, grants: [Grant], holding: [String])] = [
            ("keeper-1", [], ["run-1"]), ("worker-2", [], []),
        ]
        _ = fixture.pass(4, alive: alive)
        #expect(fixture.poll("worker-2") == nil)
        let given = fixture.pass(1, alive: alive)[0]
        // It is no crash, and not the node's end.
        #expect(given.records == [.init(run: "run-1", record: .released(table: "t", shard: 1, epoch: 3))])
        #expect(fixture.state.nodeCount(.worker) == 2 && fixture.state.runs["run-1"]!.shards[1].crashes == 0)
        #expect(try fixture.granted("worker-2").epoch == 4)
        // Its node speaks after all.
        #expect(fixture.heartbeat("worker-1", tokens: [5]).reply == .alive(revoked: [5], letGo: [], isDraining: false))
        let old = Lease(epoch: 3, token: 5, worker: "worker-1", silence: .seconds(60))
        var late = Fixture(epoch: 4, recovered: [recovered(leases: [old], receipt: Self.receipt)])
        #expect(late.tell(.tick).records.count == 1)
        #expect(try late.granted("worker-2").epoch == 4)
    }

    @Test("the first word of an inherited lease is written before it is answered, and no other")
    func kept() throws {
        let lease = Lease(epoch: 3, token: 5, worker: "worker-1", silence: .seconds(8))
        var fixture = Fixture(epoch: 3, recovered: [recovered(leases: [lease], receipt: Self.receipt)])
        #expect(fixture.heartbeat("worker-1", tokens: []).records.isEmpty)
        let step = fixture.heartbeat("worker-1", tokens: [5])
        #expect(step.records == [.init(run: "run-1", record: .kept(table: "t", shard: 1, epoch: 3))])
        #expect(fixture.heartbeat("worker-1", tokens: [5]).records.isEmpty)
        // From here on it is a lease like others.
        _ = fixture.pass(11, alive: [("keeper-1", [], ["run-1"]), ("worker-2", [], [])])
        #expect(fixture.poll("worker-2") == nil)
        fixture.planned(sizes: [1], run: "run-2", module: "other", isDatabase: false)
        let grant = try fixture.granted("worker-2")
        #expect(fixture.heartbeat("worker-2", [grant]).records.isEmpty)
    }

    @Test("planning is inherited once, as a shard is")
    func keptPlanning() throws {
        let lease = Lease(epoch: 1, token: 5, worker: "keeper-1", silence: .seconds(8))
        let run = recovered(state: .planning, isPlanned: false, planning: lease, holders: [:])
        var fixture = Fixture(epoch: 3, recovered: [run])
        var other = fixture
        _ = fixture.pass(4)
        #expect(fixture.poll("keeper-2") == nil)
        _ = fixture.pass(1)
        #expect(try fixture.granted("keeper-2").epoch == 2)
        let step = other.heartbeat("keeper-1", tokens: [5])
        #expect(step.records == [.init(run: "run-1", record: .keptPlanning(epoch: 1))])
        #expect(other.heartbeat("keeper-1", tokens: [5]).records.isEmpty)
        _ = other.pass(11)
        #expect(other.poll("keeper-2") == nil)
    }

    @Test("a run whose coordinator died before it could begin anew begins anew under the next")
    func restart() {
        let lost = TaskFailure(kind: .snapshotLost, disposition: .failRun, message: "lost")
        let due = recovered(state: .aborted)
        let summary = RunSummary(
            run: "run-1", module: "m", state: .aborted, startedAt: "", changedAt: "", version: nil, shardCount: 2,
            doneCount: 0,
            failure: lost)
        var fixture = Fixture(epoch: 2, restarts: [due], ended: [summary])
        #expect(fixture.state.pendingActions == [.restart(due.start, document: due.document)])
        #expect(fixture.ended()?.restartedAs == "" && fixture.phase() == nil)
        var other = fixture
        var start = Fixture.start("run-2", restarts: true)
        start.restartOf = "run-1"
        fixture.tell(.opened(start, document: due.document))
        #expect(fixture.phase("run-2") == .planning && fixture.ended()?.restartedAs == "run-2")
        // Where it never can, the ledger is told so.
        let step = other.tell(.restartFailed(of: "run-1", lost))
        #expect(step.records == [.init(run: "run-1", record: .notRestarted(lost))] && other.ended()?.restartedAs == nil)
    }

    @Test("tokens of a later epoch are above all of the one before")
    func tokens() throws {
        var highest: Int64 = 0
        for epoch in Int64(1)...3 {
            var fixture = Fixture(epoch: epoch)
            fixture.planned(sizes: [1, 1, 1])
            let worker = fixture.join("worker-1")
            let tokens = try (0..<3).map { _ in try fixture.granted(worker).token }
            #expect(tokens[0] > highest && tokens == tokens.sorted())
            highest = tokens[2]
        }
    }

    @Test("take-overs alone make no shard poison")
    func takeOversCount() throws {
        let lease = Lease(epoch: 3, token: 5, worker: "worker-1")
        for epoch in Int64(2)...6 {
            var fixture = Fixture(epoch: epoch, recovered: [recovered(leases: [lease])])
            _ = fixture.pass(14, alive: [("keeper-1", [], ["run-1"])])
            #expect(fixture.phase() == .extracting)
        }
    }

    @Test("a holder that does not come back after a take-over is lost")
    func lostHolder() {
        var fixture = Fixture(epoch: 2, recovered: [recovered()])
        #expect(fixture.pass(11).allSatisfy { !$0.aborts })
        #expect(fixture.pass(3).contains { $0.aborts })
    }

    @Test("the planning of a keeper that lives is not given to another; an upload that was lost is asked for again")
    func planning() throws {
        let lease = Lease(epoch: 1, token: 5, worker: "keeper-1")
        var fixture = Fixture(
            epoch: 2, recovered: [recovered(state: .planning, isPlanned: false, planning: lease, holders: [:])])
        #expect(fixture.poll("keeper-2") == nil)
        let step = fixture.send("keeper-1", .complete(run: "run-1", token: 5, result: .plan))
        #expect(step.reply == .refused(reason: "an unreadable plan") && fixture.phase() == .planning)
        let bytes = PlanCodec().encode(Fixture.plan(sizes: [1], isDatabase: true))
        fixture.send(
            "keeper-1", .upload(run: "run-1", token: 5, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
        #expect(fixture.send("keeper-1", .complete(run: "run-1", token: 5, result: .plan)).reply == .accepted)
        #expect(fixture.phase() == .extracting)
    }

    @Test("a run that was whole is published on, and what it was submitted as is still its name")
    func whole() {
        let receipts = recovered(state: .sealed, receipt: Self.receipt)
        let fixture = Fixture(epoch: 2, recovered: [receipts])
        #expect(fixture.state.pendingActions == [.publish(run: "run-1")] && fixture.phase() == .publishing)
        var other = fixture
        let step = other.send(
            "people",
            .submit(
                Submission(
                    id: "of run-1", documentPath: "", restartsOnSnapshotLoss: false, offset: 0, total: 1,
                    bytes: Base64.encode([7]))))
        #expect(step.reply == .submitted(run: "run-1"))
    }

    @Test("of two runs of a module the one that has begun goes on, even when the ledger heard of it later")
    func order() {
        let waiting = recovered("run-1", state: .planning, isPlanned: false, holders: [:])
        let fixture = Fixture(epoch: 2, recovered: [waiting, recovered("run-2")])
        #expect(fixture.phase("run-1") == .queued && fixture.phase("run-2") == .extracting)
        let both = Fixture(
            epoch: 2, recovered: [waiting, recovered("run-2", state: .planning, isPlanned: false, holders: [:])])
        #expect(both.phase("run-1") == .planning && both.phase("run-2") == .queued)
    }
}
