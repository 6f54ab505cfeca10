import Columnar
import Foundation
import Model
import Testing

@testable import Formats

@Suite("Tables given out")
struct TableExportTests {
    private func export(
        _ parts: [[TestColumn]], _ format: ExportFormat, columns: [String]? = nil, limit: Int64? = nil
    ) throws -> (bytes: [UInt8], rows: Int64) {
        let sink = MemorySink()
        let rows = try TableExport.write(
            parts: parts.map { MemoryRange(try $0.parquet()) }, format: format, into: sink, columns: columns,
            limit: limit)
        return (sink.bytes, rows)
    }

    private func text(
        _ parts: [[TestColumn]], _ format: ExportFormat, columns: [String]? = nil, limit: Int64? = nil
    ) throws -> String {
        String(decoding: try export(parts, format, columns: columns, limit: limit).bytes, as: UTF8.self)
    }

    private static var sample: [TestColumn] {
        [
            TestColumn(name: "id", type: .int64, cells: [.int(.min), .null, .int(3)]),
            TestColumn(
                name: "a \"name\", odd", type: .text, cells: [.text("say \"no\", twice\r\n"), .null, .text("")]),
            TestColumn(
                name: "price", type: .decimal(precision: 38, scale: 2), cells: [.decimal(-5), .decimal(1_250), .null]),
            TestColumn(name: "rate", type: .float64, cells: [.double(0.1), .double(.nan), .double(-.infinity)]),
            TestColumn(name: "at", type: .timestamp(isUTC: true), cells: [.int(0), .int(1_500_000), .null]),
            TestColumn(name: "on", type: .date, cells: [.int(19_000), .null, .int(-719_162)]),
            TestColumn(name: "raw", type: .binary, cells: [.bytes([0, 255]), .bytes([]), .null]),
            TestColumn(
                name: "tags", type: .list(.text), cells: [.list([.text("a\u{2028}\u{1}"), .null]), .list([]), .null]),
            TestColumn(
                name: "who", type: .structure([Field(name: "is", type: .boolean), Field(name: "n", type: .int16)]),
                cells: [.record([.flag(true), .int(-7)]), .null, .record([.null, .null])]),
        ]
    }

    @Test("CSV follows RFC 4180; NULL is nothing, an empty text two quotes")
    func csv() throws {
        let expected = [
            "id,\"a \"\"name\"\", odd\",price,rate,at,on,raw,tags,who",
            "-9223372036854775808,\"say \"\"no\"\", twice\r\n\",-0.05,0.1,1970-01-01T00:00:00Z,2022-01-08,00ff,"
                + "\"[\"\"a\\u2028\\u0001\"\",null]\",\"{\"\"is\"\":true,\"\"n\"\":-7}\"",
            ",,12.50,NaN,1970-01-01T00:00:01.500000Z,,\"\",[],",
            "3,\"\",,-Infinity,,0001-01-01,,,\"{\"\"is\"\":null,\"\"n\"\":null}\"",
        ]
        #expect(try text([Self.sample], .csv) == expected.map { $0 + "\r\n" }.joined())
    }

    @Test("JSON Lines has an object a row, every digit, and null for NULL")
    func jsonLines() throws {
        let expected = [
            "{\"id\":-9223372036854775808,\"a \\\"name\\\", odd\":\"say \\\"no\\\", twice\\r\\n\",\"price\":-0.05,\"rate\":0.1,"
                + "\"at\":\"1970-01-01T00:00:00Z\",\"on\":\"2022-01-08\",\"raw\":\"00ff\",\"tags\":[\"a\\u2028\\u0001\",null],"
                + "\"who\":{\"is\":true,\"n\":-7}}",
            "{\"id\":null,\"a \\\"name\\\", odd\":null,\"price\":12.50,\"rate\":\"NaN\",\"at\":\"1970-01-01T00:00:01.500000Z\","
                + "\"on\":null,\"raw\":\"\",\"tags\":[],\"who\":null}",
            "{\"id\":3,\"a \\\"name\\\", odd\":\"\",\"price\":null,\"rate\":\"-Infinity\",\"at\":null,\"on\":\"0001-01-01\",\"raw\":null,"
                + "\"tags\":null,\"who\":{\"is\":null,\"n\":null}}",
        ]
        #expect(try text([Self.sample], .jsonl) == expected.map { $0 + "\n" }.joined())
    }

    @Test("parts follow one another, columns and rows are those asked for")
    func selection() throws {
        let parts = [0..<3, 3..<3, 3..<5].map { rows in
            [
                TestColumn(name: "n", type: .int32, cells: rows.map { .int(Int64($0)) }),
                TestColumn(name: "t", type: .text, cells: rows.map { .text("t\($0)") }),
            ]
        }
        #expect(try text(parts, .csv, columns: ["t", "n"]) == "t,n\r\nt0,0\r\nt1,1\r\nt2,2\r\nt3,3\r\nt4,4\r\n")
        #expect(try text(parts, .csv, columns: ["n"], limit: 4) == "n\r\n0\r\n1\r\n2\r\n3\r\n")
        #expect(try export(parts, .jsonl, limit: 2).rows == 2)
        #expect(try text(parts, .csv, limit: 0) == "n,t\r\n")
        #expect(try export(parts, .arrow).rows == 5)
        let stream = try TableStream(parts: parts.map { MemoryRange(try $0.parquet()) })
        var firstRows: [Int64] = []
        while let chunk = try stream.next() { firstRows.append(chunk.firstRow) }
        #expect(firstRows == [0, 3])
    }

    @Test("parts with other columns, and no parts, are refused")
    func otherColumns() throws {
        let one = [TestColumn(name: "n", type: .int32, cells: [.int(1)])]
        let other = [TestColumn(name: "n", type: .int64, cells: [.int(1)])]
        for parts in [[one, other], []] {
            let error = #expect(throws: FormatError.self) { try export(parts, .csv) }
            #expect(error?.code == .unsupportedForm)
        }
    }

    @Test("a target that refuses bytes ends the export, without its reasons", arguments: ExportFormat.allCases)
    func sinkFails(format: ExportFormat) throws {
        let part = MemoryRange(try Self.sample.parquet())
        for size in [0, 70, 130] {
            let error = #expect(throws: FormatError.self) {
                try TableExport.write(parts: [part], format: format, into: FailingSink(after: size))
            }
            #expect(error?.code == .sinkFailed)
        }
    }

    @Test(
        "pyarrow, polars, csv and json read the same values as in the Parquet files",
        .enabled(
            if: ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] != nil,
            "needs ETL_TEST_PYTHON: a Python with pyarrow and polars"))
    func foreignReaders() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func add(_ name: String, _ parts: [[TestColumn]], _ formats: [ExportFormat] = ExportFormat.allCases) throws {
            var files: [MemoryRange] = []
            for (index, part) in parts.enumerated() {
                files.append(MemoryRange(try part.parquet()))
                try Data(files[index].bytes).write(to: folder.appending(path: "\(name).\(index).parquet"))
            }
            for format in formats {
                let sink = MemorySink()
                _ = try TableExport.write(parts: files, format: format, into: sink)
                try Data(sink.bytes).write(to: folder.appending(path: "\(name).\(format.rawValue)"))
            }
        }
        for rows in [0, 1, 63, 64, 65, 3_000] {
            try add("scalars-\(rows)", [ParquetReadersTests.scalarColumns(rows: rows, distinct: rows > 100 ? 50 : 0)])
            try add("nested-\(rows)", [ParquetReadersTests.nestedColumns(rows: rows)])
        }
        let parts = (0..<3).map { part in
            ParquetReadersTests.scalarColumns(rows: 500 * part, distinct: 0)
                + ParquetReadersTests.nestedColumns(rows: 500 * part)
        }
        try add("parts", parts)
        try add("special", [ParquetReadersTests.specialColumns()])
        let many = [
            TestColumn(
                name: "n", type: .int64, cells: SampleCells.cells(.int64, count: 200_000, nulls: .random, seed: 3)),
            TestColumn(name: "t", type: .text, cells: SampleCells.cells(.text, count: 200_000, nulls: .none, seed: 4)),
        ]
        try add("many", [many])
        try Self.runPython("export_check.py", [folder.path])
    }

    private static func runPython(_ script: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"]))
        process.arguments =
            ["-B", URL(filePath: #filePath).deletingLastPathComponent().appending(path: script).path] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
    }
}
