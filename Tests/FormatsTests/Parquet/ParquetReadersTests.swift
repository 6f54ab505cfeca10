import Columnar
import Foundation
import Model
import TestKit
import Testing

@testable import Formats

/// Files as other people's programs read them: pyarrow, DuckDB and polars compare every value.
@Suite(
    "Parquet files in foreign readers",
    .enabled(
        if: ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] != nil,
        "needs ETL_TEST_PYTHON: a Python with pyarrow, duckdb and polars"))
struct ParquetReadersTests {
    @Test("every scalar type, codec, null pattern and edge of row counts")
    func matrix() throws {
        let files = try ForeignReaders()
        for rows in [0, 1, 63, 64, 65] {
            let columns = Self.scalarColumns(rows: rows, distinct: 0)
            for codec in TargetSpec.Codec.allCases {
                try files.add(
                    "matrix-\(rows)-\(codec)", columns, codec: codec, audit: rows == 65 && codec == .lz4 ? 1 : 0)
            }
        }
        try files.check()
    }

    @Test("many pages: PLAIN, dictionaries, and dictionaries given up half-way")
    func pages() throws {
        let files = try ForeignReaders()
        let many = Self.scalarColumns(rows: 70_000, distinct: 0).filter { !$0.name.hasSuffix("alternating") }
        try files.add("many-distinct", many, codec: .lz4)
        let few = Self.scalarColumns(rows: 70_000, distinct: 90)
        for codec in TargetSpec.Codec.allCases { try files.add("few-distinct-\(codec)", few, codec: codec) }
        // Nulls alone at first, a dictionary that pays, values that are all new, in one column chunk.
        var cells = [Cell](repeating: .null, count: 25_000)
        cells += (0..<50_000).map { Cell.text("often \($0 % 10)") }
        cells += (0..<60_000).map { Cell.text("once and no more: \($0)") }
        var bounds = ParquetWriter.Bounds()
        bounds.bytesPerDictionary = 100_000
        try files.add(
            "turning", [TestColumn(name: "turning", type: .text, cells: cells)], codec: .lz4, audit: 8, bounds: bounds)
        try files.check()
    }

    @Test("small stripes, pages, row groups and dictionaries, and giant cells among them")
    func smallBounds() throws {
        let files = try ForeignReaders()
        for seed in [UInt64(11), 12, 13] {
            let columns = SmallBounds.columns(seed: seed)
            for codec in TargetSpec.Codec.allCases {
                try files.add("small-\(seed)-\(codec)", columns, codec: codec, bounds: SmallBounds.bounds)
            }
        }
        try files.add("small-audit", SmallBounds.columns(seed: 11), codec: .lz4, audit: 5, bounds: SmallBounds.bounds)
        try files.check()
    }

    @Test("nested types to any depth")
    func nested() throws {
        let files = try ForeignReaders()
        for rows in [0, 1, 64, 1_000, 30_000] {
            let columns = Self.nestedColumns(rows: rows)
            for codec in rows == 64 ? TargetSpec.Codec.allCases : [.lz4] {
                try files.add("nested-\(rows)-\(codec)", columns, codec: codec, audit: rows == 1_000 ? 1 : 0)
            }
        }
        try files.check()
    }

    @Test("statistics tell the truth in every reader")
    func statistics() throws {
        let files = try ForeignReaders()
        try files.add("special", Self.specialColumns(), codec: .zstd, audit: 12)
        var bounds = ParquetWriter.Bounds()
        bounds.rowsPerRowGroup = 100
        try files.add("special-groups", Self.specialColumns(), codec: .none, audit: 6, bounds: bounds)
        let decimals = (1...38).map { precision in
            TestColumn(
                name: "p\(precision)", type: .decimal(precision: precision, scale: precision / 2),
                cells: SampleCells.cells(
                    .decimal(precision: precision, scale: 0), count: 40, nulls: .random, seed: UInt64(precision)))
        }
        try files.add("decimals", decimals, codec: .lz4, audit: 1)
        try files.check()
    }

    @Test("more than one row group")
    func rowGroups() throws {
        let files = try ForeignReaders()
        let count = Limits.rowsPerRowGroup + 1_000
        let numbers = TestColumn(
            name: "number", type: .int32, cells: (0..<count).map { .int(Int64($0 / 7)) })
        let file = try files.add("groups", [numbers], codec: .lz4, audit: 2)
        #expect(file.rowGroupCount == 2)
        let long = (0..<200).map { Cell.text(String(repeating: "\($0)", count: 300_000)) }
        let bytes = try files.add("bytes", [TestColumn(name: "long", type: .text, cells: long)], codec: .zstd)
        #expect(bytes.rowGroupCount == 2)
        try files.check()
    }

    @Test(
        "giant cells, alone and among others",
        arguments: Night.isAsked ? TargetSpec.Codec.allCases : [TargetSpec.Codec.lz4])
    func giantCells(codec: TargetSpec.Codec) throws {
        let files = try ForeignReaders()
        let size = 5 << 20
        let texts: [Cell] = [
            .text("small"), .text(String(repeating: "g", count: size)), .null,
            .text(String(repeating: "é", count: size / 2)), .text(String(repeating: "h", count: size + 7)),
            .text("end"),
        ]
        let person = DataType.structure([Field(name: "photo", type: .binary), Field(name: "id", type: .int32)])
        let records: [Cell] = (0..<6).map { row in
            if row == 2 { return Cell.null }
            let photo = [UInt8](repeating: UInt8(row), count: row == 5 ? size : 3)
            return Cell.record([Cell.bytes(photo), Cell.int(Int64(row))])
        }
        let lists: [Cell] = (0..<6).map { row in
            let text = String(repeating: "l", count: row == 3 ? size : 1)
            return Cell.list([Cell.text(text), Cell.null])
        }
        let columns = [
            TestColumn(name: "text", type: .text, cells: texts),
            TestColumn(name: "person", type: person, cells: records),
            TestColumn(name: "list", type: .list(.text), cells: lists),
        ]
        let file = try files.add("giant", columns, codec: codec)
        #expect(file.rowGroupCount == 4)
        try files.check()
    }

    // MARK: Tables

    static func scalarColumns(rows: Int, distinct: Int) -> [TestColumn] {
        SampleCells.scalars.enumerated().flatMap { index, scalar in
            SampleCells.Nulls.allCases.map { nulls in
                TestColumn(
                    name: "\(scalar.name) \(nulls)", type: scalar.type,
                    cells: SampleCells.cells(
                        scalar.type, count: rows, nulls: nulls, distinct: distinct, seed: UInt64(index)),
                    isProtected: nulls == .random && index & 1 == 0)
            }
        }
    }

    static func nestedColumns(rows: Int) -> [TestColumn] {
        let place = DataType.structure([
            Field(name: "street", type: .text), Field(name: "numbers", type: .list(.int32)),
            Field(
                name: "inner",
                type: .structure([
                    Field(name: "flag", type: .boolean), Field(name: "price", type: .decimal(precision: 25, scale: 3)),
                ])),
        ])
        let types: [(String, DataType)] = [
            ("texts", .list(.text)), ("lists", .list(.list(.int64))), ("deep", .list(.list(.list(.date)))),
            ("place", place), ("places", .list(place)), ("flags", .list(.boolean)),
            ("listed", .list(.list(.structure([Field(name: "when", type: .timestamp(isUTC: true))])))),
        ]
        return types.enumerated().flatMap { index, item in
            SampleCells.Nulls.allCases.map { nulls in
                TestColumn(
                    name: "\(item.0) \(nulls)", type: item.1,
                    cells: SampleCells.cells(item.1, count: rows, nulls: nulls, seed: UInt64(100 + index)),
                    isProtected: nulls == .alternating)
            }
        }
    }

    /// 300 rows of values that statistics stumble over.
    static func specialColumns() -> [TestColumn] {
        func repeated(_ cells: [Cell]) -> [Cell] { (0..<300).map { cells[$0 % cells.count] } }
        let long = String(repeating: "z", count: 63)
        return [
            TestColumn(name: "nan", type: .float64, cells: repeated([.double(.nan)])),
            TestColumn(name: "nan and one", type: .float64, cells: repeated([.double(.nan), .double(1)])),
            TestColumn(name: "zero", type: .float64, cells: repeated([.double(0)])),
            TestColumn(name: "minus zero", type: .float32, cells: repeated([.single(-0.0)])),
            TestColumn(name: "infinite", type: .float32, cells: repeated([.single(.infinity), .single(-.infinity)])),
            TestColumn(name: "one value", type: .text, cells: repeated([.text("the same")])),
            TestColumn(name: "one number", type: .int64, cells: repeated([.int(7)])),
            TestColumn(
                name: "negative", type: .decimal(precision: 30, scale: 2),
                cells: repeated([.decimal(-5), .decimal(-500_000), .decimal(3)])),
            TestColumn(
                name: "small negative", type: .decimal(precision: 5, scale: 2),
                cells: repeated([.decimal(-5), .decimal(-500), .decimal(3)])),
            TestColumn(
                name: "cut", type: .text,
                cells: repeated([.text(long + "é"), .text(long + "z"), .text(long + "zz"), .text(long + "😀")])),
            TestColumn(
                name: "top", type: .text,
                cells: repeated([.text(String(repeating: "\u{10FFFF}", count: 20)), .text("a")])),
            TestColumn(
                name: "before surrogates", type: .text,
                cells: repeated([.text(String(repeating: "\u{D7FF}", count: 30))])),
            TestColumn(name: "unsigned", type: .text, cells: repeated([.text("\u{7f}"), .text("é"), .text("😀")])),
            TestColumn(
                name: "all ones", type: .binary,
                cells: repeated([.bytes([UInt8](repeating: 0xff, count: 80)), .bytes([1])])),
            TestColumn(
                name: "ones then", type: .binary,
                cells: repeated([.bytes([7] + [UInt8](repeating: 0xff, count: 80)), .bytes([1])])),
            TestColumn(name: "flag", type: .boolean, cells: repeated([.flag(true)])),
            TestColumn(name: "quote \" and . and ü", type: .int32, cells: repeated([.int(-1), .null])),
        ]
    }
}
