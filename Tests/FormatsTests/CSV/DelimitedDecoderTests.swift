import Columnar
import Model
import Testing

@testable import Formats

@Suite("delimited files: records and values")
struct DelimitedDecoderTests {
    private func read(_ text: String, _ change: (inout DelimitedSpec) -> Void = { _ in }) throws -> Delimited.Table {
        try Delimited.read([Delimited.File(text)], Delimited.spec(change))
    }

    private func rows(_ text: String, _ change: (inout DelimitedSpec) -> Void = { _ in }) throws -> [[String?]] {
        try read(text, change).rows
    }

    private func error(_ text: String, _ change: (inout DelimitedSpec) -> Void = { _ in }) -> FormatError? {
        Delimited.formatError { _ = try read(text, change) }
    }

    private func declared(_ type: DataType) -> (inout DelimitedSpec) -> Void {
        { $0.types = [.init(column: "a", type: type, position: .start)] }
    }

    // MARK: records

    @Test("a plain file gives typed columns")
    func typed() throws {
        let table = try read(
            "id,name,weight,born,seen,ok\n1,Ada,61.5,1815-12-10,2020-01-02 03:04:05,true\n2,,7.25,,,false\n")
        #expect(
            table.types == [
                .int64, .text, .decimal(precision: 4, scale: 2), .date, .timestamp(isUTC: false), .boolean,
            ])
        #expect(
            table.rows == [
                ["1", "Ada", "61.50", "1815-12-10", "2020-01-02 03:04:05.000000", "true"],
                ["2", nil, "7.25", nil, nil, "false"],
            ])
        #expect(table.recordsRead == 2)
    }

    @Test("quotes hold delimiters, newlines and doubled quotes", arguments: ["\n", "\r\n", "\r"])
    func quoted(newline: String) throws {
        let text = ["a,b", "\"x,y\",\"say \"\"hi\"\"\"", "\"two\(newline)lines\",\"\"", ",z"].joined(separator: newline)
        for end in ["", newline] {
            #expect(try rows(text + end) == [["x,y", "say \"hi\""], ["two\(newline)lines", ""], [nil, "z"]])
        }
    }

    @Test("newlines may be mixed")
    func mixedNewlines() throws {
        #expect(try rows("a,b\r1,2\n3,4\r\n5,6\r7,8") == [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]])
    }

    @Test("a quote inside an unquoted field is text")
    func literalQuote() throws {
        #expect(try rows("a,b\n5\" pipe,x\"y\"\n \"z\",w\n") == [["5\" pipe", "x\"y\""], [" \"z\"", "w"]])
    }

    @Test("blank lines are no records, but rows of NULL in a file of one column")
    func blankLines() throws {
        #expect(try rows("\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n") == [["1", "2"], ["3", "4"]])
        #expect(try rows("a\n1\n\n2\n") == [["1"], [nil], ["2"]])
        #expect(try rows("a\nx\n\n\n") { $0.nullTexts = [] } == [["x"], [""], [""]])
    }

    @Test("an escape byte works inside quotes beside doubling")
    func escapes() throws {
        let text = #"""
            a,b
            "x\"y","p""q\\"
            un\quoted,"\,"

            """#
        #expect(
            try rows(text) { $0.escape = UInt8(ascii: "\\") } == [[#"x"y"#, #"p"q\"#], [#"un\quoted"#, ","]])
        #expect(error("a\n\"x\\\"y\"\n")?.code == .malformedRecord)
    }

    @Test("comments and skipped lines are no data")
    func comments() throws {
        let text = "made by \"x\nno data\n# c,c,c\na,b\n#\"unclosed\n1,#2\n\"#3\",4\n#end"
        #expect(
            try rows(text) {
                $0.comment = UInt8(ascii: "#")
                $0.skippedLines = 2
            } == [["1", "#2"], ["#3", "4"]])
    }

    @Test("other delimiters, other quotes, no quotes")
    func dialects() throws {
        #expect(
            try rows("a;b\n'x;y';\"\n") {
                $0.delimiter = UInt8(ascii: ";")
                $0.quote = UInt8(ascii: "'")
            } == [["x;y", "\""]])
        #expect(
            try rows("a\tb\n\"x\ty\"\n") {
                $0.delimiter = 9
                $0.quote = nil
            } == [["\"x", "y\""]])
        let same = Delimited.formatError {
            _ = try Delimited.scan([.init("a\n")], Delimited.spec { $0.comment = $0.delimiter })
        }
        #expect(same?.code == .malformedRecord)
    }

    @Test("null texts are NULL unquoted only")
    func nullTexts() throws {
        let table = try read("a,b,c\nNA,\"NA\",1\n,\"\",NULL\nN,x,2\n") { $0.nullTexts = ["NA", "NULL"] }
        #expect(table.rows == [[nil, "NA", "1"], ["", "", nil], ["N", "x", "2"]])
        #expect(table.types == [.text, .text, .int64])
    }

    @Test("NUL bytes are text")
    func nulBytes() throws {
        #expect(try rows("ab,c\nx\u{0}y,\u{0}\n") == [["x\u{0}y", "\u{0}"]])
    }

    // MARK: malformed records

    @Test(
        "a malformed record stops the run, naming file and record",
        arguments: [
            ("a,b\n1,2\n3\n", 2, "the record has 1 fields, the header 2"),
            ("a,b\n\n1,2,3\n", 1, "the record has 3 fields, the header 2"),
            ("a,b\n1,2\n3,4\n5,\"6\"7\n", 3, "text follows a closing quote"),
            ("a,b\n1,\"2\" \n", 1, "text follows a closing quote"),
            ("a,b\n1,\"2\n3,4\n", 1, "the file ends inside quotes"),
        ])
    func malformed(text: String, record: Int64, reason: String) throws {
        let found = error(text)
        #expect(found?.code == .malformedRecord)
        #expect(found?.file == "a.csv")
        #expect(found?.row == record)
        #expect(found?.reason == reason)
    }

    @Test("dropped records are left out, counted and listed; nothing shifts")
    func dropped() throws {
        let text = "a,b\n1,x\n2\n3,\"y\"z,w\n4,u,v\n5,t\n6"
        let table = try read(text) { $0.onMalformed = .drop }
        #expect(table.rows == [["1", "x"], ["5", "t"]])
        #expect(table.recordsRead == 6)
        #expect(table.dropped == [2, 3, 4, 6])
        let plan = try Delimited.scan([.init(text)], Delimited.spec { $0.onMalformed = .drop })
        #expect(plan.malformedCount == 4)
        #expect(plan.malformed.map(\.record) == [2, 3, 4, 6])
        #expect(plan.recordCount == 6)
        #expect(plan.files[0].malformedCount == 4)
    }

    @Test(
        "a malformed record that may hide others always stops",
        arguments: [
            ("a,b\n1,x\n2,\"open\n3,y\n4,z\n", 2, "the file ends inside quotes"),
            ("a,b\n1,x\n2,\"open\n3,\"y\n4,z\n", 2, "text follows a closing quote, over several lines"),
            ("a,b\n1,x\n2,\"open\r3\",y\n4,z\n", 2, "the record has 3 fields, the header 2, over several lines"),
            ("a,b\n1,x\n2,\"open\r\n3,\",y\r\n", 2, "the record has 3 fields, the header 2, over several lines"),
            ("a,b\n1\n2,\"", 2, "the file ends inside quotes"),
        ])
    func hidingRecords(_ text: String, _ record: Int64, _ reason: String) throws {
        for step in [1, 7, Int.max] {
            var limits = DelimitedLimits()
            limits.bytesPerBlock = 8
            let spec = Delimited.spec { $0.onMalformed = .drop }
            let found = Delimited.formatError {
                _ = try Delimited.scan([.init(text)], spec, limits: limits, step: step)
            }
            #expect(found?.code == .malformedRecord)
            #expect(found?.row == record)
            #expect(found?.reason == reason)
            #expect(found?.remedy?.contains("on_malformed") == false)
            // One that was planned otherwise is no way round.
            let bytes = Array(text.utf8)
            let shard = Shard(
                index: 0, piece: .bytes(path: "a.csv", start: 4, end: Int64(bytes.count), firstRecord: 0),
                estimatedRows: 0, estimatedBytes: 0)
            let columns = [0, 1].map { DelimitedColumn(fieldIndex: $0, name: "c", type: .text, nullsSpecials: false) }
            let decoding = Delimited.formatError {
                _ = try Delimited.read(
                    [.init("a.csv", bytes)], [shard], columns, spec, fieldCount: 2, limits: limits, step: step)
            }
            #expect(decoding?.row == record && decoding?.reason == reason)
        }
    }

    @Test("fields that do not parse are dropped too, with malformed records in order")
    func droppedTypes() throws {
        let text = "a,b\n1,x\nno,y\n3\n4,z\n5x,w\n"
        let table = try read(text) {
            $0.onMalformed = .drop
            declared(.int64)(&$0)
        }
        #expect(table.rows == [["1", "x"], ["4", "z"]])
        #expect(table.dropped == [2, 3, 5])
        let first = error(text, declared(.int64))
        #expect(first?.code == .malformedRecord, "planning sees the third record before decoding sees the second")
    }

    @Test("only the first record numbers are listed, all are counted")
    func listedRecords() throws {
        let text = "a,b\n" + String(repeating: "1\n2,3\n", count: 250)
        let table = try read(text) { $0.onMalformed = .drop }
        #expect(table.rows.count == 250)
        #expect(table.dropped == (0..<100).map { 2 * $0 + 1 })
        #expect(
            try Delimited.scan([.init(text)], Delimited.spec { $0.onMalformed = .drop }).malformedCount == 250)
    }

    // MARK: types

    @Test(
        "a field of another type stops the run, naming file, record and column",
        arguments: [
            (DataType.int64, "1.5"), (.int64, "x"), (.int64, "1 "), (.int64, "--1"), (.int64, "-"),
            (.int64, "9223372036854775808"), (.int16, "32768"), (.int32, "-2147483649"), (.boolean, "maybe"),
            (.boolean, "2"), (.float64, "1e"), (.float64, "0x10"), (.float64, "1e999"), (.float64, "1,5"),
            (.float32, "1e39"), (.decimal(precision: 4, scale: 2), "123.45"),
            (.decimal(precision: 4, scale: 2), "1.234"),
            (.decimal(precision: 4, scale: 2), "1e2"), (.date, "2023-02-29"), (.date, "2023-2-01"),
            (.date, "0000-01-01"),
            (.date, "1900-02-29"), (.date, "2020-01-01 00:00:00"), (.timestamp(isUTC: false), "2020-01-01"),
            (.timestamp(isUTC: false), "2020-01-01 00:00:00Z"), (.timestamp(isUTC: true), "2020-01-01 00:00:00"),
            (.timestamp(isUTC: false), "2020-01-01 00:00:60"),
            (.timestamp(isUTC: false), "2020-01-01 00:00:00.1234567"),
            (.timestamp(isUTC: true), "2020-01-01 00:00:00+16"), (.int64, "\"\""),
        ])
    func wrongType(type: DataType, field: String) {
        let found = error("a,b\n,y\n\(field.contains(",") ? "\"\(field)\"" : field),x\n", declared(type))
        #expect(found?.code == .wrongType)
        #expect(found?.column == "a")
        #expect(found?.row == 2)
        #expect(found?.file == "a.csv")
        #expect(found?.reason.contains(field) != true || field.count < 2, "no value in a message")
    }

    @Test(
        "declared types read more forms than inference takes for them",
        arguments: [
            (DataType.int64, "+007", "7"), (.int64, "-9223372036854775808", "-9223372036854775808"),
            (.int16, "-32768", "-32768"), (.int32, "2147483647", "2147483647"), (.boolean, "YES", "true"),
            (.boolean, "f", "false"), (.boolean, "0", "false"), (.boolean, "On", "true"), (.float64, "5.", "5.0"),
            (.float64, "-Infinity", "-inf"), (.float64, "NaN", "nan"), (.float64, "1e-320", "1e-320"),
            (.float64, "123456789012345678901234567890", "1.2345678901234568e+29"),
            (.float32, "16777217", "16777216.0"),
            (.decimal(precision: 5, scale: 3), "+01.5", "1.500"), (.decimal(precision: 3, scale: 1), "-1.500", "-1.5"),
            (
                .decimal(precision: 38, scale: 0), "-99999999999999999999999999999999999999",
                "-99999999999999999999999999999999999999"
            ),
            (.date, "0001-01-01", "0001-01-01"), (.date, "9999-12-31", "9999-12-31"),
            (.date, "2000-02-29", "2000-02-29"),
            (.timestamp(isUTC: false), "1969-12-31T23:59:59.5", "1969-12-31 23:59:59.500000"),
            (.timestamp(isUTC: true), "2020-01-01 00:30:00+01", "2019-12-31 23:30:00.000000Z"),
            (.timestamp(isUTC: true), "2020-01-01 00:30:00.25-0530", "2020-01-01 06:00:00.250000Z"),
            (.timestamp(isUTC: true), "2020-01-01T00:30:00Z", "2020-01-01 00:30:00.000000Z"), (.text, "007", "007"),
        ])
    func declaredForms(type: DataType, field: String, value: String) throws {
        let table = try read("a,b\n\(field),x\n\"\(field)\",y\n,z\n", declared(type))
        #expect(table.rows.map { $0[0] } == [value, value, nil])
        #expect(table.types[0] == type)
    }

    @Test(
        "values without counterpart stop the run or become NULL, counted",
        arguments: [
            (DataType.date, "infinity"), (.date, "0044-03-15 BC"), (.timestamp(isUTC: false), "-infinity"),
            (.timestamp(isUTC: false), "2020-01-01 24:00:00"), (.timestamp(isUTC: true), "0044-03-15 00:00:00+00 BC"),
            (.decimal(precision: 4, scale: 2), "NaN"), (.decimal(precision: 4, scale: 2), "-Infinity"),
        ])
    func specials(type: DataType, field: String) throws {
        let text = "a,b\n\(field),1\n\(field),2\n,3\n"
        let found = error(text, declared(type))
        #expect(found?.code == .specialValue)
        #expect(found?.column == "a")
        #expect(found?.row == 1)
        let table = try Delimited.read([.init(text)], Delimited.spec(declared(type)), nullsSpecials: true)
        #expect(table.rows == [[nil, "1"], [nil, "2"], [nil, "3"]])
        #expect(table.nulledSpecials == [2, 0])
    }

    @Test("a column may be read as text whatever its type")
    func asText() throws {
        let table = try Delimited.read([.init("a,b\n1.50,2020-01-01\n,\"\"\n")], asText: true)
        #expect(table.rows == [["1.50", "2020-01-01"], [nil, ""]])
    }

    // MARK: chunks

    @Test("only asked-for columns come, in the asked-for order")
    func projection() throws {
        let file = Delimited.File("a,b,c\n1,x,2.5\n2,y,3.5\n")
        let plan = try Delimited.scan([file], Delimited.spec())
        let columns = [
            DelimitedColumn(fieldIndex: 2, name: "c", type: .float64),
            DelimitedColumn(fieldIndex: 0, name: "a", type: .text),
        ]
        let table = try Delimited.read([file], plan.shards, columns, Delimited.spec(), fieldCount: 3)
        #expect(table.rows == [["2.5", "1"], ["3.5", "2"]])
        let none = try Delimited.read([file], plan.shards, [], Delimited.spec(), fieldCount: 3)
        #expect(none.rows == [[], []])
    }

    @Test("chunks keep to their bounds", arguments: [1, 63, 64, 65, 1000])
    func chunkRows(rows: Int) throws {
        var limits = DelimitedLimits()
        limits.rowsPerChunk = 64
        let text = "a,b,c\n" + (0..<rows).map { "\($0),\($0 % 3 == 0 ? "" : "t\($0)"),\($0 % 2 == 0)\n" }.joined()
        let table = try Delimited.read([.init(text)], limits: limits)
        #expect(table.rows == (0..<rows).map { ["\($0)", $0 % 3 == 0 ? nil : "t\($0)", "\($0 % 2 == 0)"] })
        limits.bytesPerChunk = 100
        #expect(try Delimited.read([.init(text)], limits: limits) == table)
    }

    @Test("records longer than a block are read whole, up to the bound of a cell")
    func longRecords() throws {
        var limits = DelimitedLimits()
        limits.bytesPerBlock = 16
        limits.bytesPerCell = 1000
        let long = String(repeating: "x\ny\"\",", count: 100)
        let text = "a,b\n1,\"\(long)\"\n2,z\n"
        #expect(
            try Delimited.read([.init(text)], limits: limits).rows == [
                ["1", long.replacing("\"\"", with: "\"")], ["2", "z"],
            ])
        for size in [1001, 2500] {
            let cell = String(repeating: "x", count: size)
            let found = Delimited.formatError {
                _ = try Delimited.read([.init("a,b\n1,2\n3,\(cell)\n")], limits: limits)
            }
            #expect(found?.code == .cellTooLarge)
            #expect(found?.row == 2)
            #expect(found?.file == "a.csv")
        }
    }
}
