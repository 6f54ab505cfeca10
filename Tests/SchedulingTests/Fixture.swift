import Cluster
import Model

@testable import Scheduling

/// A coordinator with helpers that read as a transcript.
struct Fixture {
    static let credential = NodeCredential(secret: Array("s3cret".utf8))

    var state: ClusterState
    var milliseconds = 0
    private var submitted = 0

    init(
        epoch: Int64 = 1, policy: ClusterState.Policy = ClusterState.Policy(), recovered: [RecoveredRun] = [],
        restarts: [RecoveredRun] = [], ended: [RunSummary] = []
    ) {
        // The time that the transcripts are written for.
        var policy = policy
        policy.leaseTime = .seconds(12)
        state = ClusterState(
            epoch: epoch, credential: Self.credential, policy: policy, recovered: recovered, restarts: restarts,
            ended: ended, now: Instant(nanoseconds: 0))
    }

    var now: Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }
    var seconds: Int {
        get { milliseconds / 1000 }
        set { milliseconds = newValue * 1000 }
    }

    // MARK: Calls

    @discardableResult
    mutating func send(_ node: String, _ request: Request) -> ClusterState.Step {
        state.handle(
            .call(Call(node: node, credential: Self.credential.text(for: node), request: request)), now: now)
    }

    @discardableResult
    mutating func tell(_ event: ClusterState.Event) -> ClusterState.Step { state.handle(event, now: now) }

    /// - Returns: the node's name.
    mutating func join(_ name: String, slots: Int = 4, process: Int32 = 0) -> String {
        let join = Join(
            role: .of(name) ?? .worker, slots: slots, processID: process, host: "here", build: ProductVersion.text)
        send(name, .join(join))
        return name
    }

    mutating func poll(_ node: String) -> Grant? {
        if case .grant(let grant) = send(node, .poll).reply { grant } else { nil }
    }

    struct NothingGranted: Error {}

    mutating func granted(_ node: String) throws -> Grant {
        guard let grant = poll(node) else { throw NothingGranted() }
        return grant
    }

    @discardableResult
    mutating func complete(_ node: String, _ grant: Grant, rows: Int64 = 10, published: Int64? = nil)
        -> ClusterState.Step
    {
        let receipt = Self.receipt(grant, rows: rows, published: published)
        return send(node, .complete(run: grant.run, token: grant.token, result: .part(receipt)))
    }

    @discardableResult
    mutating func fail(_ node: String, _ grant: Grant, _ disposition: Disposition) -> ClusterState.Step {
        send(
            node,
            .fail(
                run: grant.run, token: grant.token,
                failure: TaskFailure(kind: .source, disposition: disposition, message: "busy")))
    }

    @discardableResult
    mutating func heartbeat(_ node: String, _ grants: [Grant] = [], holding: [String] = []) -> ClusterState.Step {
        let tasks = grants.map { TaskProgress(token: $0.token, rows: 1, bytes: 1) }
        return send(node, .heartbeat(tasks: tasks, holding: holding))
    }

    @discardableResult
    mutating func heartbeat(_ node: String, tokens: [Int64]) -> ClusterState.Step {
        send(node, .heartbeat(tasks: tokens.map { TaskProgress(token: $0, rows: 1, bytes: 1) }, holding: []))
    }

    /// Lets time pass, a tick each second; those named say each second what they have.
    mutating func pass(_ seconds: Int, alive: [(node: String, grants: [Grant], holding: [String])] = [])
        -> [ClusterState.Step]
    {
        (0..<seconds).map { _ in
            milliseconds += 1000
            for node in alive { heartbeat(node.node, node.grants, holding: node.holding) }
            return tell(.tick)
        }
    }

    // MARK: Runs

    static func start(_ run: String, module: String = "m", submission: String? = nil, restarts: Bool = false)
        -> RunStart
    {
        RunStart(
            run: run, module: module, attempt: "attempt-\(run)", documentDigest: "", startedAt: "", actor: "",
            submission: submission, restartsOnSnapshotLoss: restarts)
    }

    mutating func open(_ run: String = "run-1", module: String = "m", restarts: Bool = false) {
        tell(.opened(Self.start(run, module: module, restarts: restarts), document: Array("format: 1".utf8)))
    }

    /// Opens a run and lets a keeper plan `shards` shards of the given sizes.
    @discardableResult
    mutating func planned(
        sizes: [Int64], run: String = "run-1", module: String = "m", isDatabase: Bool = true, restarts: Bool = false,
        keeper: String = "keeper-1"
    ) -> String {
        open(run, module: module, restarts: restarts)
        _ = join(keeper)
        var grant = poll(keeper)!
        // Of other runs: each asks once.
        for _ in 0..<8 where grant.task == .hold {
            send(keeper, .complete(run: grant.run, token: grant.token, result: .held([])))
            grant = poll(keeper)!
        }
        precondition(grant.task == .plan && grant.run == run)
        plan(grant, Self.plan(sizes: sizes, isDatabase: isDatabase, module: module), keeper)
        return keeper
    }

    mutating func plan(_ grant: Grant, _ plan: RunPlan, _ keeper: String) {
        let bytes = PlanCodec().encode(plan)
        send(
            keeper,
            .upload(run: grant.run, token: grant.token, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
        send(keeper, .complete(run: grant.run, token: grant.token, result: .plan))
    }

    func phase(_ run: String = "run-1") -> RunSchedule.Phase? { state.runs[run]?.phase }
    func ended(_ run: String = "run-1") -> ClusterStatus.Run? { state.ended.first { $0.run == run } }

    static func receipt(_ grant: Grant, rows: Int64 = 10, published: Int64? = nil) -> PartReceipt {
        guard case .shard(let table, let index) = grant.task else { preconditionFailure("not a shard") }
        return PartReceipt(
            table: table, shard: index, epoch: grant.epoch, stagedPath: "x", byteCount: 1,
            sha256: String(repeating: "0", count: 64),
            rows: RowAccount(read: rows, published: published ?? rows), rules: [])
    }

    /// A column with one step.
    static func column(_ name: String) -> ColumnPlan {
        ColumnPlan(
            name: name, type: .text, isProtected: false, sourceColumn: name, sourceType: "text", mapping: nil,
            steps: [StepPlan(verb: "trim", summary: "trim", effect: .clean, mapping: .lossy, method: "trim")])
    }

    /// One table `t`.
    static func plan(
        sizes: [Int64], isDatabase: Bool, module: String = "m", snapshots: [String] = ["1"],
        snapshotText: String = "1:1:"
    ) -> RunPlan {
        let identity = PostgresIdentity(
            name: "source", host: "h", port: 1, database: "d", serverVersion: "15", systemIdentifier: nil,
            serverStart: "", isolation: "repeatable read", snapshots: snapshots, snapshotText: snapshotText,
            walPosition: "0/0")
        let shards = sizes.enumerated().map {
            Shard(index: $0.offset, piece: .query, estimatedRows: 10, estimatedBytes: $0.element)
        }
        return RunPlan(
            about: ModuleAbout(module: module, title: "M", description: "", documentDigest: ""), codec: .lz4,
            sources: [isDatabase ? .postgres(identity) : .files(FilesIdentity(name: "source", files: [], dialect: ""))],
            keys: [],
            tables: [
                TablePlan(
                    name: "t", source: "source", origin: "public.t", statement: nil, schemaFingerprint: "",
                    columns: [], droppedColumns: [], shards: shards, estimatedRows: 0, estimatedBytes: 0)
            ], warnings: [])
    }
}

extension ClusterState.Step {
    var publishes: Bool { actions.contains { if case .publish = $0 { true } else { false } } }
    var restarts: Bool { actions.contains { if case .restart = $0 { true } else { false } } }
    var aborts: Bool { records.contains { if case .aborted = $0.record { true } else { false } } }
}
