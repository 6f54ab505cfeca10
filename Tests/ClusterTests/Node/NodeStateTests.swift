import Cluster
import Model
import Testing

@Suite("What a node decides")
struct NodeStateTests {
    @Test("a worker joins, takes a shard, keeps its lease and reports it")
    func reported() {
        var node = Transcript(.worker)
        #expect(node.at(0) == ["pulse: join"])
        #expect(
            node.at(10, answer: .welcome(credential: "c"), to: .pulse, sent: 0) == ["pulse: heartbeat", "slot 0: poll"])
        #expect(node.at(20, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 10) == [])
        #expect(node.at(30, answer: .grant(work(7)), to: .slot(0), sent: 10) == ["slot 0: perform 7"])
        #expect(node.at(40, .progressed(token: 7, rows: 65_536, bytes: 9)) == [])
        #expect(node.at(2009) == [])
        #expect(node.at(2010) == ["pulse: heartbeat 7 (65536 rows)"])
        #expect(node.at(2020, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: complete 7"])
        #expect(node.at(2030, answer: .accepted, to: .slot(0), sent: 2020) == ["slot 0: poll"])
        #expect(
            node.at(2040, .answered(.pulse, .alive(revoked: [], letGo: [], isDraining: false), sent: instant(2010)))
                == [])
        #expect(node.at(4010) == ["pulse: heartbeat"])
    }

    @Test("each slot has a task of its own")
    func slots() {
        var node = Transcript(.worker, slots: 2)
        #expect(node.joined() == ["pulse: heartbeat", "slot 0: poll", "slot 1: poll"])
        #expect(node.at(20, answer: .grant(work(7)), to: .slot(0), sent: 10) == ["slot 0: perform 7"])
        #expect(node.at(20, answer: .grant(work(8, run: "other")), to: .slot(1), sent: 10) == ["slot 1: perform 8"])
        #expect(node.at(30, .ended(token: 8, .failed(failure))) == ["slot 1: fail 8"])
        #expect(node.at(40, answer: .accepted, to: .slot(1), sent: 30) == ["slot 1: poll"])
        #expect(node.at(50, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: complete 7"])
    }

    @Test("a coordinator that does not know the node is joined again, and the task goes on")
    func unknownNode() {
        var node = Transcript.working(on: work(7))
        #expect(node.at(2010) == ["pulse: heartbeat 7 (0 rows)"])
        #expect(node.at(2020, answer: .unknownNode, to: .pulse, sent: 2010) == ["pulse: join"])
        // What the task asks by itself meets the same; the welcome that came since stands.
        #expect(node.at(2025, .unknown(credential: "old")) == [])
        #expect(
            node.at(2030, answer: .welcome(credential: "d"), to: .pulse, sent: 2020) == ["pulse: heartbeat 7 (0 rows)"])
        #expect(node.state.credential == "d")
        #expect(node.at(2040, .unknown(credential: "c")) == [])
        #expect(node.at(2050, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: complete 7"])
        // The end of a task is told again to one who did not know the node.
        #expect(node.at(2060, answer: .unknownNode, to: .slot(0), sent: 2050) == [])
        #expect(node.at(2070, answer: .unknownNode, to: .pulse, sent: 2030) == ["pulse: join"])
        #expect(
            node.at(2080, answer: .welcome(credential: "e"), to: .pulse, sent: 2070) == [
                "pulse: heartbeat 7 (0 rows)", "slot 0: complete 7",
            ])
    }

    @Test("a task is dropped without a word when no heartbeat sent in time was answered")
    func selfFence() {
        var node = Transcript.working(on: work(7))
        #expect(node.at(2010) == ["pulse: heartbeat 7 (0 rows)"])
        // Answered late: what counts is when it was sent.
        #expect(
            node.at(6000, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 2010) == [
                "pulse: heartbeat 7 (0 rows)"
            ])
        #expect(node.at(10_010) == [])
        #expect(node.at(10_011) == ["cancel 7"])
        #expect(node.state.isCancelled(token: 7))
        #expect(node.at(10_100, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: poll"])
    }

    @Test("a heartbeat that was sent before the grant came keeps nothing of it")
    func unnamedTask() {
        var node = Transcript(.worker)
        _ = node.joined()
        _ = node.at(20, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 10)
        #expect(node.at(2010) == ["pulse: heartbeat"])
        #expect(node.at(2020, answer: .grant(work(7)), to: .slot(0), sent: 10) == ["slot 0: perform 7"])
        #expect(node.at(2030, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 2010) == [])
        #expect(node.at(4010) == ["pulse: heartbeat 7 (0 rows)"])
        #expect(node.at(8010) == [])
        #expect(node.at(8011) == ["cancel 7"])
    }

    @Test("a grant counts from its own poll, though the last heartbeat is old")
    func freshGrant() {
        var node = Transcript(.worker)
        _ = node.joined()
        #expect(node.at(9000, answer: .grant(work(7)), to: .slot(0), sent: 8900) == ["slot 0: perform 7"])
        #expect(!node.state.isCancelled(token: 7))
    }

    @Test("a revoked task is dropped, and the slot asks for another")
    func revoked() {
        var node = Transcript.working(on: work(7))
        #expect(node.at(2010) == ["pulse: heartbeat 7 (0 rows)"])
        #expect(
            node.at(2020, answer: .alive(revoked: [7], letGo: [], isDraining: false), to: .pulse, sent: 2010) == [
                "cancel 7"
            ])
        #expect(node.at(2030, .ended(token: 7, .cancelled)) == ["slot 0: poll"])
        #expect(node.at(4010) == ["pulse: heartbeat"])
    }

    @Test("a worker that drains finishes what ends in time, then leaves")
    func drainInTime() {
        var node = Transcript.working(on: work(7), grace: .seconds(30))
        #expect(node.at(100, .drain) == [])
        #expect(node.at(1000, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: complete 7"])
        #expect(node.at(1010, answer: .accepted, to: .slot(0), sent: 1000) == ["slot 0: leave"])
        #expect(node.at(1020, answer: .accepted, to: .slot(0), sent: 1010) == ["end drained"])
        #expect(node.at(9000) == [])
    }

    @Test("what does not end in time is handed back unharmed")
    func drainLate() {
        var node = Transcript.working(on: work(7), grace: .seconds(1))
        #expect(node.at(100, .drain) == [])
        #expect(node.at(1099) == [])
        #expect(node.at(1100) == ["cancel 7"])
        #expect(node.at(1110, .ended(token: 7, .cancelled)) == ["slot 0: release 7"])
        #expect(node.at(1120, answer: .accepted, to: .slot(0), sent: 1110) == ["slot 0: leave"])
        // Nobody has to hear the farewell.
        #expect(node.at(1130, .unanswered(.slot(0))) == ["end drained"])
    }

    @Test("a grant that comes while draining is handed back; a task that never notices is left behind")
    func drainEdges() {
        var node = Transcript(.worker, grace: .seconds(1))
        _ = node.joined()
        #expect(node.at(20, .drain) == [])
        #expect(node.at(30, answer: .grant(work(7)), to: .slot(0), sent: 10) == ["slot 0: release 7"])
        var stuck = Transcript.working(on: work(8), grace: .seconds(1))
        #expect(stuck.at(100, .drain) == [])
        #expect(stuck.at(1100) == ["cancel 8"])
        #expect(stuck.at(11_100).last == "end drained")
    }

    @Test("told that no more work will come, a worker leaves once its other slot is done")
    func drainReply() {
        var node = Transcript(.worker, slots: 2)
        _ = node.joined()
        #expect(node.at(20, answer: .grant(work(7)), to: .slot(0), sent: 10) == ["slot 0: perform 7"])
        #expect(node.at(30, answer: .drain, to: .slot(1), sent: 10) == [])
        #expect(node.at(40, .ended(token: 7, .done(.part(receipt)))) == ["slot 0: complete 7"])
        #expect(node.at(50, answer: .accepted, to: .slot(0), sent: 40) == ["slot 0: leave"])
        #expect(node.at(60, answer: .accepted, to: .slot(0), sent: 50) == ["end done"])
    }

    @Test("without an open run for a while a node leaves that may; work in between begins the while anew")
    func idle() {
        var node = Transcript(.worker, leavesWhenIdle: true)
        _ = node.joined()
        func noWork(_ isIdle: Bool) -> Reply { .noWork(retryAfterMilliseconds: 1000, isIdle: isIdle) }
        #expect(node.at(20, answer: noWork(true), to: .slot(0), sent: 10) == [])
        #expect(node.at(1019) == [])
        #expect(node.at(1020) == ["slot 0: poll"])
        #expect(node.at(1030, answer: noWork(false), to: .slot(0), sent: 1020) == [])
        for time in [2030, 3040, 4050] {
            #expect(node.at(time).contains("slot 0: poll"))
            #expect(node.at(time + 10, answer: noWork(true), to: .slot(0), sent: time) == [])
        }
        #expect(node.at(5060).contains("slot 0: poll"))
        #expect(node.at(5070, answer: noWork(true), to: .slot(0), sent: 5060) == ["slot 0: leave"])
        #expect(node.at(5080, answer: .accepted, to: .slot(0), sent: 5070) == ["end done"])
    }

    @Test("a keeper says whose snapshots it holds until it is let go or has lost them")
    func holding() {
        var node = Transcript.working(on: plan(7, run: "a"), role: .keeper)
        #expect(node.at(100, .ended(token: 7, .done(.plan))) == ["slot 0: complete 7"])
        #expect(node.at(110, answer: .accepted, to: .slot(0), sent: 100) == ["slot 0: poll"])
        #expect(node.at(120, answer: .grant(hold(8, run: "b")), to: .slot(0), sent: 110) == ["slot 0: perform 8"])
        #expect(node.at(130, .ended(token: 8, .done(.held([])))) == ["slot 0: complete 8"])
        #expect(node.at(140, answer: .accepted, to: .slot(0), sent: 130) == ["slot 0: poll"])
        #expect(node.at(2010) == ["pulse: heartbeat holding a b"])
        #expect(
            node.at(
                2020, answer: .alive(revoked: [], letGo: ["a", "stranger"], isDraining: true), to: .pulse, sent: 2010)
                == ["let go a"])
        #expect(node.at(4010) == ["pulse: heartbeat holding b"])
        #expect(node.at(4020, .holdLost(run: "b")) == [])
        #expect(node.at(4030, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 4010) == [])
        #expect(node.at(6010) == ["pulse: heartbeat"])
    }

    @Test("snapshots taken in vain are let go: fenced, revoked, failed")
    func vain() {
        var fenced = Transcript.working(on: plan(7, run: "a"), role: .keeper)
        #expect(fenced.at(100, .ended(token: 7, .done(.plan))) == ["slot 0: complete 7"])
        #expect(fenced.at(110, answer: .fenced, to: .slot(0), sent: 100) == ["let go a", "slot 0: poll"])
        var revoked = Transcript.working(on: hold(7, run: "a"), role: .keeper)
        #expect(revoked.at(2010) == ["pulse: heartbeat 7 (0 rows)"])
        #expect(
            revoked.at(2020, answer: .alive(revoked: [7], letGo: [], isDraining: false), to: .pulse, sent: 2010) == [
                "cancel 7"
            ])
        #expect(revoked.at(2030, .ended(token: 7, .done(.held([])))) == ["let go a", "slot 0: poll"])
        var failed = Transcript.working(on: plan(7, run: "a"), role: .keeper)
        #expect(failed.at(100, .ended(token: 7, .failed(failure))) == ["let go a", "slot 0: fail 7"])
    }

    @Test("a plan whose pieces a new coordinator lost is uploaded again, a few times")
    func uploadAgain() {
        var node = Transcript.working(on: plan(7, run: "a"), role: .keeper)
        for round in 1...Limits.uploadsPerPlan {
            #expect(node.at(round * 100, .ended(token: 7, .done(.plan))) == ["slot 0: complete 7"])
            let actions = node.at(round * 100 + 10, answer: .refused(reason: "r"), to: .slot(0), sent: round * 100)
            #expect(actions == (round < Limits.uploadsPerPlan ? ["slot 0: perform 7"] : ["let go a", "slot 0: poll"]))
        }
    }

    @Test("a keeper that drains stays for its snapshots until the grace is over")
    func keeperDrains() {
        var node = Transcript.working(on: plan(7, run: "a"), role: .keeper, grace: .seconds(5))
        _ = node.at(100, .ended(token: 7, .done(.plan)))
        _ = node.at(110, answer: .accepted, to: .slot(0), sent: 100)
        #expect(node.at(120, .drain) == [])
        #expect(node.at(130, answer: .noWork(retryAfterMilliseconds: 1, isIdle: false), to: .slot(0), sent: 110) == [])
        var early = node
        #expect(early.at(2010) == ["pulse: heartbeat holding a"])
        #expect(
            early.at(2020, answer: .alive(revoked: [], letGo: ["a"], isDraining: false), to: .pulse, sent: 2010) == [
                "let go a", "slot 0: leave",
            ])
        #expect(node.at(5119) == ["pulse: heartbeat holding a"])
        #expect(node.at(5120) == ["slot 0: leave"])
        #expect(node.at(5130, answer: .accepted, to: .slot(0), sent: 5120) == ["let go a", "end drained"])
    }

    @Test("nobody answers: the pauses double up to two seconds, spread by chance")
    func backOff() {
        var node = Transcript(.worker)
        #expect(node.at(0) == ["pulse: join"])
        var time = 0
        for pause in [250, 500, 1000, 2000, 2000] {
            #expect(node.at(time, .unanswered(.pulse)) == [])
            #expect(node.at(time + pause - 1) == [])
            time += pause
            #expect(node.at(time) == ["pulse: join"])
        }
        // One who does not lead is as good as none.
        #expect(node.at(time, answer: .notLeader(leader: nil), to: .pulse, sent: time) == [])
        #expect(node.at(time + 2000) == ["pulse: join"])
        var spread: Set<Int> = []
        for seed in 1...40 as ClosedRange<UInt64> {
            var node = Transcript(.worker, random: seed << 58)
            _ = node.joined()
            _ = node.at(20, answer: .noWork(retryAfterMilliseconds: 100, isIdle: false), to: .slot(0), sent: 10)
            spread.insert((21...200).first { node.at($0) == ["slot 0: poll"] }! - 20)
        }
        #expect(spread.min()! >= 75 && spread.max()! <= 125 && spread.count > 10)
    }

    @Test("patience ends: early for one who was never welcomed, late for one who holds snapshots")
    func silence() {
        var alone = Transcript(.worker)
        _ = alone.at(0)
        #expect(alone.at(30_000) == [])
        #expect(alone.at(30_001) == ["end silent"])
        var known = Transcript.working(on: work(7))
        _ = known.at(2010)
        _ = known.at(20_000)
        _ = known.at(20_010, .ended(token: 7, .cancelled))
        #expect(known.at(60_020) == [])
        #expect(known.at(60_021) == ["end silent"])
        var holder = Transcript.working(on: plan(7, run: "a"), role: .keeper)
        _ = holder.at(100, .ended(token: 7, .done(.plan)))
        _ = holder.at(110, answer: .accepted, to: .slot(0), sent: 100)
        _ = holder.at(2010)
        #expect(holder.at(900_110) == [])
        #expect(holder.at(900_111) == ["let go a", "end silent"])
    }

    @Test("a coordinator that refuses the node ends it")
    func refusedNode() {
        var node = Transcript(.worker)
        #expect(node.at(0) == ["pulse: join"])
        #expect(node.at(10, answer: .refused(reason: "token"), to: .pulse, sent: 0) == ["end refused"])
    }

    @Test("names are chosen by role, with sixteen digits")
    func names() {
        var chance = Chance(word: 0xab)
        #expect(NodeName.choose(.keeper, using: &chance) == "keeper-00000000000000ab")
    }

    // MARK: Values

    private let failure = TaskFailure(kind: .source, disposition: .retry, message: "m")
    private let receipt = PartReceipt(
        table: "t", shard: 0, epoch: 1, stagedPath: "p", byteCount: 1, sha256: "s",
        rows: RowAccount(read: 0, published: 0, dropped: 0), rules: [], handle: nil)
}

private func work(_ token: Int64, run: String = "run") -> Grant {
    grant(.shard(table: "t", index: 0), token, run)
}
private func plan(_ token: Int64, run: String) -> Grant { grant(.plan, token, run) }
private func hold(_ token: Int64, run: String) -> Grant { grant(.hold, token, run) }
private func grant(_ task: TaskSpec, _ token: Int64, _ run: String) -> Grant {
    Grant(run: run, task: task, epoch: 1, token: token, attempt: "a", documentPath: "p.yaml")
}

/// Gives the same word always; the middle one means no jitter.
private struct Chance: RandomNumberGenerator {
    var word: UInt64 = 1 << 63
    mutating func next() -> UInt64 { word }
}

/// A node whose events are told with their time in milliseconds, and whose actions are read as lines.
private struct Transcript {
    var state: NodeState
    private var chance: Chance

    /// The times that the transcripts are written for.
    private static var timing: NodeTiming {
        var timing = NodeTiming()
        timing.heartbeatInterval = .seconds(2)
        timing.selfFenceTime = .seconds(8)
        return timing
    }

    init(
        _ role: Join.Role, slots: Int = 1, grace: Duration = .seconds(60), leavesWhenIdle: Bool = false,
        random: UInt64 = 1 << 63
    ) {
        state = NodeState(
            join: Join(role: role, slots: slots, processID: 1, host: "h", build: "b"), grace: grace,
            leavesWhenIdle: leavesWhenIdle, timing: Self.timing, now: instant(0))
        chance = Chance(word: random)
    }

    /// Joined at 10 ms, granted at 20 ms, the first heartbeat sent at 10 ms and answered.
    static func working(on grant: Grant, role: Join.Role = .worker, grace: Duration = .seconds(60)) -> Transcript {
        var node = Transcript(role, grace: grace)
        _ = node.joined()
        _ = node.at(20, answer: .alive(revoked: [], letGo: [], isDraining: false), to: .pulse, sent: 10)
        _ = node.at(20, answer: .grant(grant), to: .slot(0), sent: 10)
        return node
    }

    mutating func joined() -> [String] {
        _ = at(0)
        return at(10, answer: .welcome(credential: "c"), to: .pulse, sent: 0)
    }

    mutating func at(_ time: Int, _ event: NodeState.Event = .tick) -> [String] {
        state.handle(event, at: instant(time), using: &chance).map(Self.line)
    }

    mutating func at(_ time: Int, answer: Reply, to voice: NodeState.Voice, sent: Int) -> [String] {
        at(time, .answered(voice, answer, sent: instant(sent)))
    }

    private static func line(_ action: NodeState.Action) -> String {
        switch action {
        case .ask(.pulse, let request): "pulse: " + words(request)
        case .ask(.slot(let slot), let request): "slot \(slot): " + words(request)
        case .perform(let slot, let grant): "slot \(slot): perform \(grant.token)"
        case .cancel(let token): "cancel \(token)"
        case .letGo(let run): "let go \(run)"
        case .end(.refused): "end refused"
        case .end(let outcome): "end \(outcome)"
        }
    }

    private static func words(_ request: Request) -> String {
        switch request {
        case .join: "join"
        case .poll: "poll"
        case .heartbeat(let tasks, let holding):
            (["heartbeat"] + tasks.map { "\($0.token) (\($0.rows) rows)" }
                + (holding.isEmpty ? [] : ["holding"] + holding)).joined(separator: " ")
        case .complete(_, let token, _): "complete \(token)"
        case .fail(_, let token, _): "fail \(token)"
        case .release(_, let token): "release \(token)"
        case .leave: "leave"
        default: "another request"
        }
    }
}

private func instant(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }
