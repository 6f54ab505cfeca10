internal import Cluster
package import Columnar
internal import Extract
internal import Formats
internal import Foundation
internal import KernelCheck
package import Model
internal import ModuleStore
internal import Transform

/// A run as one process sees it: the document, the keys, the sources' connections, the compiled rules.
/// Owned by one thread.
package final class RunSession {
    package let pipeline: Pipeline
    /// Set once the plan is made or adopted.
    package private(set) var plan: RunPlan?
    private let keys: KeyRing
    private let store: Store
    private var bindings: [String: TableBinding] = [:]
    private var readers: [String: PostgresShardReader] = [:]
    /// With their connections: a shard of an object goes on where the last one ended.
    private var files: [String: SourceFiles] = [:]
    private var keepers: [SnapshotKeeper] = []
    /// Ids of the run's snapshots beside those of its plan.
    private var snapshots: [SnapshotHold] = []

    /// - Throws: `TaskFailure` with every problem of the keys.
    package init(pipeline: Pipeline) throws(TaskFailure) {
        self.pipeline = pipeline
        var problems = ProblemList(file: pipeline.file)
        let keys = KeyRing.read(pipeline.keys, baseDirectory: pipeline.baseDirectory, into: &problems)
        guard let keys, !problems.hasErrors else { throw Self.wrongDocument(problems.sorted) }
        self.keys = keys
        do throws(StoreError) { store = try Store(pipeline.target, renderer: ParquetRendition()) } catch {
            throw error.failure
        }
    }

    /// A worker's: from the document as its coordinator hands it out.
    ///
    /// - Parameter bounds: what documents may do here; nil: whatever this process's user may.
    package convenience init(
        document: String, path: String, bounds: DocumentBounds? = nil, environment: [String: String]
    ) throws(TaskFailure) {
        let (pipeline, problems) = DocumentCheck.check(
            text: document, path: path, bounds: bounds, environment: environment)
        guard let pipeline, !problems.contains(where: { $0.severity == .error }) else {
            throw Self.wrongDocument(problems)
        }
        try self.init(pipeline: pipeline)
    }

    static func wrongDocument(_ problems: [Problem]) -> TaskFailure {
        let errors = problems.filter { $0.severity == .error }
        return TaskFailure(
            kind: .document, disposition: .failRun,
            message: errors.count == 1 ? errors[0].description : "\(errors.count) problems of the document",
            problems: problems)
    }

    /// Any error of planning or previewing, as it is told.
    package static func failure(of error: any Error) -> TaskFailure { .of(error, table: nil) }

    /// Looks at the sources, takes their snapshots and holds them until `close`.
    ///
    /// - Parameter filesAtATime: how many files of a source are scanned beside each other; the plan does not depend on it.
    package func makePlan(filesAtATime: Int = 1) throws -> RunPlan {
        var planned = try ShardPlanner(
            pipeline: pipeline, keys: keys, store: store, filesAtATime: filesAtATime
        ).plan()
        planned.plan.kernels = KernelLevels.identity
        keepers = planned.keepers
        bindings = planned.bindings
        plan = planned.plan
        return planned.plan
    }

    /// Takes over a plan that another process made.
    ///
    /// - Throws: `TaskFailure` when a key of it is another here: tokens would differ from part to part.
    package func adopt(_ plan: RunPlan) throws(TaskFailure) {
        for planned in plan.keys where keys[planned.name]?.identity != planned {
            throw TaskFailure(
                kind: .document, disposition: .failRun,
                message: "key \"\(planned.name)\": the file here does not hold the key that the run was planned with",
                code: "keyMismatch")
        }
        self.plan = plan
    }

    /// Further ids of the run's snapshots, as they are known now: readers try them before those of the plan.
    package func offer(_ snapshots: [SnapshotHold]) {
        self.snapshots = snapshots
        for (source, reader) in readers { reader.moreSnapshots = ids(of: source) }
    }

    private func ids(of source: String) -> [String] { snapshots.filter { $0.source == source }.map(\.snapshot) }

    /// Holds the snapshots of the plan too, with the same locks, until `close`.
    ///
    /// - Returns: the ids that they are exported under here.
    package func hold() throws -> [SnapshotHold] {
        var held: [SnapshotHold] = []
        for case .postgres(let identity) in plan?.sources ?? [] {
            guard case .postgres(let url) = sourceSpec(identity.name).kind else { continue }
            let tables = (plan?.tables ?? []).filter { $0.source == identity.name }
            let fingerprints = Dictionary(
                tables.map { (ShardPlanner.origin(of: tableSpec($0.name)), $0.schemaFingerprint) },
                uniquingKeysWith: { first, _ in first })
            let keeper = try SnapshotKeeper(
                joining: identity, url: url, snapshots: ids(of: identity.name) + identity.snapshots,
                origins: fingerprints.keys.sorted { $0.name < $1.name },
                statements: tables.compactMap { table in table.statement.map { .init(sql: $0, subject: table.origin) }
                },
                isPlanned: { fingerprints[$0] == DocumentCheck.sha256($1) })
            keepers.append(keeper)
            held += keeper.identity.snapshots.map { SnapshotHold(source: identity.name, snapshot: $0) }
        }
        return held
    }

    /// Hands the snapshots on to one who keeps them alive; `close` leaves them alone.
    func takeKeepers() -> [SnapshotKeeper] {
        defer { keepers = [] }
        return keepers
    }

    /// Runs one shard of the plan into a staged part.
    ///
    /// - Parameter description: what the plan says of the shard; nil where the plan here has its shards.
    package func run(
        table name: String, shard index: Int, described description: Shard? = nil, attempt: String, epoch: Int,
        advance: (Int64, Int64) throws -> Void
    ) throws -> PartReceipt {
        let (table, shard) = try planned(name, index, description)
        let binding = try binding(of: table)
        let part = try store.stagePart(
            module: pipeline.about.module, attempt: attempt, table: name, shard: index, epoch: epoch)
        let source: any ChunkSource
        do { source = try open(table, shard, binding) } catch {
            part.abandon()
            throw error
        }
        return try TaskRunner(table: table, shard: shard, binding: binding, codec: pipeline.target.codec)
            .run(source, into: part, epoch: epoch, advance: advance)
    }

    /// The first rows of a table before and after its rules.
    package func preview(table name: String) throws -> (columns: [ColumnPlan], source: Chunk, result: Chunk)? {
        let (table, shard) = try planned(name, 0)
        let binding = try binding(of: table)
        let source = try open(table, shard, binding)
        guard let chunk = try source.next() else { return nil }
        let wide = binding.widened(chunk)
        var counts = binding.transform.zeroCounts
        let result = try binding.transform.apply(wide, counts: &counts)
        let shown = binding.columns.map { column in
            binding.inputs.firstIndex { $0.column.name == column.sourceColumn }.map { wide.columns[$0] }
                ?? Column(nulls: chunk.rowCount, type: .boolean)
        }
        return (binding.columns, Chunk(columns: shown, rowCount: chunk.rowCount, firstRow: 0), result)
    }

    package func close() {
        for keeper in keepers { keeper.close() }
        keepers = []
        for reader in readers.values { reader.close() }
        readers = [:]
    }

    // MARK: Pieces

    private func planned(_ name: String, _ index: Int, _ description: Shard? = nil) throws(TaskFailure) -> (
        TablePlan, Shard
    ) {
        let table = plan?.tables.first { $0.name == name }
        if let table, let description, description.index == index { return (table, description) }
        guard let table, table.shards.indices.contains(index) else {
            throw TaskFailure(
                kind: .worker, disposition: .failRun, message: "the plan has no shard \(index) of table \(name)")
        }
        return (table, table.shards[index])
    }

    private func sourceSpec(_ name: String) -> SourceSpec {
        guard let source = pipeline.sources.first(where: { $0.name == name }) else {
            preconditionFailure("the document's reader resolved every source")
        }
        return source
    }

    private func tableSpec(_ name: String) -> TableSpec {
        guard let table = pipeline.tables.first(where: { $0.name == name }) else {
            preconditionFailure("the plan's tables are the document's")
        }
        return table
    }

    /// The table's rules, bound to the columns that the plan saw; the source must still have the same.
    private func binding(of table: TablePlan) throws -> TableBinding {
        if let known = bindings[table.name] { return known }
        let spec = tableSpec(table.name)
        let columns = table.sourceColumns
        var problems = ProblemList(file: pipeline.file)
        guard
            let binding = TableBinding.bind(
                spec, columns: columns, keys: keys, estimatedRows: table.estimatedRows,
                baseDirectory: pipeline.baseDirectory, into: &problems)
        else { throw Self.wrongDocument(problems.sorted) }
        guard binding.columns.map(\.output) == table.columns.map(\.output),
            binding.columns.map(\.steps) == table.columns.map(\.steps)
        else {
            throw TaskFailure(
                kind: .document, disposition: .failRun,
                message:
                    "table \(table.name): the rules here are not those of the plan; a file that they name has changed")
        }
        bindings[table.name] = binding
        return binding
    }

    private func open(_ table: TablePlan, _ shard: Shard, _ binding: TableBinding) throws -> any ChunkSource {
        let source = sourceSpec(table.source)
        switch source.kind {
        case .csv(let spec):
            return try DelimitedChunks(
                spec, files: try files(of: source.name, spec), file: try plannedFile(of: shard, source: source.name),
                piece: shard.piece, binding: binding)
        case .postgres(let url):
            let reader = try reader(of: source.name, url)
            return try PostgresChunks(
                reader, selection: ShardPlanner.selection(of: tableSpec(table.name), binding), shard: shard,
                fingerprint: table.schemaFingerprint, binding: binding)
        }
    }

    private func reader(of source: String, _ url: Secret) throws(TaskFailure) -> PostgresShardReader {
        if let known = readers[source] { return known }
        for case .postgres(let identity) in plan?.sources ?? [] where identity.name == source {
            let reader = PostgresShardReader(url: url, identity: identity)
            reader.moreSnapshots = ids(of: source)
            readers[source] = reader
            return reader
        }
        throw TaskFailure(kind: .worker, disposition: .failRun, message: "the plan has no source \(source)")
    }

    private func files(of source: String, _ spec: DelimitedSpec) throws(ExtractError) -> SourceFiles {
        if let known = files[source] { return known }
        let opened = try SourceFiles(
            spec, source: source, folder: pipeline.baseDirectory, boundary: pipeline.boundary,
            environment: ProcessInfo.processInfo.environment)
        files[source] = opened
        return opened
    }

    /// The shard's file as the plan saw it.
    private func plannedFile(of shard: Shard, source: String) throws(TaskFailure) -> SourceFile {
        for case .files(let identity) in plan?.sources ?? [] where identity.name == source {
            guard case .bytes(let path, _, _, _, _) = shard.piece,
                let file = identity.files.first(where: { $0.path == path })
            else { continue }
            return SourceFile(path: file.path, byteCount: file.byteCount, etag: file.etag, state: file.state)
        }
        throw TaskFailure(
            kind: .worker, disposition: .failRun,
            message: "the plan has no file of shard \(shard.index) in source \(source)")
    }
}
