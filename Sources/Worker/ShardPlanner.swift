internal import Extract
internal import Formats
internal import Foundation
internal import Model
internal import ModuleStore
internal import Transform

/// Looks at the sources of a pipeline, holds one snapshot of each, compiles the rules and cuts the shards.
///
/// What it decides depends on the document, the keys, the sources' state and the newest version's types alone: the same
/// four give the same plan.
struct ShardPlanner {
    struct Planned {
        var plan: RunPlan
        var keepers: [SnapshotKeeper]
        var bindings: [String: TableBinding]
    }

    let pipeline: Pipeline
    let keys: KeyRing
    /// Where the newest version says how its files were read.
    let store: Store
    /// Each that is scanned keeps a processor busy and a block in memory, which grows with the longest record.
    let filesAtATime: Int

    /// - Throws: `TaskFailure` with all problems of the rules against the schemas; errors of the sources.
    func plan() throws -> Planned {
        var draft = Draft(problems: ProblemList(file: pipeline.file))
        for source in pipeline.sources {
            let tables = pipeline.tables.filter { $0.source == source.name }
            if tables.isEmpty { continue }
            switch source.kind {
            case .postgres(let url): try plan(tables, from: source.name, url: url, &draft)
            case .csv(let spec): try plan(tables, from: source.name, spec, &draft)
            }
        }
        if let check = TargetCheck(pipeline) {
            for table in pipeline.tables {
                draft.bindings[table.name].map { check.check(table, $0.columns, into: &draft.problems) }
            }
            check.checkPromises(draft.bindings.mapValues(\.columns), into: &draft.problems)
        }
        for table in draft.tables where table.longestReceipt > Limits.bytesPerReceipt {
            draft.problems.error(
                nil,
                found:
                    "table \"\(table.name)\": \(table.columns.reduce(0) { $0 + $1.steps.count }) steps of rules, more than one receipt can count",
                expected: "fewer columns or steps in one table", remedy: "publish it as two tables")
        }
        guard !draft.problems.hasErrors else { throw RunSession.wrongDocument(draft.problems.sorted) }
        let order = pipeline.tables.map(\.name)
        let tables = order.compactMap { name in draft.tables.first { $0.name == name } }
        let usedKeys = Set(tables.flatMap { $0.columns.flatMap { $0.steps.compactMap(\.key) } })
        return Planned(
            plan: RunPlan(
                about: pipeline.about, codec: pipeline.target.codec, sources: draft.sources,
                keys: keys.identities.filter { usedKeys.contains($0.name) }, tables: tables,
                warnings: draft.problems.sorted.filter { $0.severity == .warning }),
            keepers: draft.keepers, bindings: draft.bindings)
    }

    private struct Draft {
        var problems: ProblemList
        var sources: [SourceIdentity] = []
        var tables: [TablePlan] = []
        var keepers: [SnapshotKeeper] = []
        var bindings: [String: TableBinding] = [:]
    }

    // MARK: PostgreSQL

    private func plan(_ tables: [TableSpec], from source: String, url: Secret, _ draft: inout Draft) throws {
        let connection = try PostgresConnection(source: source, url: url)
        var catalog = PostgresCatalog(connection)
        var relations: [PostgresRelation] = []
        var statements: [SnapshotKeeper.Statement] = []
        for table in tables {
            let relation: PostgresRelation
            do throws(ExtractError) { relation = try catalog.describe(Self.origin(of: table)) } catch {
                guard error.isAboutTheDocument else { throw error }
                draft.problems.error(
                    table.originPosition,
                    found:
                        "table \"\(table.name)\", \(error.subject ?? source): \(error.reason)\(error.foreignCode.map { " [\($0)]" } ?? "")",
                    remedy: error.remedy)
                continue
            }
            relations.append(relation)
            guard !relation.columns.isEmpty else {
                draft.problems.error(
                    table.originPosition, found: "table \"\(table.name)\": \(PostgresMapping.noColumns.reason)",
                    expected: "a table with columns")
                continue
            }
            let isCounted = !relation.leaves.isEmpty
            guard
                let binding = TableBinding.bind(
                    table, columns: relation.columns, keys: keys,
                    estimatedRows: isCounted ? relation.estimatedRows : -1, baseDirectory: pipeline.baseDirectory,
                    into: &draft.problems)
            else { continue }
            let selection = Self.selection(of: table, binding)
            do throws(ExtractError) { try connection.check(selection) } catch {
                guard error.code == .statementRefused else { throw error }
                let subject = table.filter == nil ? "query" : "`where` condition"
                draft.problems.error(
                    table.filterPosition ?? table.originPosition,
                    found:
                        "table \"\(table.name)\": the server refuses the \(subject)\(error.foreignCode.map { " [\($0)]" } ?? ": \(error.reason)")",
                    expected: error.foreignCode == nil ? "" : "SQL that is valid for these columns",
                    remedy: error.foreignCode == nil ? error.remedy : nil)
                continue
            }
            // The keeper's transaction has settings of its own, those that the rows are read under.
            statements += ([selection.statement] + selection.proofs).map {
                .init(sql: $0, subject: relation.origin.name)
            }
            draft.bindings[table.name] = binding
            draft.tables.append(
                TablePlan(
                    name: table.name, source: source, origin: relation.origin.name, statement: selection.statement,
                    schemaFingerprint: DocumentCheck.sha256(relation.fingerprintText),
                    sourceColumns: relation.columns, columns: binding.columns,
                    droppedColumns: binding.transform.droppedColumns, shards: PostgresShards.plan(relation),
                    estimatedRows: relation.estimatedRows, estimatedBytes: relation.estimatedBytes))
        }
        guard !draft.problems.hasErrors else { return }
        let keeper = try SnapshotKeeper(source: source, url: url, relations: relations, statements: statements)
        draft.keepers.append(keeper)
        draft.sources.append(.postgres(keeper.identity))
    }

    static func origin(of table: TableSpec) -> PostgresOrigin {
        switch table.origin {
        case .relation(let schema, let name): .relation(schema: schema, name: name)
        case .query(let sql): .query(sql)
        case .files: preconditionFailure("a file source is not read as a relation")
        }
    }

    /// What is read of a table: the required columns alone, as their mappings select them.
    static func selection(of table: TableSpec, _ binding: TableBinding) -> PostgresSelection {
        PostgresSelection(
            origin: origin(of: table),
            expressions: binding.required.map { index in
                let input = binding.inputs[index]
                guard let mapping = input.postgres else { preconditionFailure("a required column is mapped") }
                return mapping.expression(column: input.column.name)
            }, filter: table.filter)
    }

    // MARK: Files

    private func plan(_ tables: [TableSpec], from source: String, _ spec: DelimitedSpec, _ draft: inout Draft) throws {
        let place = try SourceFiles(
            spec, source: source, folder: pipeline.baseDirectory, boundary: pipeline.boundary,
            environment: ProcessInfo.processInfo.environment)
        let listed = try place.list()
        var limits = DelimitedLimits()
        limits.bytesPerShard = Shard.byteCount(ofTable: listed.reduce(0) { $0 + $1.byteCount })
        let named = tables.reduce(into: Set(spec.types.map(\.column))) {
            $0.formUnion(PolicyCompiler.sourceColumns(of: $1))
        }
        let scanner = try DelimitedScanner(
            spec, source: source, limits: limits, first: listed[0].path, bytes: try place.open(listed[0]), named: named)
        let scans = try concurrently(listed, atATime: min(filesAtATime, Limits.filesScannedAtATime)) { file in
            let digests = RangeDigests()
            let reader = try place.open(file, observe: { bytes in unsafe digests.add(bytes) })
            let scan = try scanner.scan(file: file.path, bytes: reader, digests: digests)
            return (
                scan,
                FilesIdentity.File(
                    path: file.path, byteCount: file.byteCount, sha256: digests.finish(), etag: file.etag,
                    state: file.state)
            )
        }
        let scan = scanner.join(scans.map(\.0))
        let files = scans.map(\.1)
        draft.sources.append(.files(FilesIdentity(name: source, files: files, dialect: scan.dialect)))
        let earlier = earlierTypes(&draft.problems)
        for table in tables {
            let earlierTypes = earlier?.types(ofTable: table.name) ?? [:]
            let read = scan.columns(identities: PolicyCompiler.identities(of: table), earlier: earlierTypes)
            let sourceColumns = read.map(\.sourceColumn)
            guard
                let binding = TableBinding.bind(
                    table, columns: sourceColumns, keys: keys, estimatedRows: scan.recordCount,
                    baseDirectory: pipeline.baseDirectory, into: &draft.problems)
            else { continue }
            draft.bindings[table.name] = binding
            for column in read where !column.isDeclared && binding.type(ofInput: column.name) == column.type {
                guard let earlier, let type = earlierTypes[column.name], type != column.type else { continue }
                draft.problems.warning(
                    table.position,
                    found:
                        "table \"\(table.name)\": source column \"\(column.name)\" is read as \(column.type), and was as \(type) in version \(earlier.version)",
                    remedy: "declare its type under `types:` of the source")
            }
            let columns = binding.columns.map { column in
                var column = column
                column.mapping = read.first { $0.name == column.sourceColumn }.map { found in
                    // A rule's leading `cast` declares a type too.
                    binding.type(ofInput: found.name) == found.type ? found.reason : "declared"
                }
                return column
            }
            draft.tables.append(
                TablePlan(
                    name: table.name, source: source, origin: spec.path, statement: nil,
                    schemaFingerprint: DocumentCheck.sha256(
                        read.map { "\($0.name)\u{0}\($0.type)" }.joined(separator: "\n")),
                    sourceColumns: sourceColumns, columns: columns,
                    droppedColumns: binding.transform.droppedColumns, shards: scan.shards,
                    estimatedRows: scan.recordCount, estimatedBytes: scan.shards.reduce(0) { $0 + $1.estimatedBytes },
                    atMost: spec.atMost))
        }
    }

    /// nil, with a warning, where the store does not tell: a plan can be made without.
    private func earlierTypes(_ problems: inout ProblemList) -> EarlierTypes? {
        do throws(StoreError) { return try EarlierTypes.newest(of: pipeline.about.module, in: store) } catch {
            problems.warning(
                nil, found: "the newest version cannot be read, so its types are not compared with those of files")
            return nil
        }
    }
}

extension ExtractError {
    /// What the document names is wrong, so it is told at its place among the document's other problems.
    fileprivate var isAboutTheDocument: Bool {
        switch code {
        case .notFound, .notPermitted, .statementRefused, .rowSecurity: true
        case .unreachable, .snapshotLost, .schemaChanged, .unreadable, .cellTooLarge, .transient: false
        }
    }
}
