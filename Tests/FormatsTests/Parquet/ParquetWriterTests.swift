import Columnar
import Foundation
import Model
import Testing

@testable import Formats

@Suite("The Parquet writer")
struct ParquetWriterTests {
    private func file(
        _ columns: [TestColumn], chunkRows: Int, codec: TargetSpec.Codec = .lz4, bounds: ParquetWriter.Bounds = .init()
    ) throws -> (bytes: [UInt8], summary: ParquetSummary) {
        let sink = MemorySink()
        let writer = ParquetWriter(columns: columns.map(\.output), codec: codec, sink: sink, bounds: bounds)
        for chunk in columns.chunks(of: chunkRows) { try writer.append(chunk) }
        let summary = try writer.finish()
        return (sink.bytes, summary)
    }

    @Test("the same rows in other chunks give the same bytes", arguments: TargetSpec.Codec.allCases)
    func chunksDoNotShow(codec: TargetSpec.Codec) throws {
        let pair = DataType.structure([Field(name: "a", type: .text), Field(name: "b", type: .list(.int32))])
        let columns = [
            TestColumn(
                name: "few", type: .text,
                cells: SampleCells.cells(.text, count: 45_000, nulls: .random, distinct: 50, seed: 1)),
            TestColumn(
                name: "many", type: .text, cells: SampleCells.cells(.text, count: 45_000, nulls: .none, seed: 2)),
            TestColumn(
                name: "number", type: .int64,
                cells: SampleCells.cells(.int64, count: 45_000, nulls: .random, distinct: 3_000, seed: 3)),
            TestColumn(
                name: "flag", type: .boolean,
                cells: SampleCells.cells(.boolean, count: 45_000, nulls: .alternating, seed: 4)),
            TestColumn(
                name: "pair", type: pair, cells: SampleCells.cells(pair, count: 45_000, nulls: .random, seed: 5)),
        ]
        let whole = try file(columns, chunkRows: 65_536, codec: codec)
        for rows in [1, 7, 1_000] {
            let other = try file(columns, chunkRows: rows, codec: codec)
            #expect(other.bytes == whole.bytes, "chunks of \(rows) rows")
        }
    }

    @Test("nor do they where stripes, pages, row groups and dictionaries are small and cells giant")
    func smallBounds() throws {
        for seed in [UInt64(11), 12, 13] {
            let columns = SmallBounds.columns(seed: seed)
            let whole = try file(columns, chunkRows: 65_536, bounds: SmallBounds.bounds)
            #expect(whole.summary.rowGroupCount > 6)
            for rows in [1, 7, 1_000] {
                #expect(
                    try file(columns, chunkRows: rows, bounds: SmallBounds.bounds).bytes == whole.bytes,
                    "chunks of \(rows) rows, seed \(seed)")
            }
        }
    }

    @Test("a file without rows is a file, and begins and ends with the magic number")
    func empty() throws {
        let empty = try file([TestColumn(name: "a", type: .int32, cells: [])], chunkRows: 10)
        #expect(empty.summary == ParquetSummary(rowCount: 0, byteCount: Int64(empty.bytes.count), rowGroupCount: 0))
        #expect(empty.bytes.prefix(4) == Array("PAR1".utf8)[...] && empty.bytes.suffix(4) == Array("PAR1".utf8)[...])
    }

    @Test("no value of a protected column is in the metadata")
    func protected() throws {
        let columns = [
            TestColumn(name: "shown", type: .text, cells: [.text("visible-cell")]),
            TestColumn(name: "kept", type: .text, cells: [.text("private-cell")], isProtected: true),
        ]
        let bytes = try file(columns, chunkRows: 10).bytes
        let footer = bytes.suffix(8).prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let metadata = String(decoding: bytes.suffix(footer + 8), as: UTF8.self)
        #expect(metadata.contains("visible-cell") && !metadata.contains("private-cell"))
    }

    @Test("a sink that refuses bytes ends the part, early or late, without its reasons", arguments: [0, 4, 50, 300])
    func sinkFails(after byteCount: Int) {
        let column = TestColumn(
            name: "a", type: .int32, cells: SampleCells.cells(.int32, count: 5_000, nulls: .none, seed: 8))
        var bounds = ParquetWriter.Bounds()
        bounds.rowsPerRowGroup = 1_000
        let writer = ParquetWriter(
            columns: [column.output], codec: .none, sink: FailingSink(after: byteCount), bounds: bounds)
        let error = #expect(throws: FormatError.self) {
            for chunk in [column].chunks(of: 1_000) { try writer.append(chunk) }
            _ = try writer.finish()
        }
        #expect(error?.code == .sinkFailed && error?.disposition == .retryElsewhere)
        #expect(throws: FormatError.self) { try writer.finish() }
    }

    @Test(
        "a giant cell goes to the sink from where it lies, and its row ends the row group",
        arguments: [TargetSpec.Codec.lz4, .none])
    func giantCellIsNotCopied(codec: TargetSpec.Codec) throws {
        let columns = [
            TestColumn(name: "a", type: .text, cells: [.text(String(repeating: "g", count: 5 << 20)), .text("b")])
        ]
        let chunk = columns.chunks(of: 2)[0]
        let cell = unsafe chunk.columns[0].variableBytes(0)
        let sink = WatchingSink(for: UInt(bitPattern: cell.baseAddress), count: cell.count)
        let writer = ParquetWriter(columns: columns.map(\.output), codec: codec, sink: sink)
        try writer.append(chunk)
        #expect(sink.hasSeen)
        #expect(try writer.finish().rowGroupCount == 2)
    }

    @Test(
        "equal values cost little: the dictionary is used",
        arguments: [DataType.text, .int64, .timestamp(isUTC: true), .float64, .decimal(precision: 30, scale: 2)])
    func dictionaryPays(type: DataType) throws {
        let cells = SampleCells.cells(type, count: 50_000, nulls: .none, distinct: 16, seed: 21)
        let size = try file([TestColumn(name: "c", type: type, cells: cells)], chunkRows: 65_536, codec: .none).summary
            .byteCount
        #expect(size < 50_000 * 6 / 8)
    }

    @Test("values that are all new cost no more than they are long")
    func dictionaryDoesNotPay() throws {
        let cells = (0..<50_000).map { Cell.text("token \($0) of many") }
        let length = cells.reduce(0) { if case .text(let text) = $1 { $0 + text.utf8.count + 4 } else { $0 } }
        let size = try file([TestColumn(name: "c", type: .text, cells: cells)], chunkRows: 65_536, codec: .none).summary
            .byteCount
        #expect(size < Int64(length + 1_000))
    }
}
