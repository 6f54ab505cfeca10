import Columnar
import Model
import Testing

@testable import Formats

@Suite("Chunks as binary COPY")
struct PostgresCopyEncoderTests {
    private final class Collected: ByteSink {
        var bytes: [UInt8] = []
        func write(_ more: UnsafeRawBufferPointer) { unsafe bytes.append(contentsOf: more) }
    }

    private func encoded(_ columns: [TestColumn], rowsPerChunk: Int = 7) throws -> [[UInt8]] {
        let encoder = PostgresCopyEncoder(columns: columns.map(\.output))
        var pieces = [PostgresCopyEncoder.header]
        for chunk in columns.chunks(of: rowsPerChunk) {
            try unsafe encoder.encode(chunk) { bytes in unsafe pieces.append(Array(bytes)) }
        }
        return pieces + [PostgresCopyEncoder.trailer]
    }

    private func parquet(_ columns: [OutputColumn], _ chunks: [Chunk]) throws -> [UInt8] {
        let sink = Collected()
        let writer = ParquetWriter(columns: columns, codec: .none, sink: sink)
        for chunk in chunks { try writer.append(chunk) }
        _ = try writer.finish()
        return sink.bytes
    }

    @Test("the decoder reads the same values back, of every type", arguments: SampleCells.Nulls.allCases)
    func thereAndBack(_ nulls: SampleCells.Nulls) throws {
        let columns = SampleCells.scalars.map {
            // A text with a zero byte is refused, see below.
            let cells = SampleCells.cells($0.type, count: 200, nulls: nulls, seed: 7).map {
                $0.hasZeroByte ? .text("") : $0
            }
            return TestColumn(name: $0.name, type: $0.type, cells: cells)
        }
        let lists = columns.map { column in
            TestColumn(
                name: "list of \(column.name)", type: .list(column.type),
                cells: column.cells.indices.map { row in
                    row % 5 == 0 ? .null : .list(Array(column.cells[max(0, row - row % 4)..<row]))
                })
        }
        let all = columns + lists
        var decoder = PostgresCopyDecoder(
            columns: try all.map {
                .init(
                    name: $0.name, mapping: try #require(PostgresColumnMapping(published: $0.type)),
                    nullsSpecials: false)
            })
        for piece in try encoded(all) { try unsafe piece.withUnsafeBytes { unsafe try decoder.append(row: $0) } }
        try decoder.finishStream()
        let outputs = all.map(\.output)
        #expect(try parquet(outputs, [decoder.finishChunk()]) == parquet(outputs, all.chunks(of: 64)))
    }

    private struct Decimal: Sendable {
        let value: Int128
        let scale: Int
        let digits: [Int16]
        let weight: Int16
    }

    private static let decimals: [Decimal] = [
        .init(value: 0, scale: 0, digits: [], weight: 0), .init(value: 0, scale: 7, digits: [], weight: 0),
        .init(value: 1, scale: 0, digits: [1], weight: 0), .init(value: 10_000, scale: 0, digits: [1], weight: 1),
        .init(value: 12_345_678, scale: 0, digits: [1234, 5678], weight: 1),
        .init(value: 100, scale: 2, digits: [1], weight: 0), .init(value: 1, scale: 2, digits: [100], weight: -1),
        .init(value: -12_345, scale: 1, digits: [1234, 5000], weight: 0),
        .init(value: 5, scale: 8, digits: [5], weight: -2), .init(value: 10_000, scale: 4, digits: [1], weight: 0),
        .init(value: 123_000_000, scale: 5, digits: [1230], weight: 0),
    ]

    @Test(
        "a decimal is groups of four digits from its point outwards, without zeros at either end", arguments: decimals)
    private func decimal(_ decimal: Decimal) throws {
        let column = TestColumn(
            name: "d", type: .decimal(precision: 38, scale: decimal.scale), cells: [.decimal(decimal.value)])
        let numeric = CopyBytes.numeric(
            decimal.digits, weight: decimal.weight, sign: decimal.value < 0 ? 0x4000 : 0, scale: UInt16(decimal.scale))
        #expect(try encoded([column])[1] == CopyBytes.tuple([numeric]))
    }

    @Test("a row larger than the buffer goes out whole")
    func largeRow() throws {
        let text = String(repeating: "x", count: 1 << 20)
        let pieces = try encoded([TestColumn(name: "t", type: .text, cells: [.text("a"), .text(text), .text("b")])])
        let byteCount = pieces.reduce(0) { $0 + $1.count }
        // Header, three rows of a count and a length, the texts, trailer.
        #expect(byteCount == 1_048_617)
    }

    @Test("what PostgreSQL cannot keep is refused by column and row, without the value")
    func refusals() throws {
        let cases: [(DataType, Cell)] = [
            (.text, .text("a\u{0}b")), (.list(.text), .list([.text("\u{0}")])), (.date, .int(-719_163)),
        ]
        for (type, cell) in cases {
            let column = TestColumn(name: "note", type: type, cells: [.null, cell])
            let error = try #require(throws: FormatError.self) { _ = try encoded([column], rowsPerChunk: 1) }
            #expect(error.code == .specialValue && error.column == "note" && error.row == 1)
        }
    }
}

extension Cell {
    fileprivate var hasZeroByte: Bool { if case .text(let text) = self { text.utf8.contains(0) } else { false } }
}
