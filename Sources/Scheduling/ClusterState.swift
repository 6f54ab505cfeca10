package import Cluster
package import Model

/// What a coordinator knows of its cluster and decides from it: a value, `(event, now) → step`. No clock, no socket, no disk.
///
/// Runs take turns: a node that asks gets a shard of the run with the fewest in hand. A shard's newest attempts are fenced
/// by tokens, which rise with the coordinator's epoch, so late, doubled and foreign messages change nothing, whichever
/// coordinator they were meant for.
package struct ClusterState: Sendable {
    package enum Event: Sendable, Equatable {
        /// A join was admitted by its token before it came here; every other call is checked here, by its credential.
        case call(Call)
        /// Time has passed.
        case tick
        /// The operator asked to stop: what runs is finished or handed back, nothing new is granted.
        case drain
        /// The last connection of a node was closed.
        case disconnected(node: String)
        /// A process that the coordinator's host started has ended.
        case processEnded(processID: Int32)
        /// A run begins: its attempt exists, and the ledger knows it.
        case opened(RunStart, document: [UInt8])
        case submissionRefused(id: String, reason: String)
        /// A submission's run is over already, says the ledger: it was another coordinator's.
        case known(submission: String, run: String)
        /// The ledger did not say whether the run began: the same submission is looked at anew.
        case openingFailed(id: String)
        /// The run whose snapshots were lost can never be begun anew.
        case restartFailed(of: String, TaskFailure)
        case published(run: String, version: Int)
        /// Publishing came to nothing, and nothing that it sent can become a version.
        case failed(run: String, TaskFailure, proof: NoVersion? = nil)
        /// Publishing ended, and its version may be there or may yet come. The failure's code is that of an unknown commit.
        case undecided(run: String, TaskFailure)
        /// Nobody is left to work on the run. Without effect on one that is being published, which needs nobody.
        case abandoned(run: String, TaskFailure)
    }

    /// What is to be done once the step's records are durable.
    package enum Action: Sendable, Equatable {
        /// A document came whole: open a run of it, and say `opened` or `submissionRefused`.
        case open(id: String, documentPath: String, document: [UInt8], restarts: Bool)
        /// The manifest is whole and balanced: publish it, and say `published`, `failed` or `undecided`.
        case publish(run: String)
        /// Remove what the run's attempt left.
        case discard(RunStart, document: [UInt8])
        /// Open the same document again, once: its snapshots are lost. The ledger knows until then that it is due.
        case restart(RunStart, document: [UInt8])
    }

    /// For logs and metrics; nothing depends on them.
    package enum Note: Sendable, Equatable {
        case joined(node: String)
        case lost(node: String, reason: String)
        case granted(run: String, TaskSpec, epoch: Int, worker: String, isCopy: Bool)
        case accepted(run: String, TaskSpec, RowAccount, seconds: Double)
        case attemptFailed(run: String, TaskSpec, TaskFailure)
        case released(run: String, TaskSpec)
        case leaseExpired(run: String, TaskSpec)
        case fenced(node: String)
        case refused(node: String, reason: String)
        case runOver(run: String, ClusterStatus.Run.Phase)
    }

    package struct Step: Sendable, Equatable {
        package var reply: Reply?
        /// Durable before anyone hears of the step.
        package var records: [Record] = []
        package var actions: [Action] = []
        package var notes: [Note] = []

        package init(reply: Reply? = nil) {
            self.reply = reply
        }
    }

    package struct Record: Sendable, Equatable {
        package let run: String
        package let record: LedgerRecord
    }

    package struct Policy: Sendable {
        /// The coordinator serves one run and its own processes: they leave when it is over.
        package var leavesWhenDone = false
        /// Connections to one database, over all runs and workers.
        package var connectionsPerSource = 64
        package var leaseTime = Limits.leaseTime

        package init() {}
    }

    struct Node: Sendable {
        let role: Join.Role
        /// As it said when it joined; nil of one that another coordinator admitted. It asks once for each free slot anyway.
        var slots: Int?
        var processID: Int32 = 0
        var host = ""
        var lastHeard: Instant
        var disconnectedSince: Instant?
        var tokens: Set<Int64> = []
        var isDraining = false
        /// The one that was found right: computing it for each call would be most of the work.
        var credential: String?
    }

    package let epoch: Int64
    let policy: Policy
    private let key: NodeCredential
    let codec: PlanCodec
    package internal(set) var isDraining = false
    package internal(set) var runs: [String: RunSchedule] = [:]
    /// Open runs, the oldest first.
    private(set) var order: [String] = []
    /// The newest runs that ended, the oldest first.
    package private(set) var ended: [ClusterStatus.Run] = []
    var nodes: [String: Node] = [:]
    var leases: [Int64: (run: String, spec: TaskSpec)] = [:]
    /// Who has them.
    var workers: [Int64: String] = [:]
    var connections: [String: Int] = [:]
    private(set) var submissions: [String: SubmissionState] = [:]
    /// Those that came to an end here, the oldest first.
    private var settledSubmissions: [String] = []
    /// Open runs of the ledger that cannot be carried on with, and why: the first tick ends them.
    private var unfit: [(run: String, reason: String)] = []
    /// Runs that an earlier coordinator left to be begun anew.
    private let restarts: [Action]
    private var lastToken: Int64

    /// - Parameters:
    ///   - epoch: this coordinator's, higher than that of any before it on the same ledger.
    ///   - recovered: the ledger's open runs, the oldest first.
    ///   - restarts: those that lost their snapshots and are to begin anew, the oldest first.
    ///   - ages: of recovered runs, how long ago they began.
    ///   - ended: some that ended lately, the oldest first.
    package init(
        epoch: Int64, credential: NodeCredential, codec: PlanCodec = PlanCodec(), policy: Policy = Policy(),
        recovered: [RecoveredRun] = [], ages: [String: Duration] = [:], restarts: [RecoveredRun] = [],
        ended: [RunSummary] = [], now: Instant
    ) {
        self.epoch = epoch
        key = credential
        self.codec = codec
        self.policy = policy
        self.restarts = restarts.map { .restart($0.start, document: $0.document) }
        // Tokens of this epoch are higher than those of all before, without asking the ledger for each.
        lastToken = epoch << 40
        self.ended = ended.filter { !$0.state.isOpen }.suffix(Limits.endedRunsRemembered).map { ClusterStatus.Run($0) }
        for run in restarts { setRestart(of: run.start.run, as: "") }
        for run in ended { if let earlier = run.restartOf { setRestart(of: earlier, as: run.run) } }
        // A run that has begun goes on, and the others of its module wait, even an older one: runs need not be opened here
        // in the order in which the ledger heard of them.
        let begun = Set(recovered.filter(\.hasBegun).map(\.start.module))
        for run in recovered {
            let module = run.start.module
            recover(
                run, isQueued: !run.hasBegun && (begun.contains(module) || isBusy(module)),
                age: ages[run.start.run] ?? .zero, now: now)
            if let earlier = run.start.restartOf { setRestart(of: earlier, as: run.start.run) }
        }
    }

    package mutating func handle(_ event: Event, now: Instant) -> Step {
        var step = Step()
        switch event {
        case .call(let call): answer(call, now: now, &step)
        case .tick:
            for (run, reason) in unfit { fail(run, .unfit(reason), &step) }
            unfit = []
            expire(now: now, &step)
        case .drain: isDraining = true
        case .disconnected(let name): nodes[name]?.disconnectedSince = now
        case .processEnded(let processID):
            for (name, node) in nodes.sorted(by: { $0.key < $1.key }) where node.processID == processID {
                lose(name, countsAsCrash: true, reason: "process ended", now: now, &step)
            }
        case .opened(let start, let document): open(start, document, now: now, &step)
        case .submissionRefused(let id, let reason):
            settle(id, .refused(reason.shown(limit: Limits.charactersPerFailure)))
        case .known(let submission, let run): settle(submission, .opened(run: run))
        case .openingFailed(let id): forgetSubmission(id)
        case .restartFailed(let run, let failure):
            setRestart(of: run, as: nil)
            step.records.append(Record(run: run, record: .notRestarted(failure)))
        case .published(let run, let version): end(run, .published, version: version, failure: nil, &step)
        case .failed(let run, let failure, let proof): fail(run, failure, proof: proof, &step)
        // The ledger keeps it open, and whoever leads next settles it.
        case .undecided(let run, let failure): end(run, .failed, version: nil, failure: failure, &step)
        case .abandoned(let run, let failure):
            if runs[run]?.phase != .publishing { fail(run, failure, &step) }
        }
        return step
    }

    /// What a coordinator that has just taken the lead has to carry on with.
    package var pendingActions: [Action] {
        order.filter { runs[$0]!.phase == .publishing }.map { .publish(run: $0) } + restarts
    }

    // MARK: Runs

    private mutating func open(_ start: RunStart, _ document: [UInt8], now: Instant, _ step: inout Step) {
        if let submission = start.submission { settle(submission, .opened(run: start.run)) }
        guard runs[start.run] == nil, !ended.contains(where: { $0.run == start.run }) else { return }
        runs[start.run] = RunSchedule(
            start: start, document: document, isQueued: isBusy(start.module), deadline: now + Limits.attemptDeadline)
        order.append(start.run)
        if let earlier = start.restartOf { setRestart(of: earlier, as: start.run) }
    }

    private mutating func setRestart(of earlier: String, as run: String?) {
        guard let index = ended.lastIndex(where: { $0.run == earlier }) else { return }
        ended[index].restartedAs = run
    }

    // MARK: Submissions

    /// What became of a submission. The newest are remembered; of the others the ledger knows.
    private mutating func settle(_ id: String, _ state: SubmissionState) {
        submissions[id] = state
        settledSubmissions.removeAll { $0 == id }
        settledSubmissions.append(id)
        if settledSubmissions.count > Limits.submissionsRemembered {
            submissions[settledSubmissions.removeFirst()] = nil
        }
    }

    /// It is on its way: not settled yet.
    mutating func carryOn(_ id: String, _ state: SubmissionState) { submissions[id] = state }

    mutating func forgetSubmission(_ id: String) {
        submissions[id] = nil
        settledSubmissions.removeAll { $0 == id }
    }

    private func isBusy(_ module: String) -> Bool { runs.values.contains { $0.start.module == module } }

    private mutating func recover(_ run: RecoveredRun, isQueued: Bool, age: Duration, now: Instant) {
        let name = run.start.run
        order.append(name)
        if let submission = run.start.submission { settle(submission, .opened(run: name)) }
        // One that has begun to commit is over by its outcome alone, whatever its plan says.
        if run.state != .committing, let fault = RunSchedule.fault(of: run) {
            runs[name] = RunSchedule(
                start: run.start, document: run.document, isQueued: true, deadline: now + Limits.attemptDeadline)
            unfit.append((name, fault))
            return
        }
        let outline = run.plan.map { codec.encode($0.outline) } ?? []
        let state = RunSchedule(
            recovered: run, outline: outline, isQueued: isQueued, deadline: now + (Limits.attemptDeadline - age),
            term: policy.leaseTime, now: now)
        runs[name] = state
        func adopt(_ lease: TaskLease, _ spec: TaskSpec) {
            leases[lease.token] = (name, spec)
            workers[lease.token] = lease.worker
            nodes[lease.worker, default: Node(role: .of(lease.worker) ?? .worker, lastHeard: now)].tokens.insert(
                lease.token)
        }
        for lease in state.planning.leases { adopt(lease, .plan) }
        for holder in state.holders.keys where nodes[holder] == nil {
            nodes[holder] = Node(role: .keeper, lastHeard: now)
        }
        for position in state.leased {
            for lease in state.shards[position].leases {
                adopt(lease, state.specs[position])
                connections[state.sources[position], default: 0] += 1
            }
        }
    }

    /// Ends a run, whatever it is at: its leases are worth nothing from now on.
    mutating func end(
        _ name: String, _ phase: ClusterStatus.Run.Phase, version: Int?, failure: TaskFailure?, _ step: inout Step
    ) {
        guard let run = runs.removeValue(forKey: name) else { return }
        order.removeAll { $0 == name }
        for (token, place) in leases where place.run == name { forget(token) }
        for position in run.leased {
            connections[run.sources[position], default: 0] -= run.shards[position].leases.count
        }
        connections = connections.filter { $0.value > 0 }
        var status = run.status
        status.phase = phase
        status.version = version
        status.failure = failure
        status.shardsLeased = 0
        status.shardsReady = 0
        status.holders = []
        ended.append(status)
        if ended.count > Limits.endedRunsRemembered { ended.removeFirst() }
        step.notes.append(.runOver(run: name, phase))
        // One that waited itself may have ended: the module's turn is another's then.
        let waiting = order.filter { runs[$0]!.start.module == run.start.module }
        if let next = waiting.first, waiting.allSatisfy({ runs[$0]!.phase == .queued }) {
            runs[next]!.phase = .planning
        }
    }

    /// - Parameter proof: of one that was being published.
    mutating func fail(_ name: String, _ failure: TaskFailure, proof: NoVersion? = nil, _ step: inout Step) {
        guard let run = runs[name] else { return }
        step.records.append(Record(run: name, record: .aborted(failure, proof: proof)))
        step.actions.append(.discard(run.start, document: run.document))
        end(name, .failed, version: nil, failure: failure, &step)
        if failure.kind == .snapshotLost, run.start.restartsOnSnapshotLoss == true, run.start.restartOf == nil {
            setRestart(of: name, as: "")
            step.actions.append(.restart(run.start, document: run.document))
        }
    }

    mutating func nextToken() -> Int64 {
        lastToken += 1
        return lastToken
    }

    func isGenuine(_ call: Call) -> Bool {
        if let known = nodes[call.node]?.credential { return ConstantTime.areEqual(known, call.credential) }
        return key.isOf(call.node, call.credential)
    }
    func credential(of node: String) -> String { key.text(for: node) }

    // MARK: Views

    /// A run that is open or ended lately.
    package func run(_ name: String) -> ClusterStatus.Run? {
        runs[name]?.status ?? ended.last { $0.run == name }
    }

    /// A version may come into being at any moment.
    package var isPublishing: Bool { runs.values.contains { $0.phase == .publishing } }
    /// Nothing is left to be waited for. What is being published is, whoever wants to stop: only its outcome ends it.
    package var isOver: Bool { (order.isEmpty && !ended.isEmpty) || (isDraining && leases.isEmpty && !isPublishing) }
    /// No process is left to say goodbye.
    package var isQuiet: Bool { nodes.isEmpty }
    package var nodeCount: Int { nodes.count }
    package func nodeCount(_ role: Join.Role) -> Int { nodes.values.count { $0.role == role } }

    /// The age of the oldest last word, in seconds.
    package func longestSilence(now: Instant) -> Double {
        nodes.values.map { (now - $0.lastHeard).inSeconds }.max() ?? 0
    }
}

/// A submission as far as it came.
enum SubmissionState: Sendable, Equatable {
    case incomplete([UInt8], since: Instant)
    case opening
    case opened(run: String)
    case refused(String)

    var isOnItsWay: Bool {
        switch self {
        case .incomplete, .opening: true
        case .opened, .refused: false
        }
    }
}

extension ClusterStatus.Run {
    /// Of a run that ended before this coordinator led.
    init(_ summary: RunSummary) {
        self.init(
            run: summary.run, module: summary.module, phase: summary.state == .published ? .published : .failed,
            startedAt: summary.startedAt, shards: summary.shardCount, shardsDone: summary.doneCount,
            version: summary.version, failure: summary.failure)
    }
}

extension RecoveredRun {
    var hasBegun: Bool { plan != nil || planning != nil }
}

extension TaskLease {
    /// What is left of its term, if anything.
    init(_ lease: Lease, term: Duration, now: Instant) {
        self.init(
            worker: lease.worker, token: lease.token, epoch: lease.epoch, since: now,
            until: now + (term - lease.silence),
            progress: TaskProgress(token: lease.token, rows: 0, bytes: 0), isInherited: true)
    }
}
