import Columnar
import Foundation
import Model
import Testing

@testable import Formats

/// How fast parts are read and given out; small unless `ETL_BENCHMARK` gives the megabytes. Checks its result, prints times.
@Suite("Parquet parts: speed", .serialized)
struct ParquetReaderBenchmark {
    private final class Counting: ByteSink {
        var byteCount = 0
        func write(_ bytes: UnsafeRawBufferPointer) throws { byteCount += bytes.count }
    }

    private func measure(_ name: String, _ body: () throws -> Int) rethrows {
        let clock = ContinuousClock()
        var byteCount = 0
        let time = try clock.measure { byteCount = try body() }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("\(name): \(Int(Double(byteCount) / 1e6 / seconds)) MB/s of \(byteCount / 1_000_000) MB")
    }

    private static func columns(rows: Int) -> [(String, Column)] {
        var numbers = SeededNumbers(seed: 1)
        func fixed<Value: BitwiseCopyable>(_ type: DataType, _ value: (Int) -> Value) -> Column {
            Column(type: type, rowCount: rows, validity: nil, storage: .fixed(Buffer(copying: (0..<rows).map(value))))
        }
        func text(_ value: (Int) -> String) -> Column {
            var builder = VariableBuilder(rows: rows, bytes: 20 * rows)
            for row in 0..<rows { builder.append(value(row)) }
            return builder.finish(type: .text)
        }
        let nulls = (0..<(rows + 7) / 8).map { _ in UInt8(truncatingIfNeeded: numbers.next() | numbers.next()) }
        let sparse = fixed(.int64) { Int64($0) &* 0x9e37_79b9 }
        return [
            ("int64, all new", fixed(.int64) { Int64($0) &* 0x9e37_79b9_7f4a }),
            ("int32, few", fixed(.int32) { Int32($0 % 1000) }),
            ("text, all new", text { "customer number \($0)" }),
            ("text, few", text { "city of \($0 % 700)" }),
            ("decimal(30,2)", fixed(.decimal(precision: 30, scale: 2)) { Int128($0) * 1_000_000_007 }),
            ("float64", fixed(.float64) { Double($0) / 7 }),
            ("timestamptz", fixed(.timestamp(isUTC: true)) { Int64($0) * 1_234_567 }),
            (
                "int64 with nulls",
                Column(type: .int64, rowCount: rows, validity: Buffer(copying: nulls), storage: sparse.storage)
            ),
        ]
    }

    @Test("columns come back whole, at the speed printed")
    func reading() throws {
        let rows = max((Int(ProcessInfo.processInfo.environment["ETL_BENCHMARK"] ?? "") ?? 0) << 20 / 16, 20_000)
        for (name, column) in Self.columns(rows: rows) {
            let output = OutputColumn(name: "c", type: column.type, isProtected: true)
            for codec in [TargetSpec.Codec.lz4, .none] {
                let sink = MemorySink()
                let writer = ParquetWriter(columns: [output], codec: codec, sink: sink)
                try writer.append(Chunk(columns: [column], rowCount: rows, firstRow: 0))
                _ = try writer.finish()
                let file = MemoryRange(sink.bytes)
                try measure("read \(name), \(codec)") {
                    let reader = try ParquetReader(file)
                    var (found, bytes) = (0, 0)
                    while let chunk = try reader.next() {
                        found += chunk.rowCount
                        bytes += chunk.byteCount
                    }
                    #expect(found == rows)
                    return bytes
                }
                guard codec == .lz4 else { continue }
                for format in ExportFormat.allCases {
                    try measure("  as \(format)") {
                        let sink = Counting()
                        let written = try TableExport.write(parts: [file], format: format, into: sink)
                        #expect(written == Int64(rows))
                        return sink.byteCount
                    }
                }
            }
        }
    }
}
