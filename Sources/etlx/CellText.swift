import Columnar
import Foundation
import Model

/// Cells as text, for `preview` alone: the one place that prints values.
enum CellText {
    /// nil for a null.
    static func text(_ column: Column, _ row: Int) -> String? {
        if column.isNull(row) { return nil }
        switch column.type {
        case .boolean:
            guard case .fixed(let bits) = column.storage else { return "" }
            return unsafe bits.bytes[row >> 3] >> UInt8(row & 7) & 1 == 1 ? "true" : "false"
        case .int16: return unsafe String(column.values(Int16.self)[row])
        case .int32: return unsafe String(column.values(Int32.self)[row])
        case .int64: return unsafe String(column.values(Int64.self)[row])
        case .float32: return unsafe String(column.values(Float.self)[row])
        case .float64: return unsafe String(column.values(Double.self)[row])
        case .decimal(_, let scale): return unsafe decimal(column.values(Int128.self)[row], scale)
        case .text: return unsafe String(decoding: column.variableBytes(row), as: UTF8.self)
        case .binary:
            return unsafe "\\x" + column.variableBytes(row).prefix(32).map { String(format: "%02x", $0) }.joined()
        case .date: return unsafe date(seconds: Double(column.values(Int32.self)[row]) * 86400, hasTime: false)
        case .timestamp(let isUTC):
            return unsafe date(seconds: Double(column.values(Int64.self)[row]) / 1e6, hasTime: true)
                + (isUTC ? "Z" : "")
        case .list:
            guard case .list(let offsets, let elements) = column.storage else { return "" }
            let bounds = unsafe offsets.elements(Int32.self)
            let items = unsafe (Int(bounds[row])..<Int(bounds[row + 1])).map { text(elements, $0) ?? "null" }
            return "[\(items.joined(separator: ", "))]"
        case .structure(let fields):
            guard case .structure(let members) = column.storage else { return "" }
            return "{" + zip(fields, members).map { "\($0.name): \(text($1, row) ?? "null")" }.joined(separator: ", ")
                + "}"
        }
    }

    /// On one line, control characters made visible, at most 40 characters.
    static func shortened(_ text: String?) -> String {
        guard let text else { return "NULL" }
        var line = ""
        for scalar in text.unicodeScalars.prefix(41) {
            line += scalar.properties.generalCategory == .control ? "·" : String(scalar)
        }
        return line.count > 40 ? line.prefix(39) + "…" : line
    }

    private static func decimal(_ value: Int128, _ scale: Int) -> String {
        var digits = String(value.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        if scale > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale)) }
        return (value < 0 ? "-" : "") + digits
    }

    private static func date(seconds: Double, hasTime: Bool) -> String {
        let formatter = DateFormatter()
        formatter.calendar = Calendar(identifier: .gregorian)
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = hasTime ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd"
        return formatter.string(from: Date(timeIntervalSince1970: seconds))
    }
}
