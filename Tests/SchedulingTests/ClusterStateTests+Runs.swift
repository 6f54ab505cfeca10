import Cluster
import Model
import Testing

@testable import Scheduling

/// Several runs, holders, people.
extension ClusterStateTests {
    @Test("runs take turns: the one with the fewest shards in hand goes first")
    func turns() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1, 1], run: "run-1", module: "a")
        fixture.planned(sizes: [1, 1, 1], run: "run-2", module: "b", keeper: "keeper-2")
        let worker = fixture.join("worker-1", slots: 6)
        var runs: [String] = []
        for _ in 0..<6 { runs.append(try fixture.granted(worker).run) }
        #expect(runs == ["run-1", "run-2", "run-1", "run-2", "run-1", "run-2"])
    }

    @Test("a second run of a module waits for the first and then begins")
    func queued() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        fixture.open("run-2")
        let keeper = fixture.join("keeper-2")
        #expect(fixture.phase("run-2") == .queued && fixture.poll(keeper)?.task == .hold)
        fixture.send("people", .cancel(run: "run-1"))
        #expect(fixture.phase("run-2") == .planning && fixture.poll("keeper-1")?.run == "run-2")
    }

    @Test("no more shards of one database are read at a time than its budget, copies included; files have none")
    func budget() throws {
        var policy = ClusterState.Policy()
        policy.connectionsPerSource = 2
        var fixture = Fixture(policy: policy)
        fixture.planned(sizes: [1, 1, 1])
        fixture.planned(sizes: [1, 1, 1], run: "run-2", module: "b", isDatabase: false, keeper: "keeper-2")
        let worker = fixture.join("worker-1", slots: 9)
        var grants: [Grant] = []
        while let grant = fixture.poll(worker) { grants.append(grant) }
        #expect(grants.count { $0.run == "run-1" } == 2 && grants.count { $0.run == "run-2" } == 3)
        fixture.complete(worker, grants.first { $0.run == "run-1" }!)
        #expect(fixture.poll(worker)?.run == "run-1")
    }

    // MARK: Holders

    /// Lets a second keeper hold the snapshots of the run.
    private func second(_ fixture: inout Fixture) throws -> String {
        let keeper = fixture.join("keeper-2")
        let grant = try fixture.granted(keeper)
        #expect(grant.task == .hold)
        let holds = [SnapshotHold(source: "source", snapshot: "2")]
        let step = fixture.send(keeper, .complete(run: grant.run, token: grant.token, result: .held(holds)))
        #expect(step.records == [.init(run: "run-1", record: .holding(worker: keeper, snapshots: holds))])
        #expect(fixture.poll(keeper) == nil && fixture.poll("keeper-1") == nil)
        return keeper
    }

    @Test("with one of two holders gone the run goes on and another is asked; with both it fails and begins anew, once")
    func holders() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1], restarts: true)
        let other = try second(&fixture)
        let worker = fixture.join("worker-1")
        let snapshots = try fixture.granted(worker).snapshots
        #expect(snapshots == [SnapshotHold(source: "source", snapshot: "2")])
        fixture.send("keeper-1", .leave)
        #expect(fixture.phase() == .extracting)
        _ = fixture.join("keeper-3")
        let next = try fixture.granted("keeper-3")
        #expect(next.task == .hold)
        let step = fixture.send(other, .leave)
        #expect(step.aborts && step.restarts && fixture.ended()?.failure?.kind == .snapshotLost)
        // The one that takes its place does not begin anew once more.
        var start = Fixture.start("run-2", restarts: true)
        start.restartOf = "run-1"
        fixture.tell(.opened(start, document: []))
        let lost = TaskFailure(kind: .snapshotLost, disposition: .failRun, message: "lost")
        #expect(!fixture.tell(.failed(run: "run-2", lost)).restarts)
    }

    @Test("a run that was not asked to begin anew does not, and one of files has no holder to lose")
    func noRestart() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        #expect(!fixture.send("keeper-1", .leave).restarts && fixture.phase() == nil)
        var files = Fixture()
        files.planned(sizes: [1], isDatabase: false)
        #expect(files.send("keeper-1", .leave).records.isEmpty && files.phase() == .extracting)
    }

    @Test("a holder is lost when it twice in a row does not name the run, and not by one old heartbeat")
    func silentHolder() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        _ = fixture.pass(13, alive: [(keeper, [], ["run-1"])])
        fixture.heartbeat(keeper, holding: [])
        fixture.heartbeat(keeper, holding: ["run-1"])
        fixture.heartbeat(keeper, holding: [])
        #expect(fixture.phase() == .extracting)
        fixture.heartbeat(keeper, holding: [])
        #expect(fixture.ended()?.failure?.kind == .snapshotLost)
    }

    @Test("snapshots are let go when everything is read; nothing is written about them then")
    func letGo() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        let late = fixture.join("keeper-2")
        let hold = try fixture.granted(late)
        let worker = fixture.join("worker-1")
        fixture.complete(worker, try fixture.granted(worker))
        let step = fixture.heartbeat(keeper, holding: ["run-1"])
        #expect(step.reply == .alive(revoked: [], letGo: ["run-1"], isDraining: false))
        // The publisher may have ended the run in the ledger already.
        let held = fixture.send(late, .complete(run: "run-1", token: hold.token, result: .held([])))
        #expect(held.reply == .fenced && held.records.isEmpty)
        #expect(fixture.send(keeper, .leave).records.isEmpty && fixture.phase() == .publishing)
    }

    @Test("a piece of a plan is taken from the one that is planning this run, and from nobody else")
    func uploads() throws {
        var fixture = Fixture()
        fixture.open("run-1", module: "a")
        fixture.open("run-2", module: "b")
        let (a, b) = (fixture.join("keeper-a"), fixture.join("keeper-b"))
        let (first, second) = (try fixture.granted(a), try fixture.granted(b))
        func piece(_ run: String, _ grant: Grant) -> Request {
            .upload(run: run, token: grant.token, offset: 0, total: 4, bytes: Base64.encode([1, 2, 3, 4]))
        }
        #expect(fixture.send(a, piece("run-2", first)).reply == .fenced)
        #expect(fixture.send(a, piece("run-2", second)).reply == .fenced)
        #expect(fixture.send(a, piece("run-1", first)).reply == .accepted)
    }

    // MARK: The end

    @Test("a commit without an answer is no end: nothing is written and nothing removed")
    func unknownCommit() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        fixture.complete(worker, try fixture.granted(worker))
        let unknown = TaskFailure(
            kind: .target, disposition: .failRun, message: "no answer", code: TaskFailure.unknownCommit)
        let step = fixture.tell(.undecided(run: "run-1", unknown))
        #expect(step.records.isEmpty && step.actions.isEmpty && fixture.ended()?.failure == unknown)
    }

    @Test("what is being published is waited for by whoever drains, and ends by its outcome alone")
    func onlyItsOutcome() throws {
        let gone = TaskFailure(kind: .worker, disposition: .failRun, message: "workers end as soon as they start")
        let outcomes: [ClusterState.Event] = [
            .published(run: "run-1", version: 1),
            .undecided(run: "run-1", TaskFailure(kind: .target, disposition: .failRun, message: "", code: "unknown")),
            .failed(
                run: "run-1", TaskFailure(kind: .target, disposition: .failRun, message: "taken"),
                proof: .taken(commitSHA256: "00")),
        ]
        for outcome in outcomes {
            var fixture = Fixture()
            let keeper = fixture.planned(sizes: [1])
            let worker = fixture.join("worker-1")
            fixture.complete(worker, try fixture.granted(worker))
            #expect(fixture.tell(.drain).records.isEmpty && !fixture.state.isOver)
            let abandoned = fixture.tell(.abandoned(run: "run-1", gone))
            #expect(abandoned.records.isEmpty && abandoned.actions.isEmpty && fixture.phase() == .publishing)
            for node in [worker, keeper] {
                let left = fixture.send(node, .leave)
                #expect(left.records.isEmpty && left.actions.isEmpty && !fixture.state.isOver)
            }
            for step in fixture.pass(60) { #expect(step.records.isEmpty && step.actions.isEmpty) }
            fixture.send("people", .cancel(run: "run-1"))
            #expect(fixture.phase() == .publishing && !fixture.state.isOver)
            let step = fixture.tell(outcome)
            #expect(fixture.state.isOver)
            if case .failed(_, let failure, let proof) = outcome {
                #expect(step.records == [.init(run: "run-1", record: .aborted(failure, proof: proof))])
                #expect(step.actions.count == 1)
            } else {
                #expect(step.records.isEmpty && step.actions.isEmpty)
            }
        }
        // Before that they end it.
        var early = Fixture()
        early.planned(sizes: [1])
        #expect(early.tell(.abandoned(run: "run-1", gone)).aborts)
    }

    @Test(
        "a run that is too old to be published ends before it is planned, while it is read, and not while it is published"
    )
    func deadline() throws {
        var fixture = Fixture()
        fixture.open("run-1", module: "a")
        fixture.open("run-2", module: "a")
        fixture.milliseconds = Int(Limits.attemptDeadline.components.seconds) * 1000 - 1
        #expect(fixture.tell(.tick).records.isEmpty)
        fixture.milliseconds += 1
        let step = fixture.tell(.tick)
        #expect(step.records.map(\.run) == ["run-1", "run-2"] && step.aborts)
        let keeper = fixture.join("keeper-9")
        #expect(fixture.poll(keeper) == nil)

        var publishing = Fixture()
        publishing.planned(sizes: [1])
        let worker = publishing.join("worker-1")
        publishing.complete(worker, try publishing.granted(worker))
        publishing.milliseconds = Int(Limits.attemptDeadline.components.seconds) * 1000
        #expect(publishing.tell(.tick).records.isEmpty && publishing.phase() == .publishing)
    }

    @Test("whatever comes late of a run that is over is fenced")
    func over() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1])
        let worker = fixture.join("worker-1")
        let grant = try fixture.granted(worker)
        #expect(fixture.send("people", .cancel(run: "run-1")).aborts)
        #expect(fixture.complete(worker, grant).reply == .fenced)
        #expect(fixture.fail(worker, grant, .failRun).reply == .fenced)
        #expect(fixture.send(worker, .fetch(run: "run-1", text: .plan, offset: 0)).reply == .fenced)
        #expect(
            fixture.heartbeat(worker, [grant]).reply == .alive(revoked: [grant.token], letGo: [], isDraining: false))
        fixture.tell(.opened(Fixture.start("run-1"), document: []))
        #expect(fixture.phase() == nil)
    }

    // MARK: People

    @Test("what is being published cannot be cancelled, and nothing that is not there")
    func cancel() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1])
        let worker = fixture.join("worker-1")
        fixture.complete(worker, try fixture.granted(worker))
        let step = fixture.send("people", .cancel(run: "run-1"))
        #expect(!step.aborts && step.reply != .accepted && fixture.phase() == .publishing)
        #expect(fixture.send("people", .cancel(run: "other")).reply == .refused(reason: "no such run is open"))
    }

    private func submit(_ id: String, _ offset: Int, _ bytes: [UInt8], total: Int = 6) -> Request {
        .submit(
            Submission(
                id: id, documentPath: "d", restartsOnSnapshotLoss: false, offset: offset, total: total,
                bytes: Base64.encode(bytes)))
    }

    @Test("a document comes in pieces, is opened once, and is the same run however often it is sent")
    func submissions() {
        var fixture = Fixture()
        #expect(fixture.send("people", submit("s", 3, [4, 5, 6])).reply == .refused(reason: Submission.misfit))
        for _ in 0..<2 { #expect(fixture.send("people", submit("s", 0, [1, 2, 3])).actions.isEmpty) }
        let whole = fixture.send("people", submit("s", 3, [4, 5, 6]))
        #expect(whole.actions == [.open(id: "s", documentPath: "d", document: [1, 2, 3, 4, 5, 6], restarts: false)])
        let again = fixture.send("people", submit("s", 3, [4, 5, 6]))
        #expect(again.reply == .accepted && again.actions.isEmpty)
        fixture.tell(.opened(Fixture.start("run-1", submission: "s"), document: []))
        #expect(fixture.send("people", submit("s", 0, [1, 2, 3])).reply == .submitted(run: "run-1"))
        fixture.tell(.submissionRefused(id: "t", reason: "no"))
        #expect(fixture.send("people", submit("t", 0, [1])).reply == .refused(reason: "no"))
    }

    @Test("a submission whose opening was not heard of is looked at anew; one of a run that is over names it")
    func unheardOpening() {
        var fixture = Fixture()
        #expect(fixture.send("people", submit("s", 0, [1, 2, 3, 4, 5, 6])).actions.count == 1)
        fixture.tell(.openingFailed(id: "s"))
        #expect(fixture.send("people", submit("s", 0, [1, 2, 3, 4, 5, 6])).actions.count == 1)
        fixture.tell(.known(submission: "s", run: "run-0"))
        #expect(fixture.send("people", submit("s", 0, [1, 2, 3])).reply == .submitted(run: "run-0"))
        #expect(fixture.state.runs.isEmpty)
    }

    @Test("documents that are too long or too many are refused")
    func submissionLimits() {
        var fixture = Fixture()
        #expect(
            fixture.send("people", submit("s", 0, [1], total: Limits.bytesPerDocument + 1)).reply
                == .refused(reason: Submission.misfit))
        #expect(fixture.send("people", submit("s", 0, [1, 2], total: 1)).reply == .refused(reason: Submission.misfit))
        for index in 0..<Limits.submissionsAtOnce { fixture.send("people", submit("s\(index)", 0, [1])) }
        guard case .refused? = fixture.send("people", submit("one more", 0, [1])).reply else {
            Issue.record("taken")
            return
        }
        #expect(fixture.send("people", submit("s0", 1, [2, 3, 4, 5, 6])).actions.count == 1)
    }

    @Test("status names runs with their counts, and nodes")
    func status() throws {
        var fixture = Fixture()
        fixture.planned(sizes: [1, 1, 1])
        let worker = fixture.join("worker-1")
        fixture.complete(worker, try fixture.granted(worker))
        _ = try fixture.granted(worker)
        guard case .status(let status)? = fixture.send("people", .status(run: "run-1")).reply,
            let run = status.runs.first
        else {
            Issue.record("no status")
            return
        }
        #expect((run.shards, run.shardsReady, run.shardsLeased, run.shardsDone) == (3, 1, 1, 1))
        #expect(run.rows == 10 && run.holders == ["keeper-1"] && status.nodeCount == 2 && status.epoch == 1)
    }
}

extension ClusterStateTests {
    @Test(
        "a worker whose connections are closed is given up long before its lease ends, unless it is heard of again; a keeper is not"
    )
    func disconnected() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1, 1])
        let (gone, back) = (fixture.join("worker-1"), fixture.join("worker-2"))
        let first = try fixture.granted(gone)
        let second = try fixture.granted(back)
        for node in [gone, back, keeper] { fixture.tell(.disconnected(node: node)) }
        fixture.heartbeat(back, [second])
        let notes = fixture.pass(8).flatMap(\.notes)
        #expect(notes.contains(.lost(node: gone, reason: "connection closed")))
        #expect(!notes.contains(.lost(node: back, reason: "connection closed")))
        #expect(!notes.contains(.lost(node: keeper, reason: "connection closed")))
        let again = try fixture.granted(back)
        #expect(again.task == first.task && again.epoch == 2 && again.token > first.token)
    }
}

extension ClusterStateTests {
    @Test("a run that is cancelled while it waits lets no other begin beside the one that is under way")
    func cancelledInTheQueue() {
        var fixture = Fixture()
        for run in ["run-1", "run-2", "run-3"] { fixture.tell(.opened(Fixture.start(run), document: [])) }
        fixture.send("operator", .cancel(run: "run-2"))
        #expect(fixture.phase("run-1") == .planning && fixture.phase("run-3") == .queued)
        fixture.send("operator", .cancel(run: "run-1"))
        #expect(fixture.phase("run-3") == .planning)
    }
}

extension ClusterStateTests {
    @Test("a plan and a hold that are told twice, because the first answer was late, are accepted twice")
    func repeatedPlan() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        let second = fixture.join("keeper-2")
        let grant = try fixture.granted(second)
        let held = Request.complete(
            run: "run-1", token: grant.token, result: .held([SnapshotHold(source: "source", snapshot: "7")]))
        for _ in 0..<2 { #expect(fixture.send(second, held).reply == .accepted) }
        // Under a token that is done with, like a repetition.
        let plan = Request.complete(run: "run-1", token: 1, result: .plan)
        #expect(fixture.send(keeper, plan).reply == .accepted)
        #expect(fixture.send(fixture.join("keeper-3"), plan).reply == .fenced)
    }
}
