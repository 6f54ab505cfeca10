import Cluster
import Model

@testable import Coordinator

/// A scheduler with helpers that read as a transcript.
struct Fixture {
    var state: SchedulerState
    var seconds = 0

    init() {
        state = SchedulerState(
            run: "run-1", secret: "s3cret", document: Array("format: 1".utf8), documentPath: "clinic.yaml",
            codec: PlanCodec(), now: Instant(nanoseconds: 0))
    }

    var now: Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    mutating func send(_ request: Request) -> SchedulerState.Step { state.handle(.request(request), now: now) }

    mutating func join(_ role: Join.Role, process: Int32 = 1) -> String {
        guard
            case .welcome(let name, _, _) = send(
                .join(
                    Join(secret: "s3cret", role: role, processID: process, host: "here", build: ProductVersion.text))
            ).reply
        else { return "" }
        return name
    }

    mutating func poll(_ worker: String) -> Grant? {
        if case .grant(let grant) = send(.poll(worker: worker)).reply { grant } else { nil }
    }

    struct NothingGranted: Error {}

    mutating func granted(_ worker: String) throws -> Grant {
        guard let grant = poll(worker) else { throw NothingGranted() }
        return grant
    }

    /// Joins a keeper and lets it plan `shards` shards of the given sizes.
    mutating func planned(sizes: [Int64], isDatabase: Bool = true) -> String {
        let keeper = join(.keeper, process: 100)
        let grant = poll(keeper)!
        let bytes = PlanCodec().encode(Self.plan(sizes: sizes, isDatabase: isDatabase))
        _ = send(
            .upload(worker: keeper, token: grant.token, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
        _ = send(.complete(worker: keeper, token: grant.token, result: .plan))
        return keeper
    }

    static func receipt(_ grant: Grant, rows: Int64 = 10, published: Int64? = nil) -> PartReceipt {
        guard case .shard(let table, let index) = grant.task else { preconditionFailure("not a shard") }
        return PartReceipt(
            table: table, shard: index, epoch: grant.epoch, stagedPath: "x", byteCount: 1, sha256: "00",
            rows: RowAccount(read: rows, published: published ?? rows), rules: [])
    }

    static func plan(sizes: [Int64], isDatabase: Bool) -> RunPlan {
        let identity = PostgresIdentity(
            name: "source", host: "h", port: 1, database: "d", serverVersion: "15", systemIdentifier: nil,
            serverStart: "", isolation: "repeatable read", snapshots: ["1"], snapshotText: "1:1:", walPosition: "0/0")
        let files = FilesIdentity(name: "source", files: [], dialect: "")
        let shards = sizes.enumerated().map {
            Shard(index: $0.offset, piece: .query, estimatedRows: 10, estimatedBytes: $0.element)
        }
        return RunPlan(
            about: ModuleAbout(module: "m", title: "M", description: "", documentDigest: ""), codec: .lz4,
            sources: [isDatabase ? .postgres(identity) : .files(files)], keys: [],
            tables: [
                TablePlan(
                    name: "t", source: "source", origin: "public.t", statement: nil, schemaFingerprint: "",
                    columns: [], droppedColumns: [], shards: shards, estimatedRows: 0, estimatedBytes: 0)
            ], warnings: [])
    }
}
