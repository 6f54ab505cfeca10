import Columnar
import Foundation
import Model

/// A value of a test table, as plain as can be.
indirect enum Cell: Equatable {
    case null
    case flag(Bool)
    case int(Int64)
    case single(Float)
    case double(Double)
    case decimal(Int128)
    case text(String)
    case bytes([UInt8])
    case list([Cell])
    case record([Cell])
}

/// A column of a test table.
struct TestColumn {
    var name: String
    var type: DataType
    var cells: [Cell]
    var isProtected = false

    var output: OutputColumn { OutputColumn(name: name, type: type, isProtected: isProtected) }
}

extension [TestColumn] {
    var rowCount: Int { first?.cells.count ?? 0 }

    /// The rows in chunks of `rows`.
    func chunks(of rows: Int) -> [Chunk] {
        stride(from: 0, to: rowCount, by: rows).map { start in
            let end = Swift.min(start + rows, rowCount)
            return Chunk(
                columns: map { Column(type: $0.type, cells: $0.cells[start..<end]) }, rowCount: end - start,
                firstRow: Int64(start))
        }
    }
}

extension Column {
    /// The column that holds `cells`, built in the plainest way.
    init(type: DataType, cells: ArraySlice<Cell>) {
        var bits = [UInt8](repeating: 0, count: (cells.count + 7) / 8)
        for (row, cell) in cells.enumerated() where cell != .null { bits[row >> 3] |= 1 << UInt8(row & 7) }
        self.init(
            type: type, rowCount: cells.count, validity: Buffer(copying: bits),
            storage: Self.storage(type, cells))
    }

    private static func storage(_ type: DataType, _ cells: ArraySlice<Cell>) -> Storage {
        func fixed<Element: BitwiseCopyable>(_ zero: Element, _ value: (Cell) -> Element) -> Storage {
            .fixed(Buffer(copying: cells.map { $0 == .null ? zero : value($0) }))
        }
        switch type {
        case .boolean:
            var bits = [UInt8](repeating: 0, count: (cells.count + 7) / 8)
            for (row, cell) in cells.enumerated() where cell == .flag(true) { bits[row >> 3] |= 1 << UInt8(row & 7) }
            return .fixed(Buffer(copying: bits))
        case .int16: return fixed(Int16(0)) { if case .int(let value) = $0 { Int16(value) } else { 0 } }
        case .int32, .date: return fixed(Int32(0)) { if case .int(let value) = $0 { Int32(value) } else { 0 } }
        case .int64, .timestamp: return fixed(Int64(0)) { if case .int(let value) = $0 { value } else { 0 } }
        case .float32: return fixed(Float(0)) { if case .single(let value) = $0 { value } else { 0 } }
        case .float64: return fixed(0.0) { if case .double(let value) = $0 { value } else { 0 } }
        case .decimal: return fixed(Int128(0)) { if case .decimal(let value) = $0 { value } else { 0 } }
        case .text, .binary:
            var offsets: [Int32] = [0]
            var bytes: [UInt8] = []
            for cell in cells {
                switch cell {
                case .text(let value): bytes += Array(value.utf8)
                case .bytes(let value): bytes += value
                default: break
                }
                offsets.append(Int32(bytes.count))
            }
            return .variable(offsets: Buffer(copying: offsets), bytes: Buffer(copying: bytes))
        case .list(let element):
            var offsets: [Int32] = [0]
            var elements: [Cell] = []
            for cell in cells {
                if case .list(let items) = cell { elements += items }
                offsets.append(Int32(elements.count))
            }
            return .list(offsets: Buffer(copying: offsets), elements: Column(type: element, cells: elements[...]))
        case .structure(let fields):
            return .structure(
                fields.indices.map { member in
                    let values = cells.map { if case .record(let items) = $0 { items[member] } else { Cell.null } }
                    return Column(type: fields[member].type, cells: values[...])
                })
        }
    }
}

/// What the Python side compares with: JSON in which every value is exact.
extension Cell {
    func appendJSON(to out: inout String) {
        switch self {
        case .null: out += "null"
        case .flag(let value): out += value ? "true" : "false"
        case .int(let value): out += String(value)
        case .single(let value): out += String(value.bitPattern)
        case .double(let value): out += String(value.bitPattern)
        case .decimal(let value): out += String(value)
        case .text(let value): Self.append(text: value, to: &out)
        case .bytes(let value):
            out += "\""
            for byte in value {
                out += byte < 16 ? "0" : ""
                out += String(byte, radix: 16)
            }
            out += "\""
        case .list(let items), .record(let items):
            out += "["
            for (index, item) in items.enumerated() {
                if index > 0 { out += "," }
                item.appendJSON(to: &out)
            }
            out += "]"
        }
    }

    static func append(text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                out += "\\"
                out.unicodeScalars.append(scalar)
            case _ where scalar.value < 32: out += String(format: "\\u%04x", scalar.value)
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}

extension DataType {
    /// The type for the Python side: `["list", …]`, `["struct", [name, type] …]`, `["decimal", p, s]`, `["text"]`.
    var testJSON: String {
        switch self {
        case .decimal(let precision, let scale): "[\"decimal\",\(precision),\(scale)]"
        case .list(let element): "[\"list\",\(element.testJSON)]"
        case .structure(let fields):
            "[\"struct\",\(fields.map { "[\"\($0.name)\",\($0.type.testJSON)]" }.joined(separator: ","))]"
        default: "[\"\(self)\"]"
        }
    }
}

/// SplitMix64: the same numbers from the same seed everywhere.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// Keeps what is written.
final class MemorySink: ByteSink {
    private(set) var bytes: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) throws { unsafe self.bytes += bytes }
}

/// Notices when it is handed exactly the given memory.
final class WatchingSink: ByteSink {
    private let address: UInt
    private let count: Int
    private(set) var hasSeen = false

    init(for address: UInt, count: Int) {
        self.address = address
        self.count = count
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if UInt(bitPattern: bytes.baseAddress) == address, bytes.count == count { hasSeen = true }
    }
}

/// Takes so many bytes and then no more.
final class FailingSink: ByteSink {
    struct Full: Error {}
    private var left: Int

    init(after byteCount: Int) { left = byteCount }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        left -= bytes.count
        if left < 0 { throw Full() }
    }
}
