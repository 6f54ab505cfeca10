import Model

/// `protocol.json`, the data gathering protocol: what was read, in which state, by which statements, what was done to
/// it, step by step, and what was left out. Keys appear by name and check value.
///
/// `publication` repeats what the commit record says, so that an edited record is found.
enum GatheringProtocol {
    static let format = "etl-protocol/1"

    static func document(_ description: ModuleDescription) -> JSON {
        let tables = CommitRecord.rows(tables: description.plan.tables.map(\.name), receipts: description.receipts)
        return .record([
            "format": .text(format),
            "publication": description.publication.json(tables: tables),
            "run": .text("urn:uuid:\(description.run)"),
            "started_at": .text(description.startedAt),
            "ended_at": .text(description.endedAt),
            "product": .record(["name": .text(ProductVersion.name), "version": .text(ProductVersion.text)]),
            "kernels": description.plan.kernels.map(kernels),
            "pipeline_sha256": .text(description.plan.about.documentDigest),
            "plan_sha256": .text(PlanCoding.digest(description.plan)),
            "sources": .list(description.plan.sources.map(source)),
            "keys": .list(
                description.plan.keys.map {
                    .record(["name": .text($0.name), "check_value": .text($0.checkValue)])
                }),
            "tables": .list(description.plan.tables.map { table($0, description) }),
            "warnings": description.plan.warnings.isEmpty
                ? nil : .texts(description.plan.warnings.map(\.found)),
        ])
    }

    private static func kernels(_ kernels: KernelIdentity) -> JSON {
        let versions = kernels.versions.sorted { $0.key < $1.key }
        return .record([
            "level": .text(kernels.level),
            "versions": .object(versions.map { JSON.Member($0.key, .text($0.value)) }),
            "self_tests_passed": .boolean(kernels.hasPassedSelfTests),
        ])
    }

    private static func source(_ source: SourceIdentity) -> JSON {
        switch source {
        case .postgres(let identity):
            .record([
                "name": .text(identity.name),
                "kind": "postgresql",
                "host": .text(identity.host),
                "port": .integer(Int64(identity.port)),
                "database": .text(identity.database),
                "server_version": .text(identity.serverVersion),
                "system_identifier": identity.systemIdentifier.map { .text($0) },
                "server_start": .text(identity.serverStart),
                "isolation": .text(identity.isolation),
                "exported_snapshots": .texts(identity.snapshots),
                "snapshot": .text(identity.snapshotText),
                "wal_lsn": .text(identity.walPosition),
            ])
        case .files(let identity):
            .record([
                "name": .text(identity.name),
                "kind": "files",
                "dialect": .text(identity.dialect),
                "files": .list(
                    identity.files.map {
                        .record([
                            "path": .text($0.path), "bytes": .integer($0.byteCount), "sha256": .text($0.sha256),
                        ])
                    }),
            ])
        }
    }

    private static func table(_ table: TablePlan, _ description: ModuleDescription) -> JSON {
        let counts = Accounting.counts(of: table, description)
        return .record([
            "name": .text(table.name),
            "source": .text(table.source),
            "origin": .text(table.origin),
            "statement": table.statement.map { .text($0) },
            "statement_sha256": table.statement.map { .text(SHA256.hexadecimal($0)) },
            "schema_fingerprint": .text(table.schemaFingerprint),
            "shards": .integer(Int64(table.shards.count)),
            "rows": Accounting.json(description.rows(of: table)),
            "dropped_by": Accounting.dropped(table, description),
            "columns": .list(table.columns.map { column($0, counts) }),
            "dropped_columns": .texts(table.droppedColumns),
        ])
    }

    private static func column(_ column: ColumnPlan, _ counts: [Accounting.StepID: RuleCount]) -> JSON {
        .record([
            "name": .text(column.name),
            "type": .text(column.type.description),
            "source_column": column.sourceColumn.map { .text($0) },
            "source_type": .text(column.sourceType),
            "mapping": column.mapping.map { .text($0) },
            "is_protected": .boolean(column.isProtected),
            "steps": .list(
                column.steps.enumerated().map { index, step in
                    .record([
                        "verb": .text(step.verb),
                        "summary": .text(step.summary),
                        "effect": .text(step.effect.rawValue),
                        "mapping": .text(step.mapping.rawValue),
                        "method": .text(step.method),
                        "key": step.key.map { .text($0) },
                        "scope": step.scope.map { .text($0) },
                        "is_weak": step.isWeak ? true : nil,
                        "counts": counts[.init(column: column.name, step: index)].map { Accounting.json($0) },
                    ])
                }),
        ])
    }
}
