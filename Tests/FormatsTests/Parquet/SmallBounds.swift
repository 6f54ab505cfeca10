import Model

@testable import Formats

/// Bounds so small that a few thousand rows have many stripes, pages, row groups, dictionaries given up and giant cells.
enum SmallBounds {
    static var bounds: ParquetWriter.Bounds {
        var bounds = ParquetWriter.Bounds()
        bounds.rowsPerRowGroup = 2_500
        bounds.bytesPerRowGroup = 200_000
        bounds.bufferedBytesPerRowGroup = 60_000
        bounds.bytesOfOpenPages = 14_000
        bounds.bytesOfDictionaryIndexes = 30_000
        bounds.rowsPerPage = 700
        bounds.bytesPerPage = 6_000
        bounds.bytesPerDictionary = 4_000
        bounds.rowsPerStripe = 150
        bounds.bytesPerStripe = 2_000
        bounds.bytesPerWideStripe = 5_000
        bounds.bytesPerGiantCell = 3_000
        return bounds
    }

    static func columns(seed: UInt64) -> [TestColumn] {
        var numbers = SeededNumbers(seed: seed)
        let lengths = (0..<6_000).map { _ in
            numbers.next() % 500 == 0 ? Int(numbers.next() % 6_000) : Int(numbers.next() % 20)
        }
        let record = DataType.structure([Field(name: "bytes", type: .binary)])
        let records = lengths.reversed().map { length in
            Cell.record([length % 7 == 0 ? .null : .bytes([UInt8](repeating: 3, count: length))])
        }
        return [
            TestColumn(
                name: "text \(seed)", type: .text, cells: lengths.map { .text(String(repeating: "t", count: $0)) }),
            TestColumn(name: "inner", type: record, cells: records),
            TestColumn(
                name: "list", type: .list(.text),
                cells: SampleCells.cells(.list(.text), count: 6_000, nulls: .random, seed: seed)),
            TestColumn(
                name: "number", type: .int32,
                cells: SampleCells.cells(.int32, count: 6_000, nulls: .random, distinct: 1_500, seed: seed)),
            TestColumn(
                name: "word", type: .text,
                cells: SampleCells.cells(.text, count: 6_000, nulls: .random, distinct: 150, seed: seed)),
        ]
    }
}
