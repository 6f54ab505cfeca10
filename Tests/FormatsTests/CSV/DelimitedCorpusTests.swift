import Foundation
import Model
import Testing

@testable import Formats

/// Files of other projects' tests, under the folder that `ETL_SHARED` names (by default beside the package).
@Suite("delimited files: corpora")
struct DelimitedCorpusTests {
    private static let shared =
        ProcessInfo.processInfo.environment["ETL_SHARED"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/shared"
    private static let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"]

    private static func has(_ corpus: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(shared)/data/\(corpus)")
    }

    private static func files(in folder: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return all.sorted().filter { path in
            var isFolder: ObjCBool = false
            return unsafe FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    // MARK: csv-spectrum

    @Test(
        "csv-spectrum: every file equals its JSON",
        .enabled(if: has("csv-spectrum"), "needs the shared data (ETL_SHARED)"))
    func spectrum() throws {
        let folder = "\(Self.shared)/data/csv-spectrum"
        let files = Self.files(in: "\(folder)/csvs")
        #expect(files.count == 12)
        for file in files {
            let json = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/json/\(file.dropLast(4)).json"))
            let parsed = try JSONSerialization.jsonObject(with: json)
            var expected = try #require(parsed as? [[String: String]] ?? (parsed as? [String: String]).map { [$0] })
            var bytes = try Self.bytes("\(folder)/csvs/\(file)")
            if file == "newlines_crlf.csv" && !bytes.contains(13) {
                // The collected copy lost its CRs; the JSON has them.
                bytes = bytes.flatMap { $0 == 10 ? [13, 10] : [$0] }
            }
            if file == "location_coordinates.csv" {
                // The JSON has another telephone number than the file.
                expected[0]["Contact Phone Number"] = "2095257564"
            }
            let table = try Delimited.read([.init(file, bytes)], Delimited.spec { $0.nullTexts = [] }, asText: true)
            let found = table.rows.map { row in
                Dictionary(uniqueKeysWithValues: zip(table.names, row.map { $0 ?? "NULL" }))
            }
            #expect(found == expected, "\(file)")
        }
    }

    // MARK: csvkit and DuckDB

    @Test(
        "csvkit: a table that Python's csv module reads too, or a named error",
        .enabled(if: has("csv-csvkit"), "needs the shared data (ETL_SHARED)"))
    func csvkit() throws {
        let folder = "\(Self.shared)/data/csv-csvkit"
        let suffixes = [".csv", ".tsv", ".gz", ".bz2", ".xls", ".xlsx", ".dbf", ".json"]
        let files = Self.files(in: folder).filter { name in suffixes.contains { name.hasSuffix($0) } }
        let counts = try check(folder, files)
        print("csv-csvkit: \(counts)")
        #expect(counts.tables + counts.errors.values.reduce(0, +) == files.count)
        #expect(counts.tables >= 55)
    }

    @Test(
        "DuckDB: a table that Python's csv module reads too, or a named error",
        .enabled(if: has("csv-duckdb"), "needs the shared data (ETL_SHARED)"))
    func duckdb() throws {
        let folder = NSTemporaryDirectory() + "etl-duckdb-csv-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try Self.run(
            "/usr/bin/env",
            [
                "tar", "--extract", "--zstd", "--file", "\(Self.shared)/data/csv-duckdb/duckdb_csv.tar.zst",
                "--directory", folder,
            ])
        let files = Self.files(in: folder)
        #expect(files.count > 900)
        let counts = try check(folder, files)
        print("csv-duckdb: \(counts)")
        #expect(counts.tables + counts.errors.values.reduce(0, +) == files.count)
        #expect(counts.tables >= 540)
    }

    struct Counts: CustomStringConvertible {
        var tables = 0
        var compared = 0
        var refusedToo = 0
        var errors: [String: Int] = [:]

        var description: String {
            let list = errors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            return """
                \(tables) tables, \(errors.values.reduce(0, +)) named errors (\(list)); \
                \(compared) tables equal to those of Python's csv module, which finds \(refusedToo) of the others malformed too
                """
        }
    }

    /// Reads every file twice: as texts, compared with Python's reading of it, and in its inferred types.
    private func check(_ folder: String, _ files: [String]) throws -> Counts {
        var counts = Counts()
        var refused: [(file: String, delimiter: String, reason: String)] = []
        var asked: [(file: String, delimiter: String, table: Delimited.Table, hasHeader: Bool)] = []
        for name in files {
            let file = Delimited.File(name, try Self.bytes("\(folder)/\(name)"))
            var spec = Delimited.spec { $0.delimiter = Self.likelyDelimiter(file.bytes) }
            do {
                var table: Delimited.Table
                do {
                    table = try Delimited.read([file], spec, asText: true)
                } catch let error as FormatError where error.row == 0 {
                    // No usable header: data from the first record on.
                    spec.hasHeader = false
                    table = try Delimited.read([file], spec, asText: true)
                }
                // What was inferred must be readable as that.
                #expect(try Delimited.read([file], spec).rows.count == table.rows.count, "\(name)")
                counts.tables += 1
                if !name.hasSuffix(".gz") && !name.hasSuffix(".gzz") {
                    asked.append((name, String(UnicodeScalar(spec.delimiter)), table, spec.hasHeader))
                }
            } catch let error as FormatError {
                counts.errors[error.code.rawValue, default: 0] += 1
                #expect(error.file == name)
                if error.code == .malformedRecord,
                    error.row != 0 || error.reason.contains("inside quotes")
                        || error.reason.contains("closing quote")
                {
                    refused.append((name, String(UnicodeScalar(spec.delimiter)), error.reason))
                }
            }
        }
        guard let python = Self.python else { return counts }
        let answers = try Self.readWithPython(python, folder, asked.map { ($0.file, $0.delimiter) }, isStrict: false)
        for (question, answer) in zip(asked, answers) {
            guard let answer else { continue }
            let expected = Self.normalized(answer, width: question.table.names.count, hasHeader: question.hasHeader)
            let found =
                (question.hasHeader ? [question.table.names] : []) + question.table.rows.map { $0.map { $0 ?? "" } }
            #expect(found == expected, "\(question.file)")
            counts.compared += 1
        }
        // What we call malformed, Python's strict reading refuses, or gives rows of different widths.
        let strict = try Self.readWithPython(python, folder, refused.map { ($0.file, $0.delimiter) }, isStrict: true)
        for (question, answer) in zip(refused, strict) {
            let widths = Set((answer ?? []).map(\.count).filter { $0 > 0 })
            if question.reason.hasPrefix("a carriage return without line feed") {
                // Python ends a record there; whether it is one or two is what we do not guess.
                let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(question.file)")))
                #expect(zip(bytes, bytes.dropFirst()).contains { $0 == 13 && $1 != 10 }, "\(question.file)")
                continue
            }
            #expect(answer == nil || widths.count > 1, "\(question.file): \(question.reason)")
            if answer == nil || widths.count > 1 { counts.refusedToo += 1 }
        }
        return counts
    }

    /// The commonest delimiter of the first kilobyte's lines.
    private static func likelyDelimiter(_ bytes: [UInt8]) -> UInt8 {
        let head = bytes.prefix(1000)
        return Array(",;|\t".utf8).max { a, b in head.count { $0 == a } < head.count { $0 == b } } ?? UInt8(ascii: ",")
    }

    /// Python gives a blank line as an empty list: no record, or a field of nothing where records have one field.
    private static func normalized(_ rows: [[String]], width: Int, hasHeader: Bool) -> [[String]] {
        if width != 1 { return rows.filter { !$0.isEmpty } }
        let body = hasHeader ? Array(rows.drop { $0.isEmpty }) : rows
        return body.map { $0.isEmpty ? [""] : $0 }
    }

    /// What Python's csv module reads of each file; nil where Python does not read it.
    private static func readWithPython(
        _ python: String, _ folder: String, _ questions: [(file: String, delimiter: String)], isStrict: Bool
    ) throws -> [[[String]]?] {
        let program = """
            import csv, json, sys
            csv.field_size_limit(sys.maxsize)
            answers = []
            for file, delimiter in json.load(open(sys.argv[1])):
                path = sys.argv[2] + "/" + file
                head = open(path, "rb").read(2)
                encoding = "utf-16" if head in (b"\\xff\\xfe", b"\\xfe\\xff") else "utf-8-sig"
                try:
                    with open(path, encoding=encoding, newline="") as lines:
                        answers.append(list(csv.reader(lines, delimiter=delimiter, strict=\(isStrict ? "True" : "False"))))
                except Exception:
                    answers.append(None)
            json.dump(answers, sys.stdout)
            """
        let list = NSTemporaryDirectory() + "etl-csv-questions-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: list) }
        try JSONEncoder().encode(questions.map { [$0.file, $0.delimiter] }).write(to: URL(fileURLWithPath: list))
        return try JSONDecoder().decode([[[String]]?].self, from: run(python, ["-c", program, list, folder]))
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(program)")
        return output
    }
}
