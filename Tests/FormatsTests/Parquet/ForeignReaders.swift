import Foundation
import Model
import Testing

@testable import Formats

/// Collects files with what they should hold and lets one Python process compare them all.
final class ForeignReaders {
    private let folder: URL
    private var manifest = ""
    private var expected: (columns: [String], file: String)?

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "parquet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Writes `columns` as a file. `audit`: how many values a column are looked up with predicates pushed down.
    @discardableResult
    func add(
        _ name: String, _ columns: [TestColumn], codec: TargetSpec.Codec, audit: Int = 0,
        bounds: ParquetWriter.Bounds = .init()
    ) throws -> ParquetSummary {
        let sink = MemorySink()
        let writer = ParquetWriter(columns: columns.map(\.output), codec: codec, sink: sink, bounds: bounds)
        for chunk in columns.chunks(of: 65_536) { try writer.append(chunk) }
        let summary = try writer.finish()
        #expect(summary.byteCount == sink.bytes.count && summary.rowCount == columns.rowCount)
        try Data(sink.bytes).write(to: folder.appending(path: "\(name).parquet"))

        var described: [String] = []
        for column in columns {
            var quoted = ""
            Cell.append(text: column.name, to: &quoted)
            described.append("[\(quoted),\(column.type.testJSON),\(column.isProtected)]")
        }
        // The same table in another codec: the values are there already.
        if expected?.columns != described || expected?.file.hasSuffix("-\(columns.rowCount).jsonl") != true {
            expected = (described, "\(name)-\(columns.rowCount).jsonl")
            try values(columns).write(to: folder.appending(path: expected!.file), atomically: false, encoding: .utf8)
        }
        manifest +=
            "{\"file\":\"\(name).parquet\",\"expected\":\"\(expected!.file)\",\"rows\":\(columns.rowCount),\"audit\":\(audit),"
            + "\"columns\":[\(described.joined(separator: ","))]}\n"
        return summary
    }

    private func values(_ columns: [TestColumn]) -> String {
        var out = ""
        for column in columns {
            out += "["
            for (row, cell) in column.cells.enumerated() {
                if row > 0 { out += "," }
                cell.appendJSON(to: &out)
            }
            out += "]\n"
        }
        return out
    }

    /// Runs the comparison. Its complaints quote values: made-up ones.
    func check() throws {
        try manifest.write(to: folder.appending(path: "manifest.jsonl"), atomically: false, encoding: .utf8)
        let environment = ProcessInfo.processInfo.environment
        let python = try #require(environment["ETL_TEST_PYTHON"])
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let shared =
            environment["ETL_SHARED"].map { URL(filePath: $0) }
            ?? root.deletingLastPathComponent().appending(path: "shared")
        let tools = shared.appending(path: "tools").path
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-B", here.appending(path: "parquet_check.py").path, folder.path]
        if FileManager.default.fileExists(atPath: tools + "/parquet_pushdown_audit.py") {
            process.arguments?.append(tools)
        }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
    }
}
