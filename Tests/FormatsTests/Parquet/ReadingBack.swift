import Columnar
import Model

@testable import Formats

/// Bytes in memory, read like a file; notes what was asked for.
final class MemoryRange: ByteRange {
    struct OutOfRange: Error {}
    let bytes: [UInt8]
    private(set) var readByteCount = 0
    private(set) var readCount = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var byteCount: Int64 { Int64(bytes.count) }

    func read(offset: Int64, count: Int) throws -> [UInt8] {
        guard offset >= 0, count >= 0, offset + Int64(count) <= byteCount else { throw OutOfRange() }
        readByteCount += count
        readCount += 1
        return Array(bytes[Int(offset)..<Int(offset) + count])
    }
}

extension [TestColumn] {
    /// The table as a Parquet file.
    func parquet(
        codec: TargetSpec.Codec = .lz4, bounds: ParquetWriter.Bounds = .init(), chunkRows: Int = 65_536
    ) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = ParquetWriter(columns: map(\.output), codec: codec, sink: sink, bounds: bounds)
        for chunk in chunks(of: chunkRows) { try writer.append(chunk) }
        _ = try writer.finish()
        return sink.bytes
    }

    /// One text a column, exact to the bit.
    var exact: [String] { map { column in column.cells.exact } }
}

extension [Cell] {
    var exact: String {
        var out = ""
        for cell in self {
            cell.appendJSON(to: &out)
            out += "\n"
        }
        return out
    }
}

/// All of a file: one text a column, as `exact` gives them, and the chunks' row counts.
func readBack(_ file: any ByteRange, columns: [String]? = nil) throws -> (exact: [String], chunkRows: [Int]) {
    let reader = try ParquetReader(file, columns: columns)
    var out = [String](repeating: "", count: reader.fields.count)
    var chunkRows: [Int] = []
    while let chunk = try reader.next() {
        precondition(chunk.firstRow == chunkRows.reduce(0) { $0 + Int64($1) }, "chunks follow one another")
        chunkRows.append(chunk.rowCount)
        for (index, column) in chunk.columns.enumerated() { out[index] += column.cells.exact }
    }
    return (out, chunkRows)
}

extension Column {
    /// The column's values in the plainest form. Traps where the layout breaks its promises.
    var cells: [Cell] {
        precondition(nullCount == (0..<rowCount).count { isNull($0) }, "nulls are counted")
        return switch storage {
        case .fixed: (0..<rowCount).map { fixedCell($0) }
        case .variable(let offsets, let bytes): variableCells(offsets, bytes)
        case .list(let offsets, let elements): listCells(offsets, elements.cells, elements.rowCount)
        case .structure(let members): recordCells(members.map { ($0.cells, $0.rowCount) })
        }
    }

    private func fixedCell(_ row: Int) -> Cell {
        let cell: Cell =
            switch type {
            case .boolean: .flag(unsafe values(UInt8.self)[row >> 3] >> UInt8(row & 7) & 1 == 1)
            case .int16: .int(unsafe Int64(values(Int16.self)[row]))
            case .int32, .date: .int(unsafe Int64(values(Int32.self)[row]))
            case .int64, .timestamp: .int(unsafe values(Int64.self)[row])
            case .float32: .single(unsafe values(Float.self)[row])
            case .float64: .double(unsafe values(Double.self)[row])
            case .decimal: .decimal(unsafe values(Int128.self)[row])
            default: preconditionFailure("no fixed type")
            }
        guard isNull(row) else { return cell }
        let zeros: [Cell] = [.flag(false), .int(0), .single(0), .double(0), .decimal(0)]
        precondition(zeros.contains(cell), "null rows are zero")
        return .null
    }

    private func variableCells(_ offsets: Buffer, _ bytes: Buffer) -> [Cell] {
        let bounds = unsafe Array(offsets.elements(Int32.self))
        precondition(bounds.count == rowCount + 1 && bounds[0] == 0 && Int(bounds[rowCount]) == bytes.byteCount)
        let all = unsafe Array(bytes.bytes)
        return (0..<rowCount).map { row in
            let value = Array(all[Int(bounds[row])..<Int(bounds[row + 1])])
            if isNull(row) {
                precondition(value.isEmpty, "null rows are empty")
                return .null
            }
            return type == .text ? .text(String(validating: value, as: UTF8.self)!) : .bytes(value)
        }
    }

    private func listCells(_ offsets: Buffer, _ elements: [Cell], _ count: Int) -> [Cell] {
        let bounds = unsafe Array(offsets.elements(Int32.self))
        precondition(bounds.count == rowCount + 1 && bounds[0] == 0 && Int(bounds[rowCount]) == count)
        return (0..<rowCount).map { row in
            let range = Int(bounds[row])..<Int(bounds[row + 1])
            if isNull(row) {
                precondition(range.isEmpty, "null rows are empty")
                return .null
            }
            return .list(Array(elements[range]))
        }
    }

    private func recordCells(_ members: [(cells: [Cell], count: Int)]) -> [Cell] {
        precondition(members.allSatisfy { $0.count == rowCount }, "members have the rows of their structure")
        return (0..<rowCount).map { row in
            if isNull(row) {
                precondition(members.allSatisfy { $0.cells[row] == .null }, "members of null are null")
                return .null
            }
            return .record(members.map { $0.cells[row] })
        }
    }
}
