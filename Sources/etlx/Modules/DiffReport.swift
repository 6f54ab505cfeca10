import Foundation
import Metadata
import Model

/// What `etlx modules STORE diff` prints: `+` for what is new, `-` for what is gone, `~` for what is another.
enum DiffReport {
    static func text(_ difference: VersionDifference) -> String {
        let (before, after) = (difference.before, difference.after)
        var lines = [
            "\(before.module)@\(before.version) → \(after.module)@\(after.version)",
            Console.aligned([
                ["published", before.committedAt, "→ \(after.committedAt)"],
                ["files", "\(before.files)", "→ \(after.files)"],
                ["bytes", Console.size(before.bytes), "→ \(Console.size(after.bytes))"],
                ["rows", grouped(before), "→ \(grouped(after))"],
            ]),
        ]
        for key in difference.keys {
            switch (key.checkValue.before, key.checkValue.after) {
            case (nil, let value): lines.append("+ key \(key.name), check value \(value ?? "")")
            case (let value, nil): lines.append("- key \(key.name), check value \(value ?? "")")
            case (let old, let new): lines.append("~ key \(key.name): check value \(old ?? "") → \(new ?? "")")
            }
        }
        for table in difference.tables { lines += self.table(table) }
        if difference.isEmpty { lines.append("no difference in schema, rules, keys and counts") }
        lines.append(
            "distributions: \(difference.hasDistributions ? "compared for columns without protection" : "not compared")"
        )
        return lines.joined(separator: "\n")
    }

    private static func grouped(_ record: CommitRecord) -> String {
        Console.grouped(record.tables.reduce(0) { $0 + $1.rows })
    }

    private static func table(_ table: VersionDifference.TableDifference) -> [String] {
        guard let before = table.table.before else {
            let rows = Console.grouped(table.table.after?.rows.published ?? 0)
            return ["+ table \(table.name), \(rows) rows"] + table.columns.flatMap(column)
        }
        guard let after = table.table.after else {
            return ["- table \(table.name), \(Console.grouped(before.rows.published)) rows"]
        }
        var lines = rows(before.rows, after.rows)
        if before.droppedRows?.rules != after.droppedRows?.rules {
            let sides = [before, after].map { $0.droppedRows.map(DropReport.reasons) ?? "none" }
            lines.append("  dropped by: \(sides[0]) → \(sides[1])")
        }
        if before.bytes != after.bytes || before.files != after.files {
            lines.append(
                "  parts: \(before.files), \(Console.size(before.bytes)) → \(after.files), \(Console.size(after.bytes))"
            )
        }
        let dropped = after.droppedColumns.filter { !before.droppedColumns.contains($0) }
        if !dropped.isEmpty { lines.append("  dropped now: \(dropped.joined(separator: ", "))") }
        lines += table.columns.filter { !$0.isEqual }.flatMap(column)
        return lines.isEmpty ? [] : ["~ table \(table.name)"] + lines
    }

    private static func rows(_ before: RowAccount, _ after: RowAccount) -> [String] {
        let counts: [(String, KeyPath<RowAccount, Int64>)] = [
            ("read", \.read), ("published", \.published), ("dropped", \.dropped),
            ("suppressed", \.suppressed), ("filtered", \.filtered),
        ]
        let changed = counts.filter { before[keyPath: $0.1] != after[keyPath: $0.1] }
        guard !changed.isEmpty else { return [] }
        let words = changed.map { name, path in
            "\(name) \(Console.grouped(before[keyPath: path])) → \(Console.grouped(after[keyPath: path]))"
        }
        return ["  rows: \(words.joined(separator: ", "))"]
    }

    private static func column(_ difference: VersionDifference.ColumnDifference) -> [String] {
        guard let before = difference.column.before else {
            guard let after = difference.column.after else { return [] }
            return ["  + column \(after.name): \(after.type), \(rule(after))"]
        }
        guard let after = difference.column.after else {
            return ["  - column \(before.name): \(before.type), \(rule(before))"]
        }
        var lines: [String] = []
        if before.type != after.type { lines.append("type: \(before.type) → \(after.type)") }
        if before.isProtected != after.isProtected {
            lines.append(after.isProtected ? "protected now" : "not protected any more")
        }
        if before.rule != after.rule {
            lines.append("rule: \(rule(before)) → \(rule(after))")
        } else {
            lines += zip(before.steps, after.steps).compactMap(counts)
        }
        // The rest of the distribution is for machines: frequent values and quantiles are long.
        for fact in difference.distribution ?? [] where shownFacts.contains(fact.name) {
            lines.append("\(fact.name): \(value(fact.before)) → \(value(fact.after))")
        }
        return lines.isEmpty ? [] : ["  ~ column \(after.name)"] + lines.map { "      \($0)" }
    }

    private static func rule(_ column: VersionStatement.Column) -> String {
        column.rule.isEmpty ? "as it is" : column.rule.joined(separator: ", ")
    }

    /// What a step did, where it did otherwise.
    private static func counts(_ before: VersionStatement.Step, _ after: VersionStatement.Step) -> String? {
        let counts: [(String, KeyPath<VersionStatement.Step, Int64>)] = [
            ("nulls", \.nulls), ("changed", \.changed), ("made null", \.nulled), ("dropped", \.dropped),
        ]
        let words = counts.filter { before[keyPath: $0.1] != after[keyPath: $0.1] }.map { name, path in
            "\(name) \(Console.grouped(before[keyPath: path])) → \(Console.grouped(after[keyPath: path]))"
        }
        return words.isEmpty ? nil : "\(after.verb): \(words.joined(separator: ", "))"
    }

    private static let shownFacts: Set<String> = ["nulls", "nan", "minimum", "maximum", "mean", "distinct"]

    private static func value(_ value: JSON?) -> String {
        guard let value else { return "none" }
        if case .number(let number) = value { return String(format: "%.6g", number) }
        let counted = value["count"] ?? value
        let text = CellText.shortened(counted.text ?? counted.text())
        return value["isExact"] == .boolean(false) ? "about \(text)" : text
    }
}
