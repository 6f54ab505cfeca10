import Foundation
import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What people and machines see: results on standard output, everything else on standard error.
enum Console {
    static let isErrorTerminal = isatty(2) == 1
    static let isOutputTerminal = isatty(1) == 1
    /// Colour only on a terminal, and never against the reader's wish (no-color.org).
    private static let usesColour =
        isErrorTerminal && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    static func standardError(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    static func error(_ text: String) {
        standardError(usesColour ? "\u{1b}[31merror:\u{1b}[0m \(text)" : "error: \(text)")
    }

    static func note(_ text: String) { standardError("note: \(text)") }

    static func warning(_ text: String) {
        standardError(usesColour ? "\u{1b}[33mwarning:\u{1b}[0m \(text)" : "warning: \(text)")
    }

    /// Problems of a document, each on its line; `--json`: one object on standard output.
    static func report(_ problems: [Problem], json: Bool, quiet: Bool = false) {
        if json {
            print(JSON.record(["problems": .list(problems.map(\.json))]).text())
            return
        }
        for problem in problems where !quiet || problem.severity == .error {
            let colour = problem.severity == .error ? "31" : "33"
            let text = problem.description
            guard usesColour, let range = text.range(of: "\(problem.severity.rawValue):") else {
                standardError(text)
                continue
            }
            standardError(text.replacingCharacters(in: range, with: "\u{1b}[\(colour)m\(text[range])\u{1b}[0m"))
        }
        let errors = problems.count { $0.severity == .error }
        if errors > 1 { standardError("\(errors) errors") }
    }

    /// `1234567` as `1,234,567`.
    static func grouped(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// Bytes with a binary unit: `1.5 MiB`.
    static func size(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", value, units[unit])
    }

    /// `75` as `1m15s`.
    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(whole % 60)s" }
        return "\(whole / 3600)h\(whole % 3600 / 60)m"
    }

    /// Rows of cells as columns that line up, two blanks apart.
    static func aligned(_ rows: [[String]], indent: String = "  ") -> String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (index, cell) in row.enumerated() {
                line +=
                    index == row.count - 1
                    ? cell : cell.padding(toLength: widths[index] + 2, withPad: " ", startingAt: 0)
            }
            return line
        }.joined(separator: "\n")
    }
}

extension Problem {
    var json: JSON {
        .record([
            "severity": .text(severity.rawValue),
            "file": file.map { .text($0) },
            "line": position.map { .integer(Int64($0.line)) },
            "column": position.map { .integer(Int64($0.column)) },
            "found": .text(found),
            "expected": expected.isEmpty ? nil : .text(expected),
            "remedy": remedy.map { .text($0) },
        ])
    }
}
