import Model

/// `report/accounting.json`: for every table and shard rows read = published + quarantined + suppressed + filtered, and
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
            sum.quarantined += count.quarantined
            sums[id] = sum
        }
        return sums
    }

    static func json(_ rows: RowAccount) -> JSON {
        .record([
            "read": .integer(rows.read), "published": .integer(rows.published),
            "quarantined": .integer(rows.quarantined), "suppressed": .integer(rows.suppressed),
            "filtered": .integer(rows.filtered),
        ])
    }

    static func json(_ count: RuleCount) -> JSON {
        .record([
            "rows_in": .integer(count.rowsIn), "changed": .integer(count.changed), "nulls": .integer(count.nulls),
            "nulled": .integer(count.nulled), "quarantined": .integer(count.quarantined),
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
