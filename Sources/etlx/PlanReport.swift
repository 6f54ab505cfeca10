import Model

/// A plan for people and for machines.
enum PlanReport {
    static func text(_ plan: RunPlan) -> String {
        var blocks = ["module \(plan.about.module), Parquet \(plan.codec.rawValue)"]
        blocks += plan.sources.map(source)
        if !plan.keys.isEmpty {
            blocks.append(
                "keys (check values)\n" + Console.aligned(plan.keys.map { [$0.name, $0.checkValue] }))
        }
        blocks += plan.tables.map(table)
        blocks.append("nothing was written")
        return blocks.joined(separator: "\n\n")
    }

    private static func source(_ source: SourceIdentity) -> String {
        switch source {
        case .postgres(let identity):
            "source \(identity.name): PostgreSQL \(identity.serverVersion) at \(identity.host):\(identity.port)/\(identity.database)\n"
                + Console.aligned([
                    ["snapshot", "\(identity.snapshotText), \(identity.isolation)"], ["WAL", identity.walPosition],
                ])
        case .files(let identity):
            "source \(identity.name): \(identity.files.count) files, \(Console.size(identity.files.reduce(0) { $0 + $1.byteCount })), \(identity.dialect)"
        }
    }

    private static func table(_ table: TablePlan) -> String {
        var text =
            "table \(table.name) from \(table.source).\(table.origin): about \(Console.grouped(table.estimatedRows)) rows, "
            + "\(Console.size(table.estimatedBytes)), \(table.shards.count) shards\n"
        text += Console.aligned(
            table.columns.map { column in
                [
                    column.name, column.type.description,
                    column.steps.map(\.summary).joined(separator: " → "), consequences(column),
                ]
            })
        if !table.droppedColumns.isEmpty { text += "\n  dropped: \(table.droppedColumns.joined(separator: ", "))" }
        return text
    }

    private static func consequences(_ column: ColumnPlan) -> String {
        var notes: [String] = []
        if let origin = column.sourceColumn {
            notes.append(origin == column.name ? "from \(column.sourceType)" : "from \(origin), \(column.sourceType)")
        }
        if let mapping = column.mapping { notes.append(mapping) }
        if column.isProtected { notes.append(worstMapping(column)) }
        if column.steps.contains(where: \.isWeak) { notes.append("weak by the document's choice") }
        return notes.isEmpty ? "" : "(\(notes.joined(separator: "; ")))"
    }

    private static func worstMapping(_ column: ColumnPlan) -> String {
        let kinds = column.steps.map(\.mapping)
        return kinds.contains(.lossy) ? "lossy" : kinds.contains(.probabilistic) ? "unique but for chance" : "injective"
    }

    static func json(_ plan: RunPlan) -> JSON {
        .record([
            "module": .text(plan.about.module),
            "document_sha256": .text(plan.about.documentDigest),
            "sources": .list(plan.sources.map(sourceJSON)),
            "keys": .list(plan.keys.map { .record(["name": .text($0.name), "check_value": .text($0.checkValue)]) }),
            "tables": .list(plan.tables.map(tableJSON)),
            "warnings": .list(plan.warnings.map(\.json)),
        ])
    }

    private static func sourceJSON(_ source: SourceIdentity) -> JSON {
        switch source {
        case .postgres(let identity):
            .record([
                "name": .text(identity.name), "kind": "postgres", "host": .text(identity.host),
                "port": .integer(Int64(identity.port)), "database": .text(identity.database),
                "server_version": .text(identity.serverVersion), "snapshot": .text(identity.snapshotText),
                "wal_position": .text(identity.walPosition), "isolation": .text(identity.isolation),
            ])
        case .files(let identity):
            .record([
                "name": .text(identity.name), "kind": "csv", "dialect": .text(identity.dialect),
                "files": .list(
                    identity.files.map {
                        .record([
                            "path": .text($0.path), "bytes": .integer($0.byteCount), "sha256": .text($0.sha256),
                        ])
                    }),
            ])
        }
    }

    private static func tableJSON(_ table: TablePlan) -> JSON {
        .record([
            "name": .text(table.name), "source": .text(table.source), "origin": .text(table.origin),
            "estimated_rows": .integer(table.estimatedRows), "estimated_bytes": .integer(table.estimatedBytes),
            "shards": .integer(Int64(table.shards.count)), "schema_fingerprint": .text(table.schemaFingerprint),
            "dropped_columns": .texts(table.droppedColumns),
            "columns": .list(
                table.columns.map { column in
                    .record([
                        "name": .text(column.name), "type": .text(column.type.description),
                        "source_column": column.sourceColumn.map { .text($0) },
                        "source_type": .text(column.sourceType), "mapping": column.mapping.map { .text($0) },
                        "is_protected": .boolean(column.isProtected),
                        "steps": .list(
                            column.steps.map { step in
                                .record([
                                    "verb": .text(step.verb), "summary": .text(step.summary),
                                    "effect": .text(step.effect.rawValue), "mapping": .text(step.mapping.rawValue),
                                    "key": step.key.map { .text($0) }, "scope": step.scope.map { .text($0) },
                                    "method": .text(step.method), "is_weak": .boolean(step.isWeak),
                                ])
                            }),
                    ])
                }),
        ])
    }
}
