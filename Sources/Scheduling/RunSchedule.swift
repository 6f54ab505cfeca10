internal import Cluster
package import Model

/// What the coordinator knows of one open run: a value.
///
///     queued → planning → extracting → publishing → (over)
///        any → (over)
///
/// A run waits in `queued` while another of its module is open. Shards are handed out while `extracting`; when each has
/// its one accepted receipt the run is sealed and published.
package struct RunSchedule: Sendable {
    package enum Phase: String, Sendable { case queued, planning, extracting, publishing }

    /// A keeper that holds the run's snapshots.
    struct Holder: Sendable, Equatable {
        var snapshots: [SnapshotHold]
        /// Since when, and how many heartbeats in a row came without the run.
        var since: Instant
        var silences = 0
    }

    package let start: RunStart
    package let document: [UInt8]
    package internal(set) var phase: Phase
    /// From then on nothing of the run can be published: it ends without being read to its end.
    let deadline: Instant
    package internal(set) var plan: RunPlan?
    /// The plan without its shards, as workers fetch it.
    private(set) var outlineBytes: [UInt8] = []
    /// The planning task; never done while there is no plan.
    var planning = ShardTask(weight: 0)
    /// A keeper is on its way to become the second holder.
    var holding: TaskLease?
    var holders: [String: Holder] = [:]
    var upload: [UInt8] = []
    private(set) var shards: [ShardTask] = []
    private(set) var specs = ShardPlaces()
    private var packer = ReceiptPacker()
    /// By source: `host:port/database`, or empty for files.
    private var queues: [String: ShardQueue] = [:]
    private(set) var sources: [String] = []
    private(set) var doneCount = 0
    /// Positions of the shards that somebody works on.
    private(set) var leased: Set<Int> = []
    private(set) var rowsOfDone = RowAccount()
    /// By table.
    private var tallies: [String: DropTally] = [:]
    private var bytesOfDone: Int64 = 0
    /// In nanoseconds, of accepted attempts.
    private var durations: [Int64] = []
    /// What all but the slowest twentieth took when so many were known; sorting them for each question would cost too much.
    private var usual: (count: Int, nanoseconds: Int64) = (0, 0)

    init(start: RunStart, document: [UInt8], isQueued: Bool, deadline: Instant) {
        self.start = start
        self.deadline = deadline
        self.document = document
        phase = isQueued ? .queued : .planning
    }

    package var id: String { start.run }
    package var readyCount: Int { shards.count - doneCount - leased.count }
    package var leasedCount: Int { leased.count }
    package var shardCount: Int { shards.count }
    var isWhole: Bool { phase == .extracting && doneCount == shards.count }
    /// Why the run, once whole, is not to be published: more rows were dropped than may be.
    var dropFailure: TaskFailure? {
        for table in plan?.tables ?? [] {
            if let failure = tallies[table.name]?.failure(of: table) { return failure }
        }
        return nil
    }
    /// A database's state is held by a transaction; files are checked by their digests.
    var needsKeeper: Bool {
        plan?.sources.contains { if case .postgres = $0 { true } else { false } } ?? false
    }

    /// The accepted receipts, in the plan's order: the manifest. What rules did is in the first one of each table, for all of
    /// them: nothing that is published says it of one shard, and apart it would be most of the manifest.
    ///
    /// - Cost: every receipt is unpacked.
    package var manifest: [PartReceipt] {
        var manifest: [PartReceipt] = []
        manifest.reserveCapacity(doneCount)
        var sums: [String: RuleSums] = [:]
        for shard in shards {
            guard var receipt = shard.receipt else { continue }
            sums[receipt.table, default: RuleSums(first: manifest.count)].add(receipt.rules)
            receipt.rules = []
            manifest.append(receipt)
        }
        for sum in sums.values { manifest[sum.first].rules = sum.rules }
        return manifest
    }
    /// Ids of the snapshots beside those of the plan.
    var snapshots: [SnapshotHold] { holders.sorted { $0.key < $1.key }.flatMap(\.value.snapshots) }

    func position(of spec: TaskSpec) -> Int? { specs.position(of: spec) }

    /// What the plan says of a shard.
    func description(of spec: TaskSpec) -> Shard? {
        guard case .shard(_, let index) = spec else { return nil }
        return table(of: spec)?.shards[index]
    }

    func table(of spec: TaskSpec) -> TablePlan? {
        guard case .shard(let name, _) = spec else { return nil }
        return plan?.tables.first { $0.name == name }
    }

    /// Whether these can be ids of the run's snapshots: of its sources, and no more than fit every grant.
    func mayBeHeld(_ snapshots: [SnapshotHold]) -> Bool {
        let names = Set(plan?.sources.map(\.name) ?? [])
        return snapshots.allSatisfy { names.contains($0.source) }
            && snapshots.reduce(0) { $0 + $1.source.utf8.count + $1.snapshot.utf8.count } <= Limits.bytesPerHold
    }

    // MARK: Changes

    mutating func adopt(_ plan: RunPlan, outline: [UInt8]) {
        self.plan = plan
        outlineBytes = outline
        upload = []
        planning.leases = []
        phase = .extracting
        let places = Dictionary(plan.sources.map { ($0.name, $0.budgetKey) }, uniquingKeysWith: { first, _ in first })
        specs = ShardPlaces(plan)
        for table in plan.tables {
            for shard in table.shards {
                sources.append(places[table.source] ?? "")
                shards.append(ShardTask(weight: shard.estimatedBytes))
            }
        }
        makeQueues()
    }

    private mutating func makeQueues() {
        var waiting: [String: [Int]] = [:]
        for position in shards.indices where !shards[position].isDone && shards[position].leases.isEmpty {
            waiting[sources[position], default: []].append(position)
        }
        queues = waiting.mapValues { positions in
            ShardQueue(order: positions.sorted { (shards[$1].weight, $0) < (shards[$0].weight, $1) })
        }
    }

    /// Takes a shard that waits, of a source that has a connection to spare.
    mutating func take(for worker: String, now: Instant, isFree: (_ source: String) -> Bool, isAlone: Bool) -> Int? {
        guard phase == .extracting, !needsKeeper || !holders.isEmpty else { return nil }
        let shards = shards
        for source in queues.keys.sorted() where isFree(source) {
            if let position = queues[source]!.take(
                now: now, where: { isAlone || shards[$0].avoids != worker })
            {
                return position
            }
        }
        return nil
    }

    mutating func lease(_ position: Int, _ lease: TaskLease) {
        leased.insert(position)
        shards[position].leases.append(lease)
        shards[position].epoch = lease.epoch
    }

    /// A node named its lease.
    ///
    /// - Returns: whether it is the first word of an inherited one.
    mutating func update(_ position: Int, token: Int64, until: Instant, progress: TaskProgress) -> Bool {
        guard let index = shards[position].leases.firstIndex(where: { $0.token == token }) else { return false }
        defer { shards[position].leases[index].isInherited = false }
        shards[position].leases[index].until = until
        // What a node says of itself is summed with what others say.
        shards[position].leases[index].progress = TaskProgress(
            token: token, rows: max(0, min(progress.rows, Limits.countPerPart)),
            bytes: max(0, min(progress.bytes, Limits.countPerPart)))
        return shards[position].leases[index].isInherited
    }

    /// Takes a piece of a long receipt. A repeated one overwrites itself.
    ///
    /// - Returns: false: it does not follow what came before, or is more than a receipt of this table has.
    mutating func receive(_ bytes: [UInt8], at offset: Int, total: Int, of position: Int, token: Int64) -> Bool {
        guard case .shard(let name, _) = specs[position], let table = plan?.tables.first(where: { $0.name == name }),
            let index = shards[position].leases.firstIndex(where: { $0.token == token }), offset >= 0,
            offset <= shards[position].leases[index].upload.count,
            total <= min(table.longestReceipt, Limits.bytesPerReceipt), bytes.count <= total,
            offset <= total - bytes.count
        else { return false }
        shards[position].leases[index].upload.removeSubrange(offset...)
        shards[position].leases[index].upload += bytes
        return true
    }

    /// Ends a lease without a part; the shard waits again when no other attempt is at it.
    mutating func endLease(
        _ position: Int, token: Int64, readyFrom: Instant, countsAs: LeaseEnd, avoiding: String? = nil
    ) {
        guard let index = shards[position].leases.firstIndex(where: { $0.token == token }) else { return }
        shards[position].leases.remove(at: index)
        switch countsAs {
        case .nothing: break
        case .crash: shards[position].crashes += 1
        case .failure: shards[position].failures += 1
        }
        if let avoiding { shards[position].avoids = avoiding }
        guard shards[position].leases.isEmpty else { return }
        leased.remove(position)
        queues[sources[position], default: ShardQueue(order: [])].putBack(position, from: readyFrom)
    }

    enum LeaseEnd { case nothing, crash, failure }

    /// - Returns: the tokens of this and of other attempts at the shard, which are worth nothing any more.
    mutating func accept(_ receipt: PartReceipt, at position: Int, token: Int64, now: Instant) -> [Int64] {
        let tokens = shards[position].leases.map(\.token)
        if let lease = shards[position].lease(token) { durations.append((now - lease.since).inNanoseconds) }
        leased.remove(position)
        shards[position].leases = []
        shards[position].packed = packer.pack(receipt)
        doneCount += 1
        rowsOfDone = rowsOfDone + receipt.rows
        tallies[receipt.table, default: DropTally()].add(receipt)
        bytesOfDone = bytesOfDone.saturatingSum(shards[position].weight)
        return tokens
    }

    /// A shard in hand that takes more than twice as long as all but the slowest twentieth took, when no shard waits and
    /// nearly all are done: worth a second attempt elsewhere. The same bytes come out; the first receipt counts.
    mutating func straggler(for worker: String, now: Instant) -> Int? {
        guard phase == .extracting, readyCount == 0, !leased.isEmpty, durations.count >= 3,
            leased.count * 10 <= max(shards.count, 10)
        else { return nil }
        if durations.count > usual.count + usual.count / 50 {
            usual = (durations.count, durations.sorted()[durations.count * 95 / 100])
        }
        let limit = max(2 * usual.nanoseconds, Limits.leastStragglerAge.inNanoseconds)
        var slowest: (position: Int, age: Int64)?
        for position in leased.sorted() where shards[position].leases.count == 1 {
            let lease = shards[position].leases[0]
            let age = (now - lease.since).inNanoseconds
            guard lease.worker != worker, age > limit, age > slowest?.age ?? 0 else { continue }
            slowest = (position, age)
        }
        return slowest?.position
    }

    // MARK: Recovery and views

    /// Why a run of the ledger cannot be carried on with; nil when it can. A build before this one may have adopted what
    /// this one does not.
    static func fault(of run: RecoveredRun) -> String? {
        if let fault = run.plan?.fault { return fault }
        let tables = Dictionary(run.plan?.tables.map { ($0.name, $0) } ?? [], uniquingKeysWith: { first, _ in first })
        for state in run.shards {
            guard let table = tables[state.table], table.shards.indices.contains(state.shard) else {
                return "\(state.table), shard \(state.shard): not in its plan"
            }
            if let receipt = state.receipt, !receipt.isSound || !receipt.fits(table) {
                return "\(state.table), shard \(state.shard): its receipt is out of bounds"
            }
        }
        return nil
    }

    /// Every lease that the ledger knows lives on, for one full term from the first take-over after which no coordinator
    /// heard of it: further ones do not make it longer.
    init(
        recovered run: RecoveredRun, outline: [UInt8], isQueued: Bool, deadline: Instant, term: Duration, now: Instant
    ) {
        self.init(start: run.start, document: run.document, isQueued: isQueued, deadline: deadline)
        if let plan = run.plan { adopt(plan, outline: outline) }
        if let lease = run.planning {
            planning.epoch = lease.epoch
            if plan == nil { planning.leases = [TaskLease(lease, term: term, now: now)] }
        }
        for (name, snapshots) in run.holders { holders[name] = Holder(snapshots: snapshots, since: now) }
        for state in run.shards {
            guard let position = specs.position(of: .shard(table: state.table, index: state.shard)) else { continue }
            shards[position].epoch = state.highestEpoch
            shards[position].failures = state.failures
            if let packed = state.packed {
                let receipt = packed.receipt
                shards[position].packed = packed
                doneCount += 1
                rowsOfDone = rowsOfDone + receipt.rows
                tallies[receipt.table, default: DropTally()].add(receipt)
                bytesOfDone = bytesOfDone.saturatingSum(shards[position].weight)
            } else if !state.leases.isEmpty {
                shards[position].leases = state.leases.map { TaskLease($0, term: term, now: now) }
                leased.insert(position)
            }
        }
        makeQueues()
        if run.state == .sealed || run.state == .committing { phase = .publishing }
    }

    var status: ClusterStatus.Run {
        var status = ClusterStatus.Run(
            run: start.run, module: start.module, phase: ClusterStatus.Run.Phase(phase), startedAt: start.startedAt)
        status.shards = shards.count
        status.shardsReady = readyCount
        status.shardsLeased = leased.count
        status.shardsDone = doneCount
        status.rows = rowsOfDone.read
        status.rowsDropped = rowsOfDone.dropped
        status.bytes = bytesOfDone
        for position in leased {
            status.rows = status.rows.saturatingSum(shards[position].leases.map(\.progress.rows).max() ?? 0)
            status.bytes = status.bytes.saturatingSum(shards[position].leases.map(\.progress.bytes).max() ?? 0)
        }
        status.estimatedRows = plan?.tables.reduce(0) { $0.saturatingSum($1.estimatedRows) } ?? 0
        status.estimatedBytes = plan?.tables.reduce(0) { $0.saturatingSum($1.estimatedBytes) } ?? 0
        status.holders = holders.keys.sorted()
        return status
    }
}

/// What the rules of one table did, over its receipts.
private struct RuleSums {
    /// Where the table's first receipt is.
    let first: Int
    private(set) var rules: [RuleCount] = []

    init(first: Int) { self.first = first }

    mutating func add(_ counts: [RuleCount]) {
        for (index, count) in counts.enumerated() {
            // At the same place as in the receipt before, unless another rule was counted there.
            let isInPlace =
                index < rules.count && rules[index].step == count.step && rules[index].column == count.column
            let known = isInPlace ? index : rules.firstIndex { $0.step == count.step && $0.column == count.column }
            guard let known else {
                rules.append(count)
                continue
            }
            rules[known].rowsIn = rules[known].rowsIn.saturatingSum(count.rowsIn)
            rules[known].changed = rules[known].changed.saturatingSum(count.changed)
            rules[known].nulls = rules[known].nulls.saturatingSum(count.nulls)
            rules[known].nulled = rules[known].nulled.saturatingSum(count.nulled)
            rules[known].dropped = rules[known].dropped.saturatingSum(count.dropped)
        }
    }
}

extension SourceIdentity {
    /// What a budget of connections belongs to; empty for files.
    var budgetKey: String {
        switch self {
        case .postgres(let identity): "\(identity.host):\(identity.port)/\(identity.database)"
        case .files: ""
        }
    }
}

extension ClusterStatus.Run.Phase {
    init(_ phase: RunSchedule.Phase) {
        self =
            switch phase {
            case .queued: .queued
            case .planning: .planning
            case .extracting: .extracting
            case .publishing: .publishing
            }
    }
}
