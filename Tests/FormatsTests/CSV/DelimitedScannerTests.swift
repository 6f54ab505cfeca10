import Model
import Testing

@testable import Formats

@Suite("delimited files: planning")
struct DelimitedScannerTests {
    private func scan(_ text: String, _ change: (inout DelimitedSpec) -> Void = { _ in }) throws -> DelimitedScan {
        try Delimited.scan([Delimited.File(text)], Delimited.spec(change))
    }

    private func error(_ text: String, _ change: (inout DelimitedSpec) -> Void = { _ in }) -> FormatError? {
        Delimited.formatError { _ = try scan(text, change) }
    }

    // MARK: inference

    @Test(
        "types follow from all values",
        arguments: [
            ("true|false|", DataType.boolean), ("TRUE|False", .boolean), ("t|f", .text), ("0|1", .int64),
            ("true|1", .text),
            ("1|-2||", .int64), ("9223372036854775807|-9223372036854775808", .int64), ("-0|0", .text),
            ("9223372036854775808|1", .decimal(precision: 19, scale: 0)), ("007|1", .text), ("1|00", .text),
            ("-07", .text),
            ("+1", .text), ("1 ", .text), (" 1|2", .text), ("1,000", .text), ("1_000", .text), ("0x1F", .text),
            ("1.|2", .text),
            ("1.5|2.25|3", .decimal(precision: 3, scale: 2)), ("0.5", .decimal(precision: 1, scale: 1)),
            ("-0.0|1.5", .decimal(precision: 2, scale: 1)), (".5|0.25", .text), ("-.25", .text),
            ("0.0000000001", .decimal(precision: 10, scale: 10)),
            ("0.00000000001", .float64), ("0.12345678901|1", .float64), ("0.1234567890123456789", .text),
            ("1.0e5|2", .float64), ("1.5E-3|", .float64), ("1e+05|2", .float64), ("1E-5", .float64),
            ("3E12", .text), ("0E1", .text), ("1e5|2", .text), ("-7e3", .text), ("1e+400", .text), ("0e+0", .float64),
            ("12345678901234567890|7", .decimal(precision: 20, scale: 0)), ("1e400", .text), ("1e-400", .text),
            ("0e0", .text),
            ("1e+5|9007199254740993", .text), ("1e+5|900000000000000", .float64), ("1e+5|0.1234567890", .float64),
            ("00.5", .text), ("1e+5|007", .text), ("NaN", .text), ("inf|1.5", .text), ("Infinity", .text),
            ("12345678901234567890123456789012345678", .decimal(precision: 38, scale: 0)),
            ("123456789012345678901234567890123456789", .text),
            ("123456789012345678901234567890|0.0123456789", .text),
            ("1234567890123456789012345678|0.0123456789", .decimal(precision: 38, scale: 10)),
            ("2020-01-31|", .date), ("2020-02-30", .text), ("2020-1-31", .text), ("20200131", .int64),
            ("31.01.2020", .text),
            ("2020-01-31|2020-01-31 00:00:00", .text),
            ("2020-01-31 23:59:59|2020-01-31T00:00:00.5", .timestamp(isUTC: false)),
            ("2020-01-31 24:00:00", .text), ("2020-01-31 12:00", .text), ("2020-01-31 12:00:00.1234567", .text),
            ("2020-01-31 12:00:00Z|2020-01-31T12:00:00.123456+05:30", .timestamp(isUTC: true)),
            ("2020-01-31 12:00:00|2020-01-31 12:00:00Z", .text), ("2020-01-31|1", .text),
            ("infinity|2020-01-31", .text),
            ("||", .text), ("\"\"|1", .text), ("\"1\"|2", .int64), ("\"007\"", .text), ("x|1", .text), ("-", .text),
            (".", .text),
            ("2020-01-31 12:00:00+", .text), ("2020-01-31 12:00:00+1", .text), ("1-2", .text), ("--1", .text),
        ])
    func inferred(values: String, type: DataType) throws {
        let fields = values.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        for order in [fields, fields.reversed()] {
            let records = order.map { $0.contains(",") ? "\"\($0)\",x\n" : "\($0),x\n" }
            let one = try scan("a,b\n" + records.joined())
            #expect(one.columns[0].type == type)
            #expect(!one.columns[0].isDeclared)
            // One file a value.
            let many = try Delimited.scan(
                records.enumerated().map { Delimited.File("\($0).csv", Array("a,b\n\($1)".utf8)) }, Delimited.spec())
            #expect(many.columns[0].type == type)
        }
    }

    @Test("what is inferred as a type is read as that type")
    func inferredReads() throws {
        let text = """
            a,b,c,d,e,f,g
            1,1.50,1e+5,true,2020-01-31,2020-01-31 12:00:00,2020-01-31T12:00:00.5+01:00
            0,0.25,-0.12345678901,FALSE,0001-01-01,1969-12-31T23:59:59.999999,9999-12-31 23:59:59Z

            """
        let table = try Delimited.read([.init(text)])
        #expect(
            table.rows == [
                [
                    "1", "1.50", "100000.0", "true", "2020-01-31", "2020-01-31 12:00:00.000000",
                    "2020-01-31 11:00:00.500000Z",
                ],
                [
                    "0", "0.25", "-0.12345678901", "false", "0001-01-01", "1969-12-31 23:59:59.999999",
                    "9999-12-31 23:59:59.000000Z",
                ],
            ])
    }

    @Test("reasons name kind, file and record, never a value")
    func reasons() throws {
        let plan = try scan("a,b,c,d,e\n1,007,x1,2020-01-01,\n2,8,y,5,\n") {
            $0.types = [.init(column: "a", type: .int16, position: .start)]
        }
        #expect(
            plan.columns.map(\.reason) == [
                "declared", "inferred: leading zeros (a.csv, record 1)",
                "inferred: a value that is no number, date or boolean (a.csv, record 1)",
                "inferred: mixed: integers (a.csv, record 2), dates (a.csv, record 1)",
                "inferred: no record has a value",
            ])
        #expect(plan.columns[0] == InferredColumn(name: "a", type: .int16, reason: "declared", isDeclared: true))
        #expect(plan.columns[0].sourceColumn == SourceColumn(name: "a", native: .delimited(type: .int16)))
    }

    @Test("columns whose values are identities are text, unless they are declared")
    func identities() throws {
        let plan = try scan("a,b,c\n1,1,1\n") { $0.types = [.init(column: "a", type: .int16, position: .start)] }
        let read = plan.columns(identities: ["a", "b", "other"])
        #expect(read.map(\.type) == [.int16, .text, .int64])
        #expect(read[1].reason == "read as text: its values are used as identities")
    }

    // MARK: line ends and marks

    @Test(
        "a CR alone ends records where it ends the first, and breaks its record elsewhere",
        arguments: [
            ("a,b\r\n1,2\r3\r\n4,5\r\n", [1]), ("a,b\n1,x\ry\n4,5\n", [1]), ("a,b\n\r1,2\n4,5\n", [1]),
            ("a,b\r\n1,\"x\ry\"\r\n4,5\r\n", []), ("a,b\r\n1,\"x\"\ry\r\n4,5\r\n", [1]),
            ("a,b\r1,2\r3,4\r", []), ("a,b\r1,2\r\n3,4\n5,6", []), ("a,b\r\n1,2\n3,4\r", []),
            ("a,b\r\n1,2\r\n3\r,4\r\n", [2]), ("\"a\rx\",b\r\n1,2\r\n", []), ("a\n1\r2\n3\n", [1]),
            ("a,b\r\n1,2\r\r\n", [1]), ("a,b\n1,2\n#y\r3,4\n5,6\n", [2]), ("a,b\n#y\r\n1,2\n", []),
            ("a,b\n#\"y\r3,4\n5,6\n", [1]), ("a,b\n#x\n#y\r3,4", [1]), ("#y\ra,b\r1,2\r", []),
        ])
    func loneCR(text: String, broken: [Int64]) throws {
        for block in [1, 2, 3, 5, 8, 1000] {
            for newline in ["", "x,y\n"] {
                var limits = DelimitedLimits()
                limits.bytesPerBlock = block
                limits.bytesPerShard = block
                let file = Delimited.File("a.csv", Array((newline + text).utf8))
                let spec = Delimited.spec {
                    $0.onMalformed = .drop
                    $0.comment = UInt8(ascii: "#")
                    $0.skippedLines = newline.isEmpty ? 0 : 1
                }
                // It may be two records, so it stops even where others may be dropped.
                let error = Delimited.formatError { _ = try Delimited.scan([file], spec, limits: limits) }
                #expect(error?.row == broken.first)
                #expect(
                    broken.isEmpty
                        || error?.reason.hasPrefix("a carriage return without line feed stands outside quotes") == true)
                guard broken.isEmpty else { continue }
                let table = try Delimited.read([file], spec, limits: limits, asText: true)
                #expect(try Int64(table.rows.count) == Delimited.scan([file], spec, limits: limits).recordCount)
            }
        }
    }

    @Test("a byte-order mark inside a file breaks its record, by number, whatever the encoding")
    func markInside() throws {
        let joined = "\u{feff}a,b\n1,2\n\u{feff}a,b\n3,4\n5,x\u{feff}y\n"
        var utf16: [UInt8] = []
        for unit in joined.utf16 { utf16 += [UInt8(unit & 0xff), UInt8(unit >> 8)] }
        for bytes in [Array(joined.utf8), utf16] {
            let file = Delimited.File("a.csv", bytes)
            let error = Delimited.formatError { _ = try Delimited.scan([file], Delimited.spec()) }
            #expect(error?.row == 2 && error?.code == .malformedRecord)
            #expect(error?.reason.contains("byte-order mark") == true)
            let table = try Delimited.read([file], Delimited.spec { $0.onMalformed = .drop })
            #expect(table.rows == [["1", "2"], ["3", "4"], ["5", "x\u{feff}y"]])
            #expect(table.dropped == [2])
        }
        #expect(error("\u{feff}\u{feff}a\n1\n")?.row == 0)
    }

    @Test("the dialect is told in words")
    func dialect() throws {
        #expect(try scan("a\n1\n").dialect == "delimiter \",\", quote \"\\\"\", header, utf-8")
        #expect(
            try scan("1\tNA\n") {
                $0.delimiter = 9
                $0.quote = nil
                $0.hasHeader = false
                $0.nullTexts = ["NA"]
            }.dialect == "delimiter \"\\t\", no quotes, no header, utf-8, NULL as [\"NA\"]")
    }

    // MARK: headers

    @Test(
        "header mistakes are errors with the way out",
        arguments: [
            ("", "the file has no header"), ("\n\n", "the file has no header"),
            ("a,,c\n1,2,3\n", "column 2 has no name"),
            ("a,b,a\n1,2,3\n", "columns 1 and 3 have the same name"),
            ("a,\"b\"c\n1,2\n", "the header: text follows a closing quote"),
            ("a,\"b\n1,2\n", "the header: the file ends inside quotes"),
        ])
    func headerMistakes(text: String, reason: String) {
        let found = error(text)
        #expect(found?.code == .malformedRecord)
        #expect(found?.row == 0)
        #expect(found?.reason == reason)
        #expect(found?.remedy != nil || reason.hasPrefix("the header:"))
    }

    @Test(
        "a first record that the document does not know is not taken for a header, and not told",
        arguments: [
            ("Anna,Muster,Bern", [], "1, 2, 3"), ("id,anna@example.org,x", ["id"], "2"),
            ("id,x,1980-01-02", ["id"], "3"),
            ("id,AB12345,x", ["id"], "2"), ("id,\(String(repeating: "x", count: 65)),y", ["id"], "2"),
            ("id,x=1,\"a\nb\"", ["id"], "2, 3"), ("id,name,zip", ["id"], nil),
            ("id,2019,2020", ["id", "2019", "2020"], nil),
            ("id,Größe (cm),_x9 %", ["id"], nil), ("id,2019,x", ["id"], "2"),
        ] as [(String, Set<String>, String?)])
    func noHeader(first: String, named: Set<String>, places: String?) throws {
        let found = Delimited.formatError {
            _ = try DelimitedScanner(
                Delimited.spec(), source: "labs", first: "a.csv",
                bytes: Delimited.Bytes(Array("\(first)\n1,2,3\n".utf8)[...]), named: named)
        }
        guard let places else { return #expect(found == nil) }
        #expect(
            found?.reason == "the file seems to have no header" && found?.code == .malformedRecord && found?.row == 0)
        #expect(found?.remedy?.hasPrefix("set header: false") == true)
        if !named.isEmpty { #expect(found?.remedy?.contains(" in place \(places) of 3,") == true) }
        for field in first.split(separator: ",") where field != "id" && field.count > 1 {
            #expect(!"\(String(describing: found))".contains(field))
        }
    }

    @Test("names stand for a header, or replace it")
    func names() throws {
        let replaced = try scan("a,a\n1,2\n") { $0.names = ["x", "y"] }
        #expect(replaced.columns.map(\.name) == ["x", "y"])
        #expect(replaced.recordCount == 1)
        let given = try scan("1,2\n3,4\n") {
            $0.names = ["x", "y"]
            $0.hasHeader = false
        }
        #expect(given.recordCount == 2)
        let numbered = try scan("1,2\n3,4\n") { $0.hasHeader = false }
        #expect(numbered.columns.map(\.name) == ["column_1", "column_2"])
        #expect(error("a,b,c\n") { $0.names = ["x", "y"] }?.reason == "the header has 3 fields, `names:` 2")
        let short = error("1,2,3\n") {
            $0.names = ["x", "y"]
            $0.hasHeader = false
        }
        #expect(short?.reason == "the record has 3 fields, the header 2")
        #expect(error("") { $0.hasHeader = false }?.reason == "the file has no header")
    }

    @Test("files without records give a table without rows", arguments: ["a,b\n", "a,b", "\u{FEFF}a,b\r\n\n\n"])
    func noRecords(text: String) throws {
        let table = try Delimited.read([.init(text)])
        #expect(table.names == ["a", "b"])
        #expect(table.rows.isEmpty)
        let plan = try scan(text)
        #expect(plan.shards.count == 1)
        #expect(plan.shards[0].estimatedRows == 0)
        let named = try Delimited.read([.init("")], Delimited.spec { $0.names = ["x"] })
        #expect(named.rows.isEmpty)
    }

    @Test("declared types must be the file's columns, and readable")
    func declaredTypes() {
        let unknown = error("weight,b\n1,2\n") { $0.types = [.init(column: "wieght", type: .int64, position: .start)] }
        #expect(unknown?.column == "wieght")
        #expect(unknown?.remedy == "did you mean `weight`?")
        let binary = error("a,b\n1,2\n") { $0.types = [.init(column: "a", type: .binary, position: .start)] }
        #expect(binary?.reason == "a delimited column cannot be read as binary")
    }

    // MARK: several files

    @Test(
        "files share one header; another one is an error naming both files",
        arguments: [
            ("b,a\n1,2\n", 1), ("a\n1\n", 2), ("a,b,c\n1,2,3\n", 3), ("a,B\n1,2\n", 2),
        ])
    func headersAgree(text: String, field: Int) throws {
        let first = Delimited.File("1.csv", Array("a,b\n1,2\n".utf8))
        let same = try Delimited.read([first, .init("2.csv", Array("a,b\r\n3,x\r\n".utf8))])
        #expect(same.rows == [["1", "2"], ["3", "x"]])
        let found = Delimited.formatError {
            _ = try Delimited.scan([first, .init("2.csv", Array(text.utf8))], Delimited.spec())
        }
        #expect(found?.file == "2.csv")
        #expect(found?.reason == "the header differs from that of 1.csv at field \(field)")
    }

    @Test("each file has its own records, encoding and shards")
    func files() throws {
        let files = [
            Delimited.File("1.csv", Array("a,b\n1,é\n2,y\n".utf8)), .init("2.csv", Array("a,b\n".utf8)),
            .init("3.csv", [0xff, 0xfe] + "a,b\n3,z\n".utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }),
            .init("4.csv", DelimitedEncodingTests.gzip(Array("a,b\n4,w\n5,\n".utf8))),
        ]
        let plan = try Delimited.scan(files, Delimited.spec())
        #expect(plan.files.map(\.recordCount) == [2, 0, 1, 2])
        #expect(plan.files.map(\.encoding) == [.utf8, .utf8, .utf16LittleEndian, .utf8])
        #expect(plan.shards.map(\.index) == [0, 1, 2])
        #expect(plan.shards.map(\.estimatedRows) == [2, 1, 2])
        #expect(plan.shards[0].piece == .bytes(path: "1.csv", start: 4, end: 13, firstRecord: 0))
        #expect(plan.dialect == "delimiter \",\", quote \"\\\"\", header, utf-8 and utf-16le, gzip")
        #expect(
            try Delimited.read(files).rows == [["1", "é"], ["2", "y"], ["3", "z"], ["4", "w"], ["5", nil]])
    }

    @Test("evidence names the first file that has it, in the files' order, whatever was scanned first")
    func placesOfEvidence() throws {
        let texts = [
            "a,b,c\n1,1,\n2,2,\n", "a,b,c\n3,1.5,\n007,2,\n", "a,b,c\n+1,2020-01-31,\nx,true,\n", "a,b,c\n8,1,z\n",
        ]
        let files = texts.enumerated().map { Delimited.File("\($0 + 1).csv", Array($1.utf8)) }
        func bytes(_ file: Delimited.File) -> Delimited.Bytes { Delimited.Bytes(file.bytes[...]) }
        let scanner = try DelimitedScanner(
            Delimited.spec(), source: "labs", first: files[0].name, bytes: bytes(files[0]))
        let scans = try files.reversed().map { try scanner.scan(file: $0.name, bytes: bytes($0)) }
        let plan = scanner.join(scans.reversed())
        #expect(plan.columns.map(\.type) == [.text, .text, .text])
        #expect(
            plan.columns.map(\.reason) == [
                "inferred: leading zeros (2.csv, record 2)",
                "inferred: mixed: booleans (3.csv, record 2), integers (1.csv, record 1), decimals (2.csv, record 1), dates (3.csv, record 1)",
                "inferred: a value that is no number, date or boolean (4.csv, record 1)",
            ])
        #expect(plan.files.map(\.path) == files.map(\.name))
        #expect(plan.shards.map(\.index) == [0, 1, 2, 3])
    }

    /// MiB of a table, and of its shards.
    @Test(
        "a table is cut into shards that several workers can share, neither small nor huge",
        arguments: [0: 32, 500: 32, 2048: 64, 4096: 128, 1_048_576: 128])
    func sizes(total: Int64, shard: Int) {
        #expect(Shard.byteCount(ofTable: total << 20) == shard << 20)
    }

    @Test("a malformed record names its own file")
    func malformedFile() {
        let found = Delimited.formatError {
            _ = try Delimited.scan(
                [.init("1.csv", Array("a,b\n1,2\n".utf8)), .init("2.csv", Array("a,b\n1,2\n1\n".utf8))],
                Delimited.spec())
        }
        #expect(found?.file == "2.csv")
        #expect(found?.row == 2)
    }
}
