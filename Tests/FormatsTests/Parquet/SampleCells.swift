import Model

/// Values of each type, edges first, then from a seed.
enum SampleCells {
    /// The scalar types of the portable profile.
    static let scalars: [(name: String, type: DataType)] = [
        ("boolean", .boolean), ("int16", .int16), ("int32", .int32), ("int64", .int64), ("float32", .float32),
        ("float64", .float64), ("decimal9", .decimal(precision: 9, scale: 2)),
        ("decimal18", .decimal(precision: 18, scale: 0)), ("decimal19", .decimal(precision: 19, scale: 19)),
        ("decimal38", .decimal(precision: 38, scale: 10)), ("text", .text), ("binary", .binary), ("date", .date),
        ("timestamp", .timestamp(isUTC: false)), ("timestamptz", .timestamp(isUTC: true)),
    ]

    enum Nulls: String, CaseIterable {
        case none, all, alternating, random

        func isNull(_ row: Int, _ numbers: inout SeededNumbers) -> Bool {
            switch self {
            case .none: false
            case .all: true
            case .alternating: row & 1 == 1
            case .random: numbers.next() % 3 == 0
            }
        }
    }

    /// `count` cells; `distinct`: about how many different values (0: as many as there are).
    static func cells(
        _ type: DataType, count: Int, nulls: Nulls, distinct: Int = 0, seed: UInt64
    ) -> [Cell] {
        var numbers = SeededNumbers(seed: seed)
        let edges = edges(type)
        var pool: [Cell] = []
        return (0..<count).map { row in
            if nulls.isNull(row, &numbers) { return .null }
            if row < edges.count { return edges[row] }
            if distinct > 0, pool.count >= distinct { return pool[Int(numbers.next() % UInt64(distinct))] }
            let cell = cell(type, &numbers)
            pool.append(cell)
            return cell
        }
    }

    static func largest(precision: Int) -> Int128 { (0..<precision).reduce(Int128(1)) { value, _ in value * 10 } - 1 }

    private static func edges(_ type: DataType) -> [Cell] {
        switch type {
        case .boolean: [.flag(true), .flag(false)]
        case .int16: [.int(Int64(Int16.min)), .int(Int64(Int16.max)), .int(0)]
        case .int32: [.int(Int64(Int32.min)), .int(Int64(Int32.max)), .int(0)]
        case .int64: [.int(.min), .int(.max), .int(0), .int(-1)]
        // Years 1 to 9999, which Python can hold.
        case .date: [.int(-719_162), .int(2_932_896), .int(0)]
        case .timestamp: [.int(-62_135_596_800_000_000), .int(253_402_300_799_999_999), .int(0), .int(-1)]
        case .float32:
            [
                .single(-0.0), .single(0), .single(.infinity), .single(-.infinity), .single(.nan),
                .single(.leastNonzeroMagnitude), .single(.greatestFiniteMagnitude),
            ]
        case .float64:
            [
                .double(-0.0), .double(0), .double(.infinity), .double(-.infinity), .double(.nan),
                .double(.leastNonzeroMagnitude), .double(.greatestFiniteMagnitude),
            ]
        case .decimal(let precision, _):
            [
                .decimal(0), .decimal(-1), .decimal(1), .decimal(largest(precision: precision)),
                .decimal(-largest(precision: precision)),
            ]
        case .text: [.text(""), .text("a"), .text("ä€😀"), .text("\u{0}"), .text(String(repeating: "x", count: 300))]
        case .binary: [.bytes([]), .bytes([0]), .bytes([0xff]), .bytes([UInt8](repeating: 0xff, count: 100))]
        case .list, .structure: []
        }
    }

    private static func cell(_ type: DataType, _ numbers: inout SeededNumbers) -> Cell {
        let number = numbers.next()
        switch type {
        case .boolean: return .flag(number & 1 == 1)
        case .int16: return .int(Int64(Int16(truncatingIfNeeded: number)))
        case .int32: return .int(Int64(Int32(truncatingIfNeeded: number)))
        case .int64: return .int(Int64(bitPattern: number))
        case .date: return .int(Int64(number % 40_000) - 10_000)
        case .timestamp: return .int(Int64(number % 4_000_000_000_000_000) - 1_000_000_000_000_000)
        case .float32: return .single(Float(Int32(truncatingIfNeeded: number)) / 7)
        case .float64: return .double(Double(Int64(bitPattern: number)) / 7)
        case .decimal(let precision, _):
            let wide = Int128(Int64(bitPattern: number)) * Int128(Int64(bitPattern: numbers.next()))
            return .decimal(wide % (largest(precision: precision) + 1))
        case .text:
            let alphabet = Array("abcdefghijklmnopqrstuvwxyzäöü€".unicodeScalars)
            var text = String.UnicodeScalarView()
            var rest = number
            for _ in 0..<number % 13 {
                text.append(alphabet[Int(rest % 30)])
                rest /= 30
            }
            return .text(String(text))
        case .binary:
            return .bytes((0..<Int(number % 20)).map { UInt8(truncatingIfNeeded: number >> UInt64($0 % 8 * 8)) })
        case .list(let element):
            return .list((0..<Int(number % 5)).map { _ in nullable(element, &numbers) })
        case .structure(let fields):
            return .record(fields.map { nullable($0.type, &numbers) })
        }
    }

    private static func nullable(_ type: DataType, _ numbers: inout SeededNumbers) -> Cell {
        numbers.next() % 4 == 0 ? .null : cell(type, &numbers)
    }
}
