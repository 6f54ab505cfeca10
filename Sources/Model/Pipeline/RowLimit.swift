/// How many rows of a table a rule may drop: a number, or a share of the rows read. More stop the run.
package enum RowLimit: Sendable, Codable, Equatable {
    case count(Int64)
    /// In millionths of the rows read.
    case share(Int64)

    /// What all rules of a table may drop together that have no limit of their own.
    package static let standard = RowLimit.share(10_000)

    package static let form = "a whole number of rows, or a percentage from 0% to 100% with up to four decimals"

    /// `100` or `2.5%`; nil for anything else.
    package init?(_ text: String) {
        if let count = Int64(text), count >= 0 {
            self = .count(count)
            return
        }
        guard text.last == "%" else { return nil }
        let parts = text.dropLast().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, (1...3).contains(whole.utf8.count),
            parts.count == 1 || (1...4).contains(parts[1].utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        let digits = whole + decimals + String(repeating: "0", count: 4 - decimals.utf8.count)
        guard let millionths = Int64(digits), millionths <= 1_000_000 else { return nil }
        self = .share(millionths)
    }

    /// - Parameter read: 0 or more.
    package func allows(_ rows: Int64, of read: Int64) -> Bool {
        switch self {
        case .count(let count): rows <= count
        case .share(let millionths): Int128(rows) * 1_000_000 <= Int128(read) * Int128(millionths)
        }
    }
}

extension RowLimit: CustomStringConvertible {
    package var description: String {
        switch self {
        case .count(let count): return "\(count)"
        case .share(let millionths):
            var decimals = String(millionths % 10_000 + 10_000).dropFirst()
            while decimals.last == "0" { decimals.removeLast() }
            return "\(millionths / 10_000)\(decimals.isEmpty ? "" : "." + decimals)%"
        }
    }
}
