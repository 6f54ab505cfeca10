import Model

/// `lineage/start.json` and `lineage/complete.json`: OpenLineage 2-0-2 run events.
///
/// Data sets are named as OpenLineage asks: `postgres://host:port` and `database.schema.table`; `file` and the path;
/// `s3://bucket` and the key.
/// Every column of an output names the column that it comes from, and whether the way hides the original value.
struct Lineage {
    private let description: ModuleDescription

    init(_ description: ModuleDescription) {
        self.description = description
    }

    var start: JSON { event("START", at: description.startedAt, outputs: []) }

    var complete: JSON { event("COMPLETE", at: description.endedAt, outputs: description.plan.tables.map(output)) }

    private static let spec = "https://openlineage.io/spec"

    private func event(_ type: String, at time: String, outputs: [JSON]) -> JSON {
        .record([
            "eventType": .text(type),
            "eventTime": .text(time),
            "producer": .text(Names.software),
            "schemaURL": .text("\(Self.spec)/2-0-2/OpenLineage.json#/$defs/RunEvent"),
            "run": .record([
                "runId": .text(description.run),
                "facets": .record([
                    "processing_engine": facet(
                        "1-1-1", "ProcessingEngineRunFacet",
                        ["name": .text(ProductVersion.name), "version": .text(ProductVersion.text)])
                ]),
            ]),
            "job": .record([
                "namespace": .text(ProductVersion.name),
                "name": .text("module.\(description.plan.about.module)"),
                "facets": .record([
                    "jobType": facet(
                        "2-0-4", "JobTypeJobFacet",
                        ["processingType": "BATCH", "integration": "ETL", "jobType": "JOB"])
                ]),
            ]),
            "inputs": .list(inputs),
            "outputs": .list(outputs),
        ])
    }

    /// A facet of a published schema; its name there is its file's and its definition's.
    private func facet(_ version: String, _ name: String, _ members: KeyValuePairs<String, JSON?>) -> JSON {
        let head = JSON.record([
            "_producer": .text(Names.software),
            "_schemaURL": .text("\(Self.spec)/facets/\(version)/\(name).json#/$defs/\(name)"),
        ])
        return .object((head.members ?? []) + (JSON.record(members).members ?? []))
    }

    private struct Place: Hashable {
        let namespace: String
        let name: String
    }

    /// What a table was read from. Files of one table are one data set, named by their pattern.
    private func place(_ table: TablePlan) -> Place {
        switch description.source(of: table) {
        case .postgres(let identity):
            var name = "\(identity.database).\(table.origin)"
            if table.origin == "query", let statement = table.statement {
                name += ".\(SHA256.hexadecimal(statement).prefix(16))"
            }
            return Place(namespace: "postgres://\(identity.host):\(identity.port)", name: name)
        case .files, nil:
            if let path = S3Path(table.origin) {
                return Place(namespace: "\(S3Path.scheme)\(path.bucket)", name: path.key)
            }
            return Place(namespace: "file", name: table.origin)
        }
    }

    private var inputs: [JSON] {
        var seen: Set<Place> = []
        return description.plan.tables.map(place).filter { seen.insert($0).inserted }.map { place in
            .record(["namespace": .text(place.namespace), "name": .text(place.name)])
        }
    }

    private func output(_ table: TablePlan) -> JSON {
        let receipts = description.receipts(of: table)
        let module = description.plan.about.module
        let run = ModuleLayout.run(description.publication.attempt)
        return .record([
            "namespace": "file",
            "name": .text(
                "\(description.storeLocation)/\(module)/\(run)/\(ModuleLayout.folder(table: table.name))"),
            "facets": .record([
                "schema": facet("1-2-0", "SchemaDatasetFacet", ["fields": .list(fields(table))]),
                "version": facet(
                    "1-0-1", "DatasetVersionDatasetFacet",
                    ["datasetVersion": .text("\(description.publication.version).0.0")]),
                "storage": facet(
                    "1-0-1", "StorageDatasetFacet", ["storageLayer": "file", "fileFormat": "parquet"]),
                "lifecycleStateChange": facet(
                    "1-0-1", "LifecycleStateChangeDatasetFacet", ["lifecycleStateChange": "CREATE"]),
                "tags": tags(table),
                "columnLineage": facet(
                    "1-2-0", "ColumnLineageDatasetFacet", ["fields": .object(table.columns.map { column($0, table) })]),
            ]),
            "outputFacets": .record([
                "outputStatistics": facet(
                    "1-0-2", "OutputStatisticsOutputDatasetFacet",
                    [
                        "rowCount": .integer(description.rows(of: table).published),
                        "size": .integer(receipts.reduce(0) { $0 + $1.byteCount }),
                        "fileCount": .integer(Int64(receipts.count)),
                    ])
            ]),
        ])
    }

    private func fields(_ table: TablePlan) -> [JSON] {
        table.columns.enumerated().map { index, column in
            .object(
                Self.field(column.name, column.type) + [.init("ordinal_position", .integer(Int64(index + 1)))])
        }
    }

    private static func field(_ name: String, _ type: DataType) -> [JSON.Member] {
        var element = type
        while case .list(let inner) = element { element = inner }
        var members: [JSON.Member] = [.init("name", .text(name)), .init("type", .text(type.description))]
        if case .structure(let fields) = element {
            members.append(.init("fields", .list(fields.map { .object(field($0.name, $0.type)) })))
        }
        return members
    }

    private func tags(_ table: TablePlan) -> JSON? {
        let tags: [JSON] = table.columns.filter(\.isProtected).map { column in
            let kind = column.steps.last { $0.effect != .pass && $0.effect != .clean }?.effect.rawValue
            return .record([
                "key": "pii", "value": .text(kind ?? "protected"), "source": "ETL", "field": .text(column.name),
            ])
        }
        return tags.isEmpty ? nil : facet("1-0-0", "TagsDatasetFacet", ["tags": .list(tags)])
    }

    private func column(_ column: ColumnPlan, _ table: TablePlan) -> JSON.Member {
        let place = place(table)
        let working = column.steps.filter { $0.effect != .pass }
        let inputs: [JSON] =
            column.sourceColumn.map { source in
                [
                    .record([
                        "namespace": .text(place.namespace),
                        "name": .text(place.name),
                        "field": .text(source),
                        "transformations": [
                            .record([
                                "type": "DIRECT",
                                "subtype": working.isEmpty ? "IDENTITY" : "TRANSFORMATION",
                                "description": .text(working.map(\.summary).joined(separator: "; ")),
                                "masking": .boolean(column.isProtected || working.contains { $0.effect != .clean }),
                            ])
                        ],
                    ])
                ]
            } ?? []
        return .init(column.name, .record(["inputFields": .list(inputs)]))
    }
}
