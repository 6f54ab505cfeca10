internal import Glibc
internal import Model

/// What a log line can say besides its message: names of things, counts, measures. Never a cell value or a secret.
package enum LogValue: Hashable, Sendable {
    /// A run, a table, a worker, a code.
    case name(String)
    case count(Int)
    case measure(Double)
}

/// One event for people and machines. The message is fixed in the code, so that no value can become part of it.
package struct LogLine: Sendable {
    package enum Level: String, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error

        private var rank: Int { Level.allCases.firstIndex(of: self) ?? 0 }
        package static func < (a: Level, b: Level) -> Bool { a.rank < b.rank }
    }

    package enum Format: String, Sendable, CaseIterable { case text, json }

    let level: Level
    let message: StaticString
    let metadata: [(key: StaticString, value: LogValue)]
    /// Milliseconds of Unix time.
    let milliseconds: Int64

    /// One line with its line feed, whatever the values are.
    func text(_ format: Format) -> String { format == .text ? plain : json }

    /// `2026-11-26T20:41:00.123Z info  shard granted run=r-7 rows=12 reason="two words"`
    private var plain: String {
        let word = level.rawValue
        let pairs = metadata.map { pair in
            switch pair.value {
            case .name(let name): " \(pair.key)=\(LogLine.isBare(name) ? name : LogLine.quoted(name))"
            case .count(let count): " \(pair.key)=\(count)"
            case .measure(let measure): " \(pair.key)=\(measure)"
            }
        }
        let padding = String(repeating: " ", count: max(0, 5 - word.count))
        return "\(LogLine.time(milliseconds)) \(word)\(padding) \(message)\(pairs.joined())\n"
    }

    /// `{"at":"…","level":"info","message":"shard granted","rows":12,"run":"r-7"}`: metadata in the order of its
    /// keys; a measure that is no number is null.
    private var json: String {
        let pairs = metadata.map { (key: "\($0.key)", value: $0.value) }.sorted { $0.key < $1.key }.map { pair in
            switch pair.value {
            case .name(let name): ",\"\(pair.key)\":\(LogLine.quoted(name))"
            case .count(let count): ",\"\(pair.key)\":\(count)"
            case .measure(let measure): ",\"\(pair.key)\":\(JSON.number(measure).text())"
            }
        }
        return "{\"at\":\"\(LogLine.time(milliseconds))\",\"level\":\"\(level.rawValue)\","
            + "\"message\":\(LogLine.quoted("\(message)"))\(pairs.joined())}\n"
    }

    /// What needs no quotes: it cannot be taken for another pair or for the end of the line.
    private static func isBare(_ name: String) -> Bool {
        !name.isEmpty && name.unicodeScalars.count <= Limits.scalarsPerLogValue
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "._-:/@+".utf8.contains(byte)
            }
    }

    /// A JSON string that shows on one line and moves no cursor: what does not print, and what changes the direction of
    /// reading, is written in hexadecimal digits. Cut after `Limits.scalarsPerLogValue`.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars.prefix(Limits.scalarsPerLogValue) {
            switch scalar.properties.generalCategory {
            case _ where scalar == "\"" || scalar == "\\": out += "\\\(scalar)"
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + (text.unicodeScalars.count > Limits.scalarsPerLogValue ? "…\"" : "\"")
    }

    /// RFC 3339, UTC, with milliseconds.
    static func time(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&seconds, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return unsafe "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T"
            + "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))."
            + "\(padded(milliseconds % 1000, 3))Z"
    }
}
