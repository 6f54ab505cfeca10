import Columnar
import Model
import TestKit

/// Columns of any published type with edges and nulls, from a seed.
struct RandomColumns {
    var random: SeededGenerator
    /// Of a hundred values how many are null.
    var nullPercent = 20
    var longestText = 300

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    static let scalars: [DataType] = [
        .boolean, .int16, .int32, .int64, .float32, .float64, .decimal(precision: 5, scale: 0),
        .decimal(precision: 12, scale: 2), .decimal(precision: 18, scale: 18), .decimal(precision: 38, scale: 0),
        .decimal(precision: 38, scale: 7), .decimal(precision: 38, scale: 38), .text, .binary, .date,
        .timestamp(isUTC: true), .timestamp(isUTC: false),
    ]
    static let types = scalars + scalars.map { .list($0) }

    mutating func column(_ type: DataType, rows: Int) -> Column {
        switch type {
        case .boolean:
            var builder = BooleanBuilder()
            for _ in 0..<rows {
                if isNull() { builder.appendNull() } else { builder.append(Bool.random(using: &random)) }
            }
            return builder.finish()
        case .int16: return fixed(type, rows, [Int16.min, 0, -1, .max]) { Int16.random(in: .min ... .max, using: &$0) }
        case .int32: return fixed(type, rows, [Int32.min, 0, -1, .max]) { Int32.random(in: .min ... .max, using: &$0) }
        case .int64: return fixed(type, rows, [Int64.min, 0, -1, .max]) { Int64.random(in: .min ... .max, using: &$0) }
        case .float32:
            return fixed(
                type, rows,
                [-0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, Float(nan: 5, signaling: false)] as [Float]
            ) { Float(bitPattern: UInt32.random(in: 0...0x7f00_0000, using: &$0)) }
        case .float64:
            return fixed(
                type, rows,
                [-0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, Double(nan: 77, signaling: false)]
                    as [Double]
            ) { Double(bitPattern: UInt64.random(in: 0...0x7fe0_0000_0000_0000, using: &$0)) }
        case .decimal(let precision, _):
            var limit = Int128(1)
            for _ in 0..<precision { limit *= 10 }
            return fixed(type, rows, [0, 1, -1, limit - 1, 1 - limit, limit / 10, 10_000 % limit]) { generator in
                let digits = Int.random(in: 0...precision, using: &generator)
                var bound = Int128(1)
                for _ in 0..<digits { bound *= 10 }
                return Int128.random(in: -(bound - 1)...(bound - 1), using: &generator)
            }
        case .date:
            return fixed(type, rows, [-719_162, 2_932_896, 0, 10_957, -1] as [Int32]) {
                Int32.random(in: -719_162...2_932_896, using: &$0)
            }
        case .timestamp:
            let (first, last) = (Int64(-719_162) * 86_400_000_000, Int64(2_932_897) * 86_400_000_000 - 1)
            return fixed(type, rows, [first, last, 0, -1, 946_684_800_000_000]) {
                Int64.random(in: first...last, using: &$0)
            }
        case .text, .binary:
            var builder = VariableBuilder(rows: rows, bytes: 64)
            for _ in 0..<rows {
                if isNull() {
                    builder.appendNull()
                } else if type == .text {
                    builder.append(text())
                } else {
                    let bytes = (0..<length()).map { _ in UInt8.random(in: 0...255, using: &random) }
                    unsafe bytes.withUnsafeBytes { unsafe builder.append($0) }
                }
            }
            return builder.finish(type: type)
        case .list(let element):
            var offsets: [Int32] = [0]
            var bits = [UInt8](repeating: 0, count: (rows + 7) / 8)
            for row in 0..<rows {
                let isPresent = !isNull()
                if isPresent { bits[row >> 3] |= 1 << UInt8(row & 7) }
                offsets.append(offsets.last! + (isPresent ? Int32.random(in: 0...5, using: &random) : 0))
            }
            let elements = column(element, rows: Int(offsets.last!))
            return Column(
                type: type, rowCount: rows, validity: Buffer(copying: bits),
                storage: .list(offsets: Buffer(copying: offsets), elements: elements))
        case .structure: preconditionFailure("structures are refused")
        }
    }

    mutating func chunk(_ columns: [OutputColumn], rows: Int, firstRow: Int64) -> Chunk {
        Chunk(columns: columns.map { column($0.type, rows: rows) }, rowCount: rows, firstRow: firstRow)
    }

    private mutating func isNull() -> Bool { Int.random(in: 0..<100, using: &random) < nullPercent }

    private mutating func length() -> Int {
        // Mostly short, some empty, a few of the longest, which PostgreSQL keeps elsewhere.
        switch Int.random(in: 0..<20, using: &random) {
        case 0...3: 0
        case 4: Int.random(in: 0...longestText, using: &random)
        default: Int.random(in: 0...12, using: &random)
        }
    }

    private mutating func text() -> String {
        let letters = Array("aZ0 \t\n\r\\\"',;{}\u{1}\u{7f}äß€漢🙂\u{fffd}e\u{301}")
        return String((0..<length()).map { _ in letters.randomElement(using: &random)! })
    }

    private mutating func fixed<Element: BitwiseCopyable>(
        _ type: DataType, _ rows: Int, _ edges: [Element], _ make: (inout SeededGenerator) -> Element
    ) -> Column {
        var builder = FixedBuilder<Element>(rows: rows)
        for row in 0..<rows {
            if isNull() {
                builder.appendNull()
            } else if row % 3 == 0 {
                builder.append(edges.randomElement(using: &random)!)
            } else {
                builder.append(make(&random))
            }
        }
        return builder.finish(type: type)
    }
}
