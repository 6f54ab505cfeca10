package import Model

/// What a worker or keeper knows of its tasks and of its coordinator, and decides from it: a value,
/// `(event, now) → actions`. No clock, no socket, no thread.
///
///     joining → serving → leaving → ended
///
/// - One request is under way for each voice: the pulse joins and keeps the leases, a slot polls and reports its one task.
/// - A task counts as ours while a heartbeat that named it and was *sent* within `selfFenceTime` has been answered, or its
///   own poll was; afterwards it is cancelled and nobody is told: the coordinator has granted it to another by then. A
///   heartbeat that was sent before the grant came does not name it, and keeps nothing.
/// - A coordinator that does not know the node's credential is joined again under the same name; tasks and snapshots stay.
package struct NodeState: Sendable {
    /// Who of the node asks. Each has a thread and a socket of its own, so that a busy task cannot make the pulse silent.
    package enum Voice: Hashable, Sendable {
        case pulse
        case slot(Int)
    }

    package enum Event: Sendable, Equatable {
        /// Time has passed.
        case tick
        /// The process was asked to end.
        case drain
        /// `sent`: when the request was first sent, not when its answer came.
        case answered(Voice, Reply, sent: Instant)
        case unanswered(Voice)
        case progressed(token: Int64, rows: Int64, bytes: Int64)
        case ended(token: Int64, TaskEnd)
        /// A request that a task put by itself was answered by `unknownNode`.
        case unknown(credential: String)
        /// The connections that held the run's snapshots are gone.
        case holdLost(run: String)
    }

    package enum TaskEnd: Sendable, Equatable {
        case done(TaskResult)
        case failed(TaskFailure)
        /// It was dropped, as an action asked for.
        case cancelled
    }

    package enum Action: Sendable, Equatable {
        /// Put the request under `credential` (of `join`: the join token) and tell the answer.
        case ask(Voice, Request)
        /// Do the task and tell its end. A plan or hold keeps its snapshots until `letGo`.
        case perform(slot: Int, Grant)
        /// Drop the task as soon as possible and tell its end.
        case cancel(token: Int64)
        /// End the run's snapshots.
        case letGo(run: String)
        case end(Outcome)
    }

    package enum Outcome: Sendable, Equatable {
        /// No more work will come.
        case done
        /// The process was asked to end.
        case drained
        /// Nobody answered for as long as patience lasts.
        case silent
        case refused(reason: String)
    }

    private struct Line {
        var asking: (request: Request, credential: String?)?
        var notBefore: Instant
        var pause = Duration.zero
    }

    private struct Task {
        var grant: Grant
        /// When the newest request that it is ours by was sent: the poll that brought it, or a heartbeat that named it.
        var heldSince: Instant
        var rows: Int64 = 0
        var bytes: Int64 = 0
        var isCancelled = false
        /// Cancelled to be handed back, so its end is told.
        var isReleased = false
        /// What is to be told of its end.
        var report: Request?
        var uploads = 1
    }

    private struct Drain {
        var outcome: Outcome
        var deadline: Instant
        var waitsForHolds: Bool
    }

    /// Of the newest welcome; nil while joining.
    package private(set) var credential: String?
    /// The runs whose snapshots are held here.
    package private(set) var holding: Set<String> = []
    package private(set) var outcome: Outcome?
    /// Some coordinator has welcomed the node.
    package private(set) var hasJoined = false

    private let join: Join
    private let grace: Duration
    private let leavesWhenIdle: Bool
    private let timing: NodeTiming
    private var pulse: Line
    private var slots: [Line]
    private var tasks: [Task?]
    private var lastAnswered: Instant
    private var idleSince: Instant?
    private var draining: Drain?

    /// - `grace`: how long tasks may go on once the process is to end.
    /// - `leavesWhenIdle`: whether the node ends when no run is open.
    package init(
        join: Join, grace: Duration, leavesWhenIdle: Bool, timing: NodeTiming = NodeTiming(), now: Instant
    ) {
        self.join = join
        self.grace = grace
        self.leavesWhenIdle = leavesWhenIdle
        self.timing = timing
        pulse = Line(notBefore: now)
        slots = Array(repeating: Line(notBefore: now), count: max(1, join.slots))
        tasks = Array(repeating: nil, count: max(1, join.slots))
        lastAnswered = now
    }

    package func isCancelled(token: Int64) -> Bool {
        tasks.first { $0?.grant.token == token }??.isCancelled ?? true
    }

    package var isDraining: Bool { draining != nil }

    package mutating func handle(
        _ event: Event, at now: Instant, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard outcome == nil else { return [] }
        var actions: [Action] = []
        switch event {
        case .tick: break
        case .drain: drain(.drained, waitsForHolds: true, now)
        case .answered(let voice, let reply, let sent): answered(voice, reply, sent, now, &random, &actions)
        case .unanswered(let voice): failed(voice, now, &random, &actions)
        case .progressed(let token, let rows, let bytes):
            guard let slot = slot(of: token) else { break }
            tasks[slot]?.rows = rows
            tasks[slot]?.bytes = bytes
        case .ended(let token, let end): ended(token, end, &actions)
        case .unknown(let refused): if refused == credential { rejoin(now) }
        case .holdLost(let run): holding.remove(run)
        }
        advance(now, &actions)
        return actions
    }

    // MARK: Answers

    private mutating func answered(
        _ voice: Voice, _ reply: Reply, _ sent: Instant, _ now: Instant, _ random: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        guard let (request, credential) = line(voice).asking else { return }
        if case .notLeader = reply { return failed(voice, now, &random, &actions) }
        lastAnswered = now
        update(voice) { line in
            line.asking = nil
            line.pause = .zero
        }
        if reply == .unknownNode, case .leave = request {
            left(&actions)
        } else if reply == .unknownNode {
            update(voice) { $0.notBefore = now }
            if credential == self.credential { rejoin(now) }
        } else {
            switch request {
            case .join: welcomed(reply, now, &actions)
            case .heartbeat(let named, _): kept(named, reply, sent, now, &actions)
            case .poll: polled(voice, reply, sent, now, &random, &actions)
            case .leave: left(&actions)
            default: reported(voice, request, reply, &actions)
            }
        }
    }

    private mutating func welcomed(_ reply: Reply, _ now: Instant, _ actions: inout [Action]) {
        switch reply {
        case .welcome(let credential):
            self.credential = credential
            hasJoined = true
            pulse.notBefore = now
        case .refused(let reason): end(.refused(reason: reason), &actions)
        default: end(.refused(reason: "an answer that does not fit"), &actions)
        }
    }

    private mutating func kept(
        _ named: [TaskProgress], _ reply: Reply, _ sent: Instant, _ now: Instant, _ actions: inout [Action]
    ) {
        guard case .alive(let revoked, let letGo, let isDraining) = reply else { return }
        for item in named {
            if let slot = slot(of: item.token) { tasks[slot]!.heldSince = max(tasks[slot]!.heldSince, sent) }
        }
        for token in revoked { cancel(token, &actions) }
        for run in letGo.sorted() where holding.remove(run) != nil { actions.append(.letGo(run: run)) }
        // A keeper stays for as long as workers may read from its snapshots.
        if isDraining, join.role == .worker { drain(.done, waitsForHolds: true, now) }
    }

    private mutating func polled(
        _ voice: Voice, _ reply: Reply, _ sent: Instant, _ now: Instant, _ random: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        guard case .slot(let slot) = voice else { return }
        switch reply {
        case .grant(let grant):
            idleSince = nil
            tasks[slot] = Task(grant: grant, heldSince: sent)
            if draining == nil {
                actions.append(.perform(slot: slot, grant))
            } else {
                tasks[slot]?.report = .release(run: grant.run, token: grant.token)
            }
        case .noWork(let milliseconds, let isIdle):
            let pause = Duration.milliseconds(max(0, milliseconds))
            update(voice) { $0.notBefore = now + Self.jittered(pause, &random) }
            idleSince = isIdle && tasks.allSatisfy({ $0 == nil }) ? idleSince ?? now : nil
            if let idleSince, leavesWhenIdle, now - idleSince >= timing.idleLeaveTime {
                drain(.done, waitsForHolds: false, now)
            }
        case .drain: drain(.done, waitsForHolds: false, now)
        case .refused(let reason): end(.refused(reason: reason), &actions)
        default: failed(voice, now, &random, &actions)
        }
    }

    /// The end of a task was heard.
    private mutating func reported(_ voice: Voice, _ request: Request, _ reply: Reply, _ actions: inout [Action]) {
        guard case .slot(let slot) = voice, var task = tasks[slot] else { return }
        tasks[slot] = nil
        guard case .complete(let run, let token, let result) = request else { return }
        if case .uploaded = result, case .refused = reply {
            // The coordinator began anew between the receipt's last piece and this: the shard is handed back.
            task.report = .release(run: run, token: token)
            tasks[slot] = task
        }
        guard result.isHeld else { return }
        if reply == .accepted {
            holding.insert(run)
        } else if case .refused = reply, result == .plan, task.uploads < Limits.uploadsPerPlan, draining == nil {
            // The coordinator began anew between the plan's last piece and this: it is uploaded once more.
            task.uploads += 1
            task.report = nil
            tasks[slot] = task
            actions.append(.perform(slot: slot, task.grant))
        } else {
            forget(run, &actions)
        }
    }

    /// Nobody answered, or one who does not lead: the same again, after a pause.
    private mutating func failed(
        _ voice: Voice, _ now: Instant, _ random: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        if case .leave = line(voice).asking?.request { return left(&actions) }
        let timing = timing
        let pause = min(max(line(voice).pause * 2, timing.firstPause), timing.longestPause)
        let jittered = Self.jittered(pause, &random)
        update(voice) { line in
            line.asking = nil
            line.pause = pause
            line.notBefore = now + jittered
        }
    }

    private static func jittered(_ pause: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        pause * Int.random(in: 75...125, using: &random) / 100
    }

    // MARK: Tasks

    private func slot(of token: Int64) -> Int? { tasks.firstIndex { $0?.grant.token == token } }

    private mutating func cancel(_ token: Int64, release: Bool = false, _ actions: inout [Action]) {
        guard let slot = slot(of: token), let task = tasks[slot], task.report == nil, !task.isCancelled else { return }
        tasks[slot]?.isCancelled = true
        tasks[slot]?.isReleased = release
        actions.append(.cancel(token: token))
    }

    private mutating func ended(_ token: Int64, _ end: TaskEnd, _ actions: inout [Action]) {
        guard let slot = slot(of: token), let task = tasks[slot], task.report == nil else { return }
        let (run, isOurs) = (task.grant.run, !task.isCancelled || task.isReleased)
        switch end {
        case .done(let result) where isOurs: tasks[slot]?.report = .complete(run: run, token: token, result: result)
        case .failed(let failure) where isOurs && !task.isReleased:
            tasks[slot]?.report = .fail(run: run, token: token, failure: failure)
            if task.grant.task.holds { forget(run, &actions) }
        default:
            if task.isReleased {
                tasks[slot]?.report = .release(run: run, token: token)
            } else {
                tasks[slot] = nil
            }
            if task.grant.task.holds { forget(run, &actions) }
        }
    }

    /// Snapshots that a task took in vain.
    private func forget(_ run: String, _ actions: inout [Action]) {
        if !holding.contains(run) { actions.append(.letGo(run: run)) }
    }

    // MARK: What time brings

    private mutating func rejoin(_ now: Instant) {
        credential = nil
        pulse.notBefore = now
    }

    private mutating func drain(_ outcome: Outcome, waitsForHolds: Bool, _ now: Instant) {
        if draining == nil {
            draining = Drain(outcome: outcome, deadline: now + grace, waitsForHolds: waitsForHolds)
        } else if !waitsForHolds {
            draining?.waitsForHolds = false
        }
    }

    private mutating func left(_ actions: inout [Action]) { end(draining?.outcome ?? .done, &actions) }

    private mutating func end(_ outcome: Outcome, _ actions: inout [Action]) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        for run in holding.sorted() { actions.append(.letGo(run: run)) }
        holding = []
        actions.append(.end(outcome))
    }

    private mutating func advance(_ now: Instant, _ actions: inout [Action]) {
        guard outcome == nil else { return }
        let patience =
            !hasJoined ? timing.joinPatience : holding.isEmpty ? timing.coordinatorPatience : timing.holderPatience
        for task in tasks.compactMap({ $0 }) where now - task.heldSince > timing.selfFenceTime {
            cancel(task.grant.token, &actions)
        }
        if now - lastAnswered > patience { return end(.silent, &actions) }
        if let draining, now >= draining.deadline {
            for task in tasks.compactMap({ $0 }) { cancel(task.grant.token, release: true, &actions) }
            // A task that does not notice is left behind with its process.
            if now >= draining.deadline + timing.leaveTime { return end(draining.outcome, &actions) }
        }
        askWhatIsDue(now, &actions)
    }

    private mutating func askWhatIsDue(_ now: Instant, _ actions: inout [Action]) {
        if credential == nil, let draining, !hasJoined || now >= draining.deadline, isFree {
            return end(draining.outcome, &actions)
        }
        // A heartbeat behind a leave would be a stranger's.
        if case .leave = slots[0].asking?.request { return }
        if pulse.asking == nil, pulse.notBefore <= now {
            if credential == nil {
                ask(.pulse, .join(join), &actions)
            } else {
                pulse.notBefore = now + timing.heartbeatInterval
                ask(.pulse, .heartbeat(tasks: progress, holding: holding.sorted()), &actions)
            }
        }
        guard credential != nil else { return }
        for slot in slots.indices where slots[slot].asking == nil && slots[slot].notBefore <= now {
            if let report = tasks[slot]?.report {
                ask(.slot(slot), report, &actions)
            } else if tasks[slot] == nil, draining == nil {
                ask(.slot(slot), .poll, &actions)
            }
        }
        if let draining, isFree, holding.isEmpty || !draining.waitsForHolds || now >= draining.deadline {
            ask(.slot(0), .leave, &actions)
        }
    }

    /// No task, and no request of a slot is under way.
    private var isFree: Bool { tasks.allSatisfy { $0 == nil } && slots.allSatisfy { $0.asking == nil } }

    /// Tasks that are ours: a finished one too, until its end was heard.
    private var progress: [TaskProgress] {
        tasks.compactMap { $0 }.filter { !$0.isCancelled || $0.isReleased }.map {
            TaskProgress(token: $0.grant.token, rows: $0.rows, bytes: $0.bytes)
        }
    }

    private mutating func ask(_ voice: Voice, _ request: Request, _ actions: inout [Action]) {
        let credential = credential
        update(voice) { $0.asking = (request, credential) }
        actions.append(.ask(voice, request))
    }

    private func line(_ voice: Voice) -> Line {
        switch voice {
        case .pulse: pulse
        case .slot(let slot): slots[slot]
        }
    }

    private mutating func update(_ voice: Voice, _ change: (inout Line) -> Void) {
        switch voice {
        case .pulse: change(&pulse)
        case .slot(let slot): change(&slots[slot])
        }
    }
}

extension TaskSpec {
    /// It leaves snapshots behind that are held.
    package var holds: Bool {
        switch self {
        case .plan, .hold: true
        case .shard: false
        }
    }
}

extension TaskResult {
    fileprivate var isHeld: Bool {
        switch self {
        case .plan, .held: true
        case .part, .uploaded: false
        }
    }
}
