import Columnar
import Foundation
import Model

/// Cells as PostgreSQL prints them, from chunks and from `COPY … (FORMAT text)`: two ways that must meet.
enum CopyText {
    /// Rows of COPY's text format; nil is NULL.
    static func rows(_ data: Data) -> [[String?]] {
        var rows: [[String?]] = []
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            rows.append(line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map(cell))
        }
        rows.removeLast()  // after the final newline
        return rows
    }

    private static func cell(_ bytes: Data) -> String? {
        if bytes.elementsEqual("\\N".utf8) { return nil }
        var out: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            if isEscaped {
                isEscaped = false
                switch byte {
                case UInt8(ascii: "b"): out.append(8)
                case UInt8(ascii: "t"): out.append(9)
                case UInt8(ascii: "n"): out.append(10)
                case UInt8(ascii: "v"): out.append(11)
                case UInt8(ascii: "f"): out.append(12)
                case UInt8(ascii: "r"): out.append(13)
                default: out.append(byte)
                }
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A cell as PostgreSQL's output function would print it; nil for NULL. `isPadded`: numerics keep their scale.
    static func cell(_ column: Column, _ row: Int) -> String? {
        if column.isNull(row) { return nil }
        switch column.type {
        case .boolean:
            guard case .fixed(let bits) = column.storage else { return nil }
            return unsafe bits.bytes[row >> 3] >> UInt8(row & 7) & 1 == 1 ? "t" : "f"
        case .int16: return unsafe String(column.values(Int16.self)[row])
        case .int32: return unsafe String(column.values(Int32.self)[row])
        case .int64: return unsafe String(column.values(Int64.self)[row])
        case .float32: return unsafe float(column.values(Float.self)[row].description, fixedBelow: 6)
        case .float64: return unsafe float(column.values(Double.self)[row].description, fixedBelow: 15)
        case .decimal(_, let scale): return unsafe decimal(column.values(Int128.self)[row], scale: scale)
        case .text: return unsafe String(decoding: column.variableBytes(row), as: UTF8.self)
        case .binary:
            return unsafe "\\x"
                + column.variableBytes(row).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case .date: return unsafe date(Int(column.values(Int32.self)[row]))
        case .timestamp(let isUTC):
            return unsafe timestamp(Int(column.values(Int64.self)[row])) + (isUTC ? "+00" : "")
        case .list: return list(column, row)
        case .structure: return structure(column, row)
        }
    }

    private static func list(_ column: Column, _ row: Int) -> String {
        guard case .list(let offsets, let elements) = column.storage else { return "" }
        let bounds = unsafe offsets.elements(Int32.self)
        let items = unsafe (Int(bounds[row])..<Int(bounds[row + 1])).map { index -> String in
            guard let text = cell(elements, index) else { return "NULL" }
            let needsQuotes =
                text.isEmpty || text.uppercased() == "NULL"
                || text.unicodeScalars.contains { "{},\"\\ \t\n\r\u{b}\u{c}".unicodeScalars.contains($0) }
            return needsQuotes ? "\"" + escaped(text, "\\") + "\"" : text
        }
        return "{" + items.joined(separator: ",") + "}"
    }

    private static func structure(_ column: Column, _ row: Int) -> String {
        guard case .structure(let members) = column.storage else { return "" }
        let items = members.map { member -> String in
            guard let text = cell(member, row) else { return "" }
            let needsQuotes =
                text.isEmpty || text.unicodeScalars.contains { "(),\"\\ \t\n\r\u{b}\u{c}".unicodeScalars.contains($0) }
            if !needsQuotes { return text }
            // Rows double quotes and backslashes.
            return "\""
                + text.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\($0)\($0)" : "\($0)" }.joined()
                + "\""
        }
        return "(" + items.joined(separator: ",") + ")"
    }

    private static func escaped(_ text: String, _ escape: String) -> String {
        text.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\(escape)\($0)" : "\($0)" }.joined()
    }

    static func decimal(_ value: Int128, scale: Int) -> String {
        var digits = String(value.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        let whole = digits.dropLast(scale)
        return (value < 0 ? "-" : "") + whole + (scale > 0 ? "." + digits.suffix(scale) : "")
    }

    /// Days since 1970-01-01, by the civil calendar (H. Hinnant's algorithm).
    static func date(_ days: Int) -> String {
        let z = days + 719468
        let era = (z >= 0 ? z : z - 146096) / 146097
        let doe = z - era * 146097
        let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return
            "\(padded(yoe + era * 400 + (month <= 2 ? 1 : 0), 4))-\(padded(month, 2))-\(padded(doy - (153 * mp + 2) / 5 + 1, 2))"
    }

    static func timestamp(_ microseconds: Int) -> String {
        let day = 86_400_000_000
        let days = microseconds >= 0 ? microseconds / day : -((-microseconds + day - 1) / day)
        let rest = microseconds - days * day
        var text =
            "\(date(days)) \(padded(rest / 3_600_000_000, 2)):\(padded(rest / 60_000_000 % 60, 2)):\(padded(rest / 1_000_000 % 60, 2))"
        if rest % 1_000_000 != 0 {
            var fraction = padded(rest % 1_000_000, 6)
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += "." + fraction
        }
        return text
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// Swift's shortest digits in PostgreSQL's layout.
    private static func float(_ description: String, fixedBelow: Int) -> String {
        switch description {
        case "nan", "-nan": return "NaN"
        case "inf": return "Infinity"
        case "-inf": return "-Infinity"
        default: break
        }
        let isNegative = description.hasPrefix("-")
        let parts = description.drop { $0 == "-" }.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        var digits = String(mantissa[0]) + (mantissa.count > 1 ? String(mantissa[1]) : "")
        var exponent = mantissa[0].count - 1 + (parts.count > 1 ? Int(parts[1])! : 0)
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        if digits == "0" { return isNegative ? "-0" : "0" }
        var text: String
        if exponent >= -4, exponent < fixedBelow {
            if exponent < 0 {
                text = "0." + String(repeating: "0", count: -exponent - 1) + digits
            } else if digits.count <= exponent + 1 {
                text = digits + String(repeating: "0", count: exponent + 1 - digits.count)
            } else {
                text = digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
            }
        } else {
            text = String(digits.first!) + (digits.count > 1 ? "." + digits.dropFirst() : "")
            text += "e" + (exponent < 0 ? "-" : "+") + padded(abs(exponent), 2)
        }
        return (isNegative ? "-" : "") + text
    }
}
