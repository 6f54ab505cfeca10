import Model

/// `report/accounting.json`: for every table and shard rows read = published + dropped + suppressed + filtered, and
/// what each step did. Contains nothing that depends on which worker did the work or how often it was tried.
enum Accounting {
    struct StepID: Hashable {
        let column: String
        let step: Int
    }

    static func document(_ description: ModuleDescription) -> JSON {
        .record([
            "format": "etl-accounting/1",
            "tables": .list(
                description.plan.tables.map { table in
                    .record([
                        "name": .text(table.name),
                        "rows": json(description.rows(of: table)),
                        "dropped_by": dropped(table, description),
                        "steps": .list(steps(table, description)),
                        "shards": .list(description.receipts(of: table).map(shard)),
                    ])
                }),
        ])
    }

    /// The counts of each step over all shards of a table.
    static func counts(of table: TablePlan, _ description: ModuleDescription) -> [StepID: RuleCount] {
        var sums: [StepID: RuleCount] = [:]
        for count in description.receipts(of: table).flatMap(\.rules) {
            let id = StepID(column: count.column, step: count.step)
            var sum = sums[id] ?? RuleCount(column: count.column, step: count.step)
            sum.rowsIn += count.rowsIn
            sum.changed += count.changed
            sum.nulls += count.nulls
            sum.nulled += count.nulled
            sum.dropped += count.dropped
            sums[id] = sum
        }
        return sums
    }

    /// Which rules dropped how many rows; nil where none did.
    static func dropped(_ table: TablePlan, _ description: ModuleDescription) -> JSON? {
        let rows = description.rows(of: table)
        guard rows.dropped > 0 else { return nil }
        let counts = counts(of: table, description)
        return DroppedRows(
            table: table.name, rows: rows,
            steps: table.columns.flatMap { column in
                column.steps.enumerated().map { index, step in
                    (
                        column: column.name, step: index, verb: step.verb,
                        dropped: counts[StepID(column: column.name, step: index)]?.dropped ?? 0
                    )
                }
            }
        ).rulesJSON
    }

    static func json(_ rows: RowAccount) -> JSON {
        .record([
            "read": .integer(rows.read), "published": .integer(rows.published),
            "dropped": .integer(rows.dropped), "suppressed": .integer(rows.suppressed),
            "filtered": .integer(rows.filtered),
        ])
    }

    static func json(_ count: RuleCount) -> JSON {
        .record([
            "rows_in": .integer(count.rowsIn), "changed": .integer(count.changed), "nulls": .integer(count.nulls),
            "nulled": .integer(count.nulled), "dropped": .integer(count.dropped),
        ])
    }

    private static func steps(_ table: TablePlan, _ description: ModuleDescription) -> [JSON] {
        let counts = counts(of: table, description)
        return table.columns.flatMap { column in
            column.steps.enumerated().compactMap { index, step in
                counts[StepID(column: column.name, step: index)].map { count in
                    .record([
                        "column": .text(column.name), "step": .integer(Int64(index)), "verb": .text(step.verb),
                        "counts": json(count),
                    ])
                }
            }
        }
    }

    private static func shard(_ receipt: PartReceipt) -> JSON {
        .record([
            "shard": .integer(Int64(receipt.shard)),
            "path": .text(ModuleLayout.part(table: receipt.table, shard: receipt.shard)),
            "rows": json(receipt.rows),
            "bytes": .integer(receipt.byteCount),
            "sha256": .text(receipt.sha256),
        ])
    }
}
