import Columnar
import Foundation
import Model
import TestKit
import Testing

@testable import Formats

@Suite("The Parquet reader")
struct ParquetReaderTests {
    private func expectSame(
        _ columns: [TestColumn], codec: TargetSpec.Codec, bounds: ParquetWriter.Bounds = .init(), _ comment: Comment
    ) throws {
        let file = MemoryRange(try columns.parquet(codec: codec, bounds: bounds))
        let fields = try ParquetReader(file).fields
        #expect(fields == columns.map { Field(name: $0.name, type: $0.type) }, comment)
        let (found, chunkRows) = try readBack(file)
        #expect(chunkRows.reduce(0, +) == columns.rowCount, comment)
        for (column, (found, wanted)) in zip(columns, zip(found, columns.exact)) where found != wanted {
            Issue.record("\(comment): \(column.name) is not what was written")
        }
    }

    @Test(
        "gives every scalar type, codec, null pattern and edge of row counts back", arguments: TargetSpec.Codec.allCases
    )
    func matrix(codec: TargetSpec.Codec) throws {
        for rows in [0, 1, 63, 64, 65] {
            try expectSame(ParquetReadersTests.scalarColumns(rows: rows, distinct: 0), codec: codec, "\(rows) rows")
        }
    }

    @Test("gives many pages back, plain, by dictionary, and by one that was given up half-way")
    func pages() throws {
        try expectSame(ParquetReadersTests.scalarColumns(rows: 23_000, distinct: 0), codec: .lz4, "distinct")
        try expectSame(ParquetReadersTests.scalarColumns(rows: 23_000, distinct: 90), codec: .zstd, "few")
        var cells = [Cell](repeating: .null, count: 25_000)
        cells += (0..<50_000).map { Cell.text("often \($0 % 10)") }
        cells += (0..<30_000).map { Cell.text("once and no more: \($0)") }
        var bounds = ParquetWriter.Bounds()
        bounds.bytesPerDictionary = 100_000
        try expectSame([TestColumn(name: "turning", type: .text, cells: cells)], codec: .lz4, bounds: bounds, "turning")
    }

    @Test(
        "gives small stripes, pages, row groups, dictionaries and giant cells back",
        arguments: TargetSpec.Codec.allCases)
    func smallBounds(codec: TargetSpec.Codec) throws {
        for seed in [UInt64(11), 12, 13] {
            try expectSame(SmallBounds.columns(seed: seed), codec: codec, bounds: SmallBounds.bounds, "seed \(seed)")
        }
    }

    @Test("gives nested types of any depth back")
    func nested() throws {
        for rows in [0, 1, 64, 1_000, 9_000] {
            let columns = ParquetReadersTests.nestedColumns(rows: rows)
            for codec in rows == 64 ? TargetSpec.Codec.allCases : [.lz4] {
                try expectSame(columns, codec: codec, "\(rows) rows")
                try expectSame(columns, codec: codec, bounds: SmallBounds.bounds, "\(rows) rows, small")
            }
        }
    }

    @Test("gives NaN, zeros, long text and every precision back to the bit")
    func special() throws {
        try expectSame(ParquetReadersTests.specialColumns(), codec: .zstd, "special")
        let decimals = (1...38).map { precision in
            TestColumn(
                name: "p\(precision)", type: .decimal(precision: precision, scale: precision / 2),
                cells: SampleCells.cells(
                    .decimal(precision: precision, scale: 0), count: 40, nulls: .random, seed: UInt64(precision)))
        }
        try expectSame(decimals, codec: .lz4, "decimals")
    }

    @Test(
        "gives giant cells back, in small chunks",
        arguments: Night.isAsked ? TargetSpec.Codec.allCases : [TargetSpec.Codec.lz4])
    func giant(codec: TargetSpec.Codec) throws {
        let size = 5 << 20
        let columns = [
            TestColumn(
                name: "text", type: .text,
                cells: [
                    .text("small"), .text(String(repeating: "g", count: size)), .null,
                    .text(String(repeating: "é", count: size)), .text("end"),
                ]),
            TestColumn(
                name: "bytes", type: .structure([Field(name: "photo", type: .binary)]),
                cells: (0..<5).map { .record([.bytes([UInt8](repeating: UInt8($0), count: $0 == 3 ? size : 1))]) }),
        ]
        try expectSame(columns, codec: codec, "giant")
    }

    @Test("hands chunks on at their bounds, whatever the pages are")
    func chunks() throws {
        let small = [TestColumn(name: "n", type: .int32, cells: (0..<200_000).map { .int(Int64($0)) })]
        #expect(try readBack(MemoryRange(small.parquet())).chunkRows == [65_536, 65_536, 65_536, 3_392])
        let long = [
            TestColumn(
                name: "t", type: .text, cells: (0..<40_000).map { .text(String(repeating: "\($0 % 10)", count: 1_000)) }
            )
        ]
        let rows = try readBack(MemoryRange(long.parquet())).chunkRows
        #expect(rows.count >= 4 && rows.dropLast().allSatisfy { (7_000...9_000).contains($0) }, "\(rows)")
    }

    @Test("reads the columns asked for and no others, in the order asked for")
    func projection() throws {
        let columns =
            ParquetReadersTests.nestedColumns(rows: 3_000) + ParquetReadersTests.scalarColumns(rows: 3_000, distinct: 0)
        let bytes = try columns.parquet(codec: .none)
        let file = MemoryRange(bytes)
        let found = try readBack(file, columns: ["int64 random", "place none"]).exact
        let wanted =
            columns.filter { $0.name == "int64 random" }.exact + columns.filter { $0.name == "place none" }.exact
        #expect(found == wanted)
        #expect(file.readByteCount < bytes.count / 4 + (64 << 10))
        for names in [["nobody"], [], ["int64 none", "int64 none"]] {
            let error = #expect(throws: FormatError.self) { try ParquetReader(file, columns: names) }
            #expect(error?.code == .unsupportedForm && error?.column == names.first)
        }
    }

    @Test("names the column of a form that is not read")
    func unsupported() throws {
        let columns = [TestColumn(name: "n", type: .int32, cells: (0..<10).map { .int(Int64($0)) })]
        // Codec 7 (a zigzag 14 behind field 4 of the column's metadata) becomes 5, Hadoop's LZ4.
        var bytes = try columns.parquet()
        let codec = try #require(
            bytes.indices.dropLast(6).last { bytes[$0...].starts(with: Array("n".utf8) + [0x15, 14]) })
        bytes[codec + 2] = 10
        let error = #expect(throws: FormatError.self) { try readBack(MemoryRange(bytes)) }
        #expect(error?.code == .unsupportedForm && error?.column == "n" && error?.disposition == .failRun)
    }

    @Test(
        "refuses what is no Parquet file",
        arguments: ["", "PAR1", "PAR1PAR1PAR1", "PAR1\u{1}\u{0}\u{0}\u{0}PAR1", "something else entirely"])
    func noFile(text: String) {
        let error = #expect(throws: FormatError.self) { try readBack(MemoryRange(Array(text.utf8))) }
        #expect(error?.code == .brokenStream && error?.disposition == .retry)
    }

    @Test("passes the file's own error on")
    func failingFile() throws {
        final class Gone: ByteRange {
            struct Lost: Error {}
            var byteCount: Int64 { 1000 }
            func read(offset: Int64, count: Int) throws -> [UInt8] { throw Lost() }
        }
        #expect(throws: Gone.Lost.self) { try ParquetReader(Gone()) }
    }

    /// Each a statement that writes `path`; what becomes of it: refused with its code, or read.
    private static let foreign: [(form: String, code: FormatError.Code?)] = [
        ("pq.write_table(pa.table({'c': [1, 2, None]}), path, compression='none', write_page_checksum=True)", nil),
        (
            "pq.write_table(pa.table({'c': ['a', None, 'b'] * 99}), path, compression='zstd', write_page_checksum=True)",
            nil
        ),
        (
            "pq.write_table(pa.table({'c': [[1, 2], None, []]}), path, compression='none', write_page_checksum=True)",
            nil
        ),
        ("pq.write_table(pa.table({'c': [1, 2, None]}), path, compression='none')", .unsupportedForm),
        (
            "pq.write_table(pa.table({'c': [1, 2, None]}), path, compression='snappy', write_page_checksum=True)",
            .unsupportedForm
        ),
        (
            "pq.write_table(pa.table({'c': [1, 2]}), path, compression='none', write_page_checksum=True, data_page_version='2.0')",
            .unsupportedForm
        ),
        (
            "pq.write_table(pa.table({'c': [1, 2]}), path, compression='none', write_page_checksum=True, use_dictionary=False, column_encoding='DELTA_BINARY_PACKED')",
            .unsupportedForm
        ),
        ("pq.write_table(pa.table({'c': pa.array([1, 2], pa.uint32())}), path)", .unsupportedForm),
        ("pq.write_table(pa.table({'c': pa.array([1, 2], pa.timestamp('ms'))}), path)", .unsupportedForm),
        (
            "pq.write_table(pa.table({'c': pa.array([[('a', 1)]], pa.map_(pa.string(), pa.int32()))}), path)",
            .unsupportedForm
        ),
        (
            "pq.write_table(pa.table([[1]], pa.schema([pa.field('c', pa.int64(), nullable=False)])), path)",
            .unsupportedForm
        ),
        ("pq.write_table(pa.table({'c': [1.5]}).cast(pa.schema([('c', pa.float16())])), path)", .unsupportedForm),
    ]

    @Test(
        "names what is foreign in the files of another writer",
        .enabled(
            if: ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] != nil,
            "needs ETL_TEST_PYTHON: a Python with pyarrow"),
        arguments: foreign.indices)
    func foreignFiles(index: Int) throws {
        let (form, code) = Self.foreign[index]
        let path = FileManager.default.temporaryDirectory.appending(path: "foreign-\(UUID().uuidString).parquet")
        defer { try? FileManager.default.removeItem(at: path) }
        let process = Process()
        process.executableURL = URL(filePath: try #require(ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"]))
        process.arguments = [
            "-c", "import sys, pyarrow as pa, pyarrow.parquet as pq\npath = sys.argv[1]\n" + form, path.path,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let file = MemoryRange(Array(try Data(contentsOf: path)))
        guard let code else {
            #expect(try readBack(file).chunkRows.count == 1, "\(form)")
            return
        }
        let error = #expect(throws: FormatError.self, "\(form)") { try readBack(file) }
        #expect(error?.code == code && error?.column == "c", "\(form): \(error?.reason ?? "")")
    }
}
