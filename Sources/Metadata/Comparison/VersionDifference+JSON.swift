package import Model

extension VersionDifference {
    /// Each side of a difference under `before` and `after`; what is on one side only has no other.
    package var json: JSON {
        .record([
            "module": .text(after.module),
            "before": Self.json(before),
            "after": Self.json(after),
            "is_equal": .boolean(isEmpty),
            "keys": .list(
                keys.map { key in
                    .record([
                        "name": .text(key.name), "before": key.checkValue.before.map { .text($0) },
                        "after": key.checkValue.after.map { .text($0) },
                    ])
                }),
            "tables": .list(tables.map(Self.json)),
            "distributions": .text(hasDistributions ? "compared" : "not compared"),
        ])
    }

    private static func json(_ record: CommitRecord) -> JSON {
        .record([
            "version": .integer(Int64(record.version)), "committed_at": .text(record.committedAt),
            "files": .integer(Int64(record.files)), "bytes": .integer(record.bytes),
        ])
    }

    private static func json(_ table: TableDifference) -> JSON {
        .record([
            "name": .text(table.name),
            "change": .text(word(table.table)),
            "before": table.table.before.map(json),
            "after": table.table.after.map(json),
            "columns": .list(table.columns.filter { !$0.isEqual }.map(json)),
        ])
    }

    private static func json(_ table: VersionStatement.Table) -> JSON {
        .record([
            "rows": Accounting.json(table.rows), "files": .integer(Int64(table.files)), "bytes": .integer(table.bytes),
            "dropped_columns": .texts(table.droppedColumns), "dropped_by": table.droppedRows?.rulesJSON,
        ])
    }

    private static func json(_ column: ColumnDifference) -> JSON {
        .record([
            "name": .text(column.name),
            "change": .text(word(column.column)),
            "before": column.column.before.map(json),
            "after": column.column.after.map(json),
            "distribution": column.distribution.map { facts in
                .list(
                    facts.map { fact in
                        .record(["fact": .text(fact.name), "before": fact.before, "after": fact.after])
                    })
            },
        ])
    }

    private static func json(_ column: VersionStatement.Column) -> JSON {
        .record([
            "type": .text(column.type), "is_protected": .boolean(column.isProtected),
            "steps": .list(
                column.steps.map { step in
                    .record([
                        "verb": .text(step.verb), "summary": .text(step.summary), "effect": .text(step.effect),
                        "changed": .integer(step.changed), "nulls": .integer(step.nulls),
                        "nulled": .integer(step.nulled), "dropped": .integer(step.dropped),
                    ])
                }),
        ])
    }

    private static func word<Value>(_ pair: Pair<Value>) -> String {
        pair.before == nil ? "added" : pair.after == nil ? "removed" : pair.isEqual ? "none" : "changed"
    }
}
