package import Model

/// Which rules dropped rows of a table, and how many: what a version says of the rows that are not in it.
package struct DroppedRows: Sendable, Equatable {
    package struct Rule: Sendable, Equatable {
        /// nil: the source's `on_malformed`.
        package let column: String?
        /// From zero within the column's rule.
        package let step: Int?
        package let verb: String?
        package let rows: Int64
    }

    package let table: String
    package let read: Int64
    package let dropped: Int64
    /// Those that dropped any.
    package let rules: [Rule]

    init(table: String, rows: RowAccount, steps: [(column: String, step: Int, verb: String, dropped: Int64)]) {
        self.table = table
        read = rows.read
        dropped = rows.dropped
        let malformed = rows.dropped - steps.reduce(0) { $0 + $1.dropped }
        rules =
            (malformed > 0 ? [Rule(column: nil, step: nil, verb: nil, rows: malformed)] : [])
            + steps.filter { $0.dropped > 0 }.map {
                Rule(column: $0.column, step: $0.step, verb: $0.verb, rows: $0.dropped)
            }
    }

    package var json: JSON {
        .record([
            "table": .text(table), "rows_read": .integer(read), "rows_dropped": .integer(dropped), "rules": rulesJSON,
        ])
    }

    var rulesJSON: JSON {
        .list(
            rules.map { rule in
                .record([
                    "rule": .text(rule.column == nil ? "on_malformed" : "on_failure"),
                    "column": rule.column.map { .text($0) }, "step": rule.step.map { .integer(Int64($0)) },
                    "verb": rule.verb.map { .text($0) }, "rows": .integer(rule.rows),
                ])
            })
    }
}

extension VersionStatement.Table {
    /// nil: no row was dropped.
    package var droppedRows: DroppedRows? {
        guard rows.dropped > 0 else { return nil }
        return DroppedRows(
            table: name, rows: rows,
            steps: columns.flatMap { column in
                column.steps.enumerated().map {
                    (
                        column: column.name, step: $0.offset, verb: $0.element.verb, dropped: $0.element.dropped
                    )
                }
            })
    }
}
