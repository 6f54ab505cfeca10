internal import Model

/// How many rows of a table its rules dropped, over the accepted parts.
struct DropTally: Sendable {
    private struct Rule: Hashable {
        let column: String
        let step: Int
    }

    private var read: Int64 = 0
    private var dropped: Int64 = 0
    private var byRule: [Rule: Int64] = [:]

    mutating func add(_ receipt: PartReceipt) {
        read += receipt.rows.read
        dropped += receipt.rows.dropped
        guard receipt.rows.dropped > 0 else { return }
        for count in receipt.rules where count.dropped > 0 {
            byRule[Rule(column: count.column, step: count.step), default: 0] += count.dropped
        }
    }

    /// Why the table is not to be published: a rule dropped more rows than it may, or those without a limit of their own
    /// dropped more than `RowLimit.standard` together; nil: neither.
    func failure(of table: TablePlan) -> TaskFailure? {
        guard dropped > 0 else { return nil }
        var shared: [(words: String, rows: Int64)] = []
        var sentences: [String] = []
        for use in uses(of: table) where use.rows > 0 {
            if let limit = use.limit {
                guard !limit.allows(use.rows, of: read) else { continue }
                sentences.append("\(use.words) dropped \(use.rows), its at_most is \(limit)")
            } else {
                shared.append((use.words, use.rows))
            }
        }
        let sum = shared.reduce(0) { $0 + $1.rows }
        if !RowLimit.standard.allows(sum, of: read) {
            let words = shared.prefix(Self.listedRules).map { "\($0.words) dropped \($0.rows)" }
            let rest = shared.count - words.count
            sentences.append(
                "\(words.joined(separator: ", "))\(rest > 0 ? " and \(rest) other rules the rest" : ""), more than \(RowLimit.standard)"
            )
        }
        guard !sentences.isEmpty else { return nil }
        return TaskFailure(
            kind: .data, disposition: .failRun,
            message:
                "table \(table.name.shown(limit: 80)): \(dropped) of \(read) rows would be dropped: \(sentences.prefix(Self.listedRules).joined(separator: "; ")); correct the source, or allow more with `at_most:` beside the rule's `drop` or `drop_row`",
            code: "tooManyDropped")
    }

    private static let listedRules = 5

    /// Malformed records, then the rules in the plan's order.
    private func uses(of table: TablePlan) -> [(words: String, rows: Int64, limit: RowLimit?)] {
        let byRules = byRule.values.reduce(0, +)
        var uses: [(words: String, rows: Int64, limit: RowLimit?)] = [
            ("on_malformed of source \(table.source.shown(limit: 80))", dropped - byRules, table.atMost)
        ]
        for column in table.columns {
            for (index, step) in column.steps.enumerated() {
                guard let rows = byRule[Rule(column: column.name, step: index)] else { continue }
                uses.append(
                    ("column \(column.name.shown(limit: 80)), step \(index + 1) (\(step.verb))", rows, step.atMost))
            }
        }
        return uses
    }
}
