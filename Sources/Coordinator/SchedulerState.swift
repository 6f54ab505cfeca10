package import Cluster
package import Model

/// What the coordinator knows of a run and decides from it: a value, `(event, now) → step`. No clock, no socket, no disk.
///
///     planning → extracting → sealed → published
///         any  → failed
///
/// A shard is ready, leased or done. Its attempts are numbered by epochs; the newest attempt's token is the only one that
/// counts, so late, doubled and foreign messages change nothing.
package struct SchedulerState: Sendable {
    package enum Phase: Sendable, Equatable {
        case planning, extracting, sealed, published(version: Int), failed(TaskFailure)
    }

    package enum Event: Sendable, Equatable {
        case request(Request)
        /// Time has passed.
        case tick
        /// The operator asked to stop: what runs is finished or handed back, nothing new is granted.
        case drain
        /// A process that the coordinator's host started has ended.
        case processEnded(processID: Int32)
        case published(version: Int)
        case publishingFailed(TaskFailure)
    }

    /// What is written to the ledger before anyone hears of the step.
    package enum Record: Sendable, Equatable {
        case joined(worker: String, role: String)
        case lost(worker: String, reason: String)
        case planned(RunPlan)
        case granted(TaskSpec, epoch: Int, token: Int64, worker: String)
        case accepted(PartReceipt)
        case attemptFailed(TaskSpec, epoch: Int, TaskFailure)
        case released(TaskSpec, epoch: Int)
        case fenced(token: Int64)
        case sealed(rows: RowAccount)
        case published(version: Int)
        case failed(TaskFailure)
    }

    package struct Step: Sendable, Equatable {
        package var reply: Reply?
        package var records: [Record] = []
        /// The manifest is whole and balanced: publish it.
        package var publishes = false

        package init(reply: Reply? = nil) {
            self.reply = reply
        }
    }

    struct Node: Sendable {
        var role: Join.Role
        var processID: Int32
        var lastHeard: Instant
        var isDraining = false
    }

    struct Task: Sendable {
        enum State: Sendable, Equatable {
            case ready(from: Instant)
            case leased(worker: String, token: Int64, until: Instant)
            case done
        }
        var state: State
        var epoch = 0
        var crashes = 0
        var failures = 0
        var weight: Int64 = 0
        var progress = TaskProgress(token: 0, rows: 0, bytes: 0)
    }

    package let run: String
    private let secret: String
    package private(set) var phase: Phase = .planning
    package private(set) var plan: RunPlan?
    package private(set) var receipts: [TaskSpec: PartReceipt] = [:]
    package private(set) var isDraining = false
    private(set) var nodes: [String: Node] = [:]
    private(set) var tasks: [TaskSpec: Task]
    /// Shards in the order in which they are granted: largest first.
    private var order: [TaskSpec] = [.plan]
    private var lastToken: Int64 = 0
    private var nodesSeen = 0
    private var upload: [UInt8] = []
    private let document: [UInt8]
    private let documentPath: String
    private var planBytes: [UInt8] = []
    private let codec: PlanCodec

    /// - `document`: the pipeline document as written, with its replacements still to be made.
    package init(run: String, secret: String, document: [UInt8], documentPath: String, codec: PlanCodec, now: Instant) {
        self.run = run
        self.secret = secret
        self.document = document
        self.documentPath = documentPath
        self.codec = codec
        tasks = [.plan: Task(state: .ready(from: now))]
    }

    package mutating func handle(_ event: Event, now: Instant) -> Step {
        switch event {
        case .request(let request): return answer(request, now: now)
        case .tick: return expire(now: now)
        case .drain:
            isDraining = true
            return Step()
        case .processEnded(let processID): return processEnded(processID, now: now)
        case .published(let version):
            phase = .published(version: version)
            var step = Step()
            step.records = [.published(version: version)]
            return step
        case .publishingFailed(let failure):
            var step = Step()
            fail(failure, &step)
            return step
        }
    }

    /// No process holds a task any more and none is left to say goodbye.
    package var isQuiet: Bool { nodes.isEmpty }

    package var isOver: Bool {
        switch phase {
        case .published, .failed: true
        case .planning, .extracting, .sealed: isDraining && !tasks.values.contains { $0.isLeased }
        }
    }
}

// MARK: - Requests

extension SchedulerState {
    private mutating func answer(_ request: Request, now: Instant) -> Step {
        if case .join(let join) = request { return admit(join, now: now) }
        guard let worker = request.worker, nodes[worker] != nil else {
            return Step(reply: .refused(reason: "unknown worker: join first"))
        }
        nodes[worker]!.lastHeard = now
        switch request {
        case .join: return Step()
        case .poll: return grant(to: worker, now: now)
        case .heartbeat(_, let progress): return extend(progress, of: worker, now: now)
        case .fetch(_, let text, let offset): return slice(text, from: offset)
        case .upload(_, let token, let offset, let total, let bytes):
            return receive(bytes, at: offset, of: total, token: token, from: worker)
        case .complete(_, let token, let result): return complete(result, token: token, from: worker, now: now)
        case .fail(_, let token, let failure): return attemptFailed(failure, token: token, from: worker, now: now)
        case .release(_, let token): return release(token, from: worker, now: now)
        case .leave:
            var step = Step(reply: .accepted)
            lose(worker, countsAsCrash: false, reason: "left", now: now, &step)
            return step
        }
    }

    private mutating func admit(_ join: Join, now: Instant) -> Step {
        guard Self.areEqual(join.secret, secret) else { return Step(reply: .refused(reason: "wrong join secret")) }
        guard join.build == ProductVersion.text else {
            return Step(reply: .refused(reason: "this coordinator is \(ProductVersion.text), the worker \(join.build)"))
        }
        nodesSeen += 1
        let name = "\(join.role.rawValue)-\(nodesSeen)"
        nodes[name] = Node(role: join.role, processID: join.processID, lastHeard: now)
        var step = Step(reply: .welcome(worker: name, run: run, documentPath: documentPath))
        step.records = [.joined(worker: name, role: join.role.rawValue)]
        return step
    }

    /// Compares without telling by its time how much was right.
    private static func areEqual(_ a: String, _ b: String) -> Bool {
        let (x, y) = (Array(a.utf8), Array(b.utf8))
        guard x.count == y.count else { return false }
        return zip(x, y).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private mutating func grant(to worker: String, now: Instant) -> Step {
        let node = nodes[worker]!
        let isFinished: Bool
        switch phase {
        // Readers that finish their shards need the snapshots until they have.
        case .planning, .extracting: isFinished = isDraining && (node.role == .worker || !hasLeasedShards)
        // The keeper may let go of its snapshots as soon as every shard is read.
        case .sealed, .published, .failed: isFinished = true
        }
        if isFinished {
            nodes[worker]!.isDraining = true
            return Step(reply: .drain)
        }
        let next = isDraining ? nil : order.first { spec in
            guard case .ready(let from) = tasks[spec]!.state, from <= now else { return false }
            return (spec == .plan) == (node.role == .keeper)
        }
        guard let next else { return Step(reply: .noWork(retryAfterMilliseconds: Limits.pollInterval.inMilliseconds)) }
        lastToken += 1
        var task = tasks[next]!
        task.epoch += 1
        task.state = .leased(worker: worker, token: lastToken, until: now + Limits.leaseTime)
        task.progress = TaskProgress(token: lastToken, rows: 0, bytes: 0)
        tasks[next] = task
        var step = Step(reply: .grant(Grant(task: next, epoch: task.epoch, token: lastToken, attempt: run)))
        step.records = [.granted(next, epoch: task.epoch, token: lastToken, worker: worker)]
        return step
    }

    private mutating func extend(_ progress: [TaskProgress], of worker: String, now: Instant) -> Step {
        var revoked: [Int64] = []
        for item in progress {
            guard let spec = holder(of: item.token, worker) else {
                revoked.append(item.token)
                continue
            }
            tasks[spec]!.state = .leased(worker: worker, token: item.token, until: now + Limits.leaseTime)
            tasks[spec]!.progress = item
        }
        if case .failed = phase { revoked = progress.map(\.token) }
        return Step(reply: .alive(revoked: revoked, isDraining: isDraining))
    }

    private func slice(_ text: SharedText, from offset: Int) -> Step {
        let bytes = text == .document ? document : planBytes
        guard offset >= 0, offset <= bytes.count else { return Step(reply: .refused(reason: "no such offset")) }
        let end = min(bytes.count, offset + Limits.bytesPerFetchedSlice)
        return Step(reply: .slice(bytes: Base64.encode(bytes[offset..<end]), total: bytes.count))
    }

    private mutating func receive(_ text: String, at offset: Int, of total: Int, token: Int64, from worker: String) -> Step {
        guard holder(of: token, worker) == .plan else { return fenced(token) }
        guard let bytes = Base64.decode(text), offset <= upload.count, offset + bytes.count <= total else {
            return Step(reply: .refused(reason: "a slice that does not fit"))
        }
        // A repeated slice overwrites itself.
        upload.removeSubrange(offset...)
        upload += bytes
        return Step(reply: .accepted)
    }

    private mutating func complete(_ result: TaskResult, token: Int64, from worker: String, now: Instant) -> Step {
        guard let spec = holder(of: token, worker) else {
            // The same receipt again: the first answer was lost.
            if case .part(let receipt) = result,
                receipts[.shard(table: receipt.table, index: receipt.shard)] == receipt
            {
                return Step(reply: .accepted)
            }
            return fenced(token)
        }
        var step = Step(reply: .accepted)
        switch (result, spec) {
        case (.plan, .plan):
            guard let plan = codec.decode(upload) else { return Step(reply: .refused(reason: "an unreadable plan")) }
            adopt(plan, now: now, &step)
        case (.part(let receipt), .shard(let table, let index))
        where receipt.table == table && receipt.shard == index && receipt.epoch == tasks[spec]!.epoch:
            guard receipt.rows.isBalanced else {
                step.reply = .refused(reason: "the receipt's rows do not add up")
                fail(
                    TaskFailure(
                        kind: .worker, disposition: .failRun,
                        message: "table \(table), shard \(index): rows read are not published + quarantined + suppressed + filtered"),
                    &step)
                return step
            }
            receipts[spec] = receipt
            tasks[spec]!.state = .done
            step.records.append(.accepted(receipt))
            sealIfWhole(&step)
        default:
            step.reply = .refused(reason: "a result of another task")
        }
        return step
    }

    private mutating func adopt(_ plan: RunPlan, now: Instant, _ step: inout Step) {
        self.plan = plan
        planBytes = upload
        upload = []
        tasks[.plan]!.state = .done
        for table in plan.tables {
            for shard in table.shards {
                tasks[.shard(table: table.name, index: shard.index)] = Task(
                    state: .ready(from: now), weight: shard.estimatedBytes)
            }
        }
        // Largest first, so that no worker is left with a big one at the end; equal ones in plan order.
        let shards = plan.tables.flatMap { table in
            table.shards.map { (TaskSpec.shard(table: table.name, index: $0.index), $0.estimatedBytes) }
        }
        order = [.plan] + shards.enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
            .map(\.element.0)
        phase = .extracting
        step.records.append(.planned(plan))
        sealIfWhole(&step)
    }

    private mutating func sealIfWhole(_ step: inout Step) {
        guard phase == .extracting, tasks.values.allSatisfy({ $0.state == .done }) else { return }
        phase = .sealed
        step.records.append(.sealed(rows: receipts.values.reduce(RowAccount()) { $0 + $1.rows }))
        step.publishes = true
    }

    private mutating func attemptFailed(_ failure: TaskFailure, token: Int64, from worker: String, now: Instant) -> Step {
        guard let spec = holder(of: token, worker) else { return fenced(token) }
        var step = Step(reply: .accepted)
        tasks[spec]!.failures += 1
        step.records = [.attemptFailed(spec, epoch: tasks[spec]!.epoch, failure)]
        let failures = tasks[spec]!.failures
        if failure.disposition == .failRun || spec == .plan || failures >= Limits.failuresPerShard {
            fail(failure, &step)
        } else {
            let pause = Duration.milliseconds(min(200 << min(failures, 6), 10_000))
            tasks[spec]!.state = .ready(from: now + pause)
        }
        return step
    }

    private mutating func release(_ token: Int64, from worker: String, now: Instant) -> Step {
        guard let spec = holder(of: token, worker) else { return fenced(token) }
        tasks[spec]!.state = .ready(from: now)
        var step = Step(reply: .accepted)
        step.records = [.released(spec, epoch: tasks[spec]!.epoch)]
        return step
    }

    private var hasLeasedShards: Bool { tasks.values.contains(where: \.isLeased) }

    private func fenced(_ token: Int64) -> Step {
        var step = Step(reply: .fenced)
        step.records = [.fenced(token: token)]
        return step
    }

    /// The task whose current lease has this token and worker; nil for everything late or foreign.
    private func holder(of token: Int64, _ worker: String) -> TaskSpec? {
        tasks.first { _, task in
            if case .leased(worker, token, _) = task.state { true } else { false }
        }?.key
    }
}

// MARK: - Time and death

extension SchedulerState {
    private mutating func expire(now: Instant) -> Step {
        var step = Step()
        for (name, node) in nodes.sorted(by: { $0.key < $1.key }) where now - node.lastHeard > Limits.leaseTime {
            lose(name, countsAsCrash: true, reason: "silent", now: now, &step)
        }
        return step
    }

    private mutating func processEnded(_ processID: Int32, now: Instant) -> Step {
        var step = Step()
        for (name, node) in nodes where node.processID == processID {
            lose(name, countsAsCrash: true, reason: "process ended", now: now, &step)
        }
        return step
    }

    private mutating func lose(
        _ worker: String, countsAsCrash: Bool, reason: String, now: Instant, _ step: inout Step
    ) {
        guard let node = nodes.removeValue(forKey: worker) else { return }
        step.records.append(.lost(worker: worker, reason: reason))
        for (spec, task) in tasks {
            guard case .leased(worker, _, _) = task.state else { continue }
            tasks[spec]!.state = .ready(from: now)
            step.records.append(.released(spec, epoch: task.epoch))
            guard countsAsCrash else { continue }
            tasks[spec]!.crashes += 1
            if tasks[spec]!.crashes >= Limits.crashesPerShard {
                fail(
                    TaskFailure(
                        kind: .worker, disposition: .failRun,
                        message: "\(spec.words): three workers died on it; it is not tried on a fourth"), &step)
            }
        }
        // The snapshots went with their keeper: a fresh one would be another state of the source.
        if node.role == .keeper, phase == .extracting, plan?.needsKeeper == true, !isDraining || hasLeasedShards {
            fail(
                TaskFailure(
                    kind: .snapshotLost, disposition: .failRun,
                    message: "the keeper of the sources' snapshots is gone; shards of two snapshots are never mixed"), &step)
        }
    }

    private mutating func fail(_ failure: TaskFailure, _ step: inout Step) {
        if case .failed = phase { return }
        if case .published = phase { return }
        phase = .failed(failure)
        step.records.append(.failed(failure))
    }
}

// MARK: - Views

extension SchedulerState {
    package struct Progress: Sendable, Equatable {
        package var shardsDone = 0
        package var shardsRunning = 0
        package var shards = 0
        package var rows: Int64 = 0
        package var bytes: Int64 = 0
        package var estimatedRows: Int64 = 0
        package var estimatedBytes: Int64 = 0
        package var workers = 0
    }

    package var progress: Progress {
        var progress = Progress()
        for (spec, task) in tasks where spec != .plan {
            progress.shards += 1
            switch task.state {
            case .done:
                progress.shardsDone += 1
                progress.rows += receipts[spec]?.rows.read ?? 0
                progress.bytes += task.weight
            case .leased:
                progress.shardsRunning += 1
                progress.rows += task.progress.rows
                progress.bytes += task.progress.bytes
            case .ready: break
            }
        }
        progress.estimatedRows = plan?.tables.reduce(0) { $0 + $1.estimatedRows } ?? 0
        progress.estimatedBytes = plan?.tables.reduce(0) { $0 + $1.estimatedBytes } ?? 0
        progress.workers = nodes.values.count { $0.role == .worker }
        return progress
    }

    /// The accepted receipts, in the plan's order: the manifest.
    package var manifest: [PartReceipt] {
        (plan?.tables ?? []).flatMap { table in
            table.shards.compactMap { receipts[.shard(table: table.name, index: $0.index)] }
        }
    }
}

extension SchedulerState.Task {
    var isLeased: Bool { if case .leased = state { true } else { false } }
}

extension RunPlan {
    /// A database's state is held by a transaction; files are checked by their digests.
    var needsKeeper: Bool {
        sources.contains { if case .postgres = $0 { true } else { false } }
    }
}

extension Request {
    var worker: String? {
        switch self {
        case .join: nil
        case .poll(let worker), .heartbeat(let worker, _), .fetch(let worker, _, _), .upload(let worker, _, _, _, _),
            .complete(let worker, _, _), .fail(let worker, _, _), .release(let worker, _), .leave(let worker):
            worker
        }
    }
}
