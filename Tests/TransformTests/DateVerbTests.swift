import Columnar
import Model
import Testing

@testable import Transform

@Suite("dates") struct DateVerbTests {
    @Test("parse_date takes the first format that fits")
    func parseDate() throws {
        let step = Step("parse_date", ["%Y-%m-%d", "%d.%m.%Y", "%b %e, %Y", "%y%m%d", "%Y/%j"])
        #expect(
            try Fixture.texts(
                [step],
                ["2024-02-29", "1.12.1999", "Mar  5, 2001", "march 5, 2001", "690101", "681231", "2024/366", nil])
                == [
                    "2024-02-29", "1999-12-01", "2001-03-05", "2001-03-05", "1969-01-01", "2068-12-31", "2024-12-31",
                    nil,
                ])
        for wrong in ["2023-02-29", "2024-13-01", "", "2024-02-29 ", "32.1.2000", "2023/366"] {
            #expect(throws: TransformError.self, "\(wrong)") { try Fixture.texts([step], [wrong]) }
        }
    }

    @Test("parse_timestamp knows zones, fractions and halves of the day")
    func parseTimestamp() throws {
        #expect(
            try Fixture.texts(
                [Step("parse_timestamp", ["%Y-%m-%dT%H:%M:%S.%f%z", "%F %T%z"])],
                ["2024-01-02T03:04:05.25+0130", "2024-01-02 00:30:00+01:00", nil])
                == ["2024-01-02T01:34:05.250000Z", "2024-01-01T23:30:00Z", nil])
        #expect(
            try Fixture.texts(
                [Step("parse_timestamp", "%m/%d/%Y %I:%M %p")], ["1/2/2024 12:05 AM", "1/2/2024 1:05 pm"])
                == ["2024-01-02T00:05:00", "2024-01-02T13:05:00"])
        #expect(throws: TransformError.self) {
            try Fixture.texts([Step("parse_timestamp", "%F %T")], ["2024-01-02 24:00:00"])
        }
    }

    @Test("formats are checked before any row is read")
    func formats() {
        for format in ["%Y-%m", "%Q", "%Y-%m-%d %I:%M", "50%", "%m-%d"] {
            #expect(
                !Fixture.problems([Step("parse_timestamp", .scalar(.text, format))], on: .text).isEmpty, "\(format)")
        }
        #expect(Fixture.problems([Step("parse_date", "%Y-%m-%d %H")], on: .text).joined().contains("parse_timestamp"))
        #expect(!Fixture.problems([Step("parse_timestamp", ["%F %T", "%F %T%z"])], on: .text).isEmpty)
    }

    @Test("every day of 400 years goes to text and back")
    func calendar() throws {
        let days = (-141_428..<4_669).map { Int32($0) }
        let texts = Column.fixed(days, .date).shown
        for (day, text) in zip(days, texts) { #expect(ISODate.days(text ?? "") == day) }
        #expect(texts.first == "1582-10-14")
    }

    @Test("timestamps before 1970 and at the ends of their range have a text")
    func timestampText() {
        #expect(
            Column.fixed([Int64(-1), 0, nil, 1_000_000, .max, .min], .timestamp(isUTC: false)).shown == [
                "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", nil, "1970-01-01T00:00:01",
                "294247-01-10T04:00:54.775807", "-290308-12-21T19:59:05.224192",
            ])
    }

    @Test("generalize looks at instants in UTC")
    func generalizeTimestamps() throws {
        let column = Column.fixed([Int64(-1), 0, nil], .timestamp(isUTC: true))
        #expect(try Fixture.run([Step("generalize", ["to": "year"])], column).shown == ["1969", "1970", nil])
        #expect(try Fixture.run([Step("generalize", ["to": "year"])], column).type == .int32)
        #expect(try Fixture.run([Step("generalize", ["to": "month"])], column).shown == ["1969-12", "1970-01", nil])
    }

    @Test("all dates of a subject move together, never by nothing, never too far")
    func shiftDates() throws {
        func transform(_ extra: [(String, Argument)] = []) throws -> TableTransform {
            var problems = ProblemList(file: nil)
            let rule: Argument = .map([("key", "people"), ("by", "id"), ("days", 30)] + extra)
            return try #require(
                Fixture.compile(
                    [
                        Fixture.rule("id", [Step("drop")]), Fixture.rule("d", [Step("shift_dates", rule)]),
                        Fixture.rule("t", [Step("shift_dates", rule)]),
                    ],
                    [
                        Fixture.input("id", .int64), Fixture.input("d", .date),
                        Fixture.input("t", .timestamp(isUTC: true)),
                    ],
                    problems: &problems), "\(problems.problems)")
        }
        let count = 2_000
        let chunk = Chunk(
            columns: [
                .fixed((0..<count).map { Int64($0 / 2) }, .int64), .fixed((0..<count).map { Int32($0) }, .date),
                .fixed((0..<count).map { Int64($0) * 86_400_000_000 + 5 }, .timestamp(isUTC: true)),
            ], rowCount: count, firstRow: 0)
        var counts: [RuleCount] = []
        let result = try transform().apply(chunk, counts: &counts)
        #expect(counts.map(\.changed) == [count, count].map(Int64.init))
        let days = unsafe Array(result.columns[0].values(Int32.self))
        let shifts = days.enumerated().map { Int($1) - $0 }
        #expect(Set(shifts) == Set(-30...30).subtracting([0]))
        for row in stride(from: 0, to: count, by: 2) { #expect(shifts[row] == shifts[row + 1]) }
        let micros = unsafe Array(result.columns[1].values(Int64.self))
        #expect(micros.enumerated().allSatisfy { $1 == (Int64($0) + Int64(shifts[$0])) * 86_400_000_000 + 5 })

        let weeks = try transform([("whole_weeks", true)]).apply(chunk, counts: &counts)
        let weekShifts = unsafe Array(weeks.columns[0].values(Int32.self)).enumerated().map { Int($1) - $0 }
        #expect(Set(weekShifts) == [-28, -21, -14, -7, 7, 14, 21, 28])
        #expect(ShiftDatesStep.shift(.max, days: 30, wholeWeeks: false) == 30)
        #expect(ShiftDatesStep.shift(0, days: 30, wholeWeeks: false) == -30)
    }

    @Test("a date whose subject is unknown stops the run or becomes null, but never stays")
    func unknownSubject() throws {
        func run(_ policy: String?) throws -> (Chunk, [RuleCount]) {
            var problems = ProblemList(file: nil)
            var rule: [(String, Argument)] = [("key", "people"), ("by", "id"), ("days", 30), ("scope", "p")]
            if let policy { rule.append(("on_failure", .scalar(.text, policy))) }
            let transform = try #require(
                Fixture.compile(
                    [Fixture.rule("id", [Step("keep")]), Fixture.rule("d", [Step("shift_dates", .map(rule))])],
                    [Fixture.input("id", .text), Fixture.input("d", .date)], problems: &problems))
            var counts: [RuleCount] = []
            let chunk = Chunk(
                columns: [.texts(["a", nil, nil]), .fixed([Int32(1), 2, nil], .date)], rowCount: 3, firstRow: 10)
            return (try transform.apply(chunk, counts: &counts), counts)
        }
        let error = #expect(throws: TransformError.self) { try run(nil) }
        #expect(error?.rowOrdinal == 11)
        #expect(error?.code == .noSubject)
        #expect(try run("null").0.columns[1].nullCount == 2)
        #expect(try run("null").1.last?.nulled == 1)
        #expect(try run("drop_row").0.rowCount == 2)
    }
}

@Suite("dates that stand for none") struct SentinelTests {
    /// A column beside the subjects `id`, through `shift_dates`.
    static func shift(
        _ column: Column, subjects: [String?], _ extra: [(String, Argument)] = []
    ) throws -> (column: Column, counts: RuleCount) {
        var problems = ProblemList(file: nil)
        let rule: Argument = .map([("key", "people"), ("by", "id"), ("days", 30)] + extra)
        let transform = try #require(
            Fixture.compile(
                [Fixture.rule("id", [Step("drop")]), Fixture.rule("d", [Step("shift_dates", rule)])],
                [Fixture.input("id", .text), Fixture.input("d", column.type)], problems: &problems),
            "\(problems.problems)")
        var counts: [RuleCount] = []
        let chunk = Chunk(columns: [.texts(subjects), column], rowCount: column.rowCount, firstRow: 0)
        let result = try transform.apply(chunk, counts: &counts).columns[0]
        return (result, try #require(counts.first))
    }

    static func days(_ texts: [String?]) throws -> [Int32?] {
        try texts.map { text in try text.map { try #require(ISODate.days($0)) } }
    }

    @Test("are not shifted: they become null and are counted")
    func nulled() throws {
        let texts = ["1900-01-01", "9999-12-31", "1900-01-02", "2020-05-05", nil]
        let column = Column.fixed(try Self.days(texts) + [.max, .min], .date)
        let (result, counts) = try Self.shift(column, subjects: [nil, "a", "a", "a", "a", "a", "a"])
        #expect((0..<7).map { result.isNull($0) } == [true, true, false, false, true, true, true])
        #expect(counts.nulled == 4 && counts.nulls == 5 && counts.dropped == 0)
        // What is left still moved, all by the same.
        let (before, after) = unsafe (column.values(Int32.self), result.values(Int32.self))
        let shifts = unsafe [after[2] - before[2], after[3] - before[3]]
        #expect(shifts[0] == shifts[1] && shifts[0] != 0)
    }

    @Test("stay as they are where the document says so, and are the rows that are neither null nor changed")
    func kept() throws {
        let texts = ["1900-01-01", "9999-12-31", "2020-05-05", "2000-01-01", nil]
        let column = Column.fixed(try Self.days(texts), .date)
        let (result, counts) = try Self.shift(
            column, subjects: ["a", "a", "a", "a", "a"],
            [("sentinels", ["2000-01-01", "9999-12-31"]), ("sentinels_as", "keep")])
        #expect(result.shown[1] == "9999-12-31" && result.shown[3] == "2000-01-01")
        #expect(result.shown[0] != "1900-01-01" && result.shown[2] != "2020-05-05")
        #expect(counts.rowsIn - counts.nulls - counts.changed == 2 && counts.nulled == 0)
    }

    @Test("none are left where the list is empty, but for the ends of the type")
    func none() throws {
        let column = Column.fixed(try Self.days(["1900-01-01"]) + [.max], .date)
        let (result, _) = try Self.shift(column, subjects: ["a", "a"], [("sentinels", [])])
        #expect(!result.isNull(0) && result.shown[0] != "1900-01-01" && result.isNull(1))
    }

    @Test("are seen in timestamps by their day, in instants by that day in any time zone")
    func timestamps() throws {
        func isNulled(_ texts: [String], isUTC: Bool) throws -> [Bool] {
            let micros = try texts.map { try #require(ISODate.micros($0, isUTC: isUTC)) }
            let type = DataType.timestamp(isUTC: isUTC)
            let (result, _) = try Self.shift(.fixed(micros, type), subjects: texts.map { _ in "a" })
            return (0..<texts.count).map { result.isNull($0) }
        }
        #expect(
            try isNulled(
                [
                    "1899-12-31T23:59:59", "1900-01-01", "1900-01-01T23:59:59.999999", "1900-01-02",
                    "9999-12-31T23:59:59",
                ],
                isUTC: false) == [false, true, true, false, true])
        #expect(
            try isNulled(
                [
                    "1900-01-01T00:00:00+14:00", "1900-01-01T00:00:00Z", "1900-01-01T23:59:59-12:00",
                    "1899-12-31T09:59:59Z",
                    "1900-01-02T12:00:00Z", "9999-12-31T23:59:59-05:00",
                ], isUTC: true)
                == [true, true, true, false, false, true])
    }
}

@Suite("HIPAA's forms") struct SafeHarborTests {
    @Test("age bands are of whole years at the declared date, and all from the top on are one")
    func ages() throws {
        let births = [
            "2026-01-01", "2016-01-02", "2016-01-01", "1996-01-02", "1936-01-02", "1936-01-01", "1900-01-01",
            "1850-06-01", nil,
        ]
        let column = Column.fixed(try SentinelTests.days(births), .date)
        func bands(_ extra: [(String, Argument)], on: String = "2026-01-01") throws -> [String?] {
            let rule: Argument = .map([("to", "age_band"), ("on", .scalar(.text, on))] + extra)
            return try Fixture.run([Step("generalize", rule)], column).shown
        }
        #expect(try bands([]) == ["0-9", "0-9", "10-19", "20-29", "80-89", "90+", "90+", "90+", nil])
        #expect(
            try bands([("band", 20), ("top", 80)]) == [
                "0-19", "0-19", "0-19", "20-39", "80+", "80+", "80+", "80+", nil,
            ])
        #expect(try bands([("band", 1)]) == ["0", "9", "10", "29", "89", "90+", "90+", "90+", nil])
        #expect(throws: TransformError.self) { try bands([], on: "2025-12-31") }
        #expect(try bands([("on_failure", "null")], on: "2025-12-31").first == .some(nil))
    }

    @Test(
        "every age from 0 to 130 is counted as birthdays are",
        arguments: ["2026-11-30", "2024-02-29", "2025-02-28", "2025-03-01"])
    func birthdays(on: String) throws {
        let day = try #require(ISODate.days(on))
        let step = AgeBandStep(on: day, onText: on, band: 1, top: 150, onFailure: .stop)
        // The latest day of birth of each age: the same day of the year, and on 28 February nobody born on the 29th.
        for age in 0...130 {
            let year = (Int(on.prefix(4)) ?? 0) - age
            let birthday = "\(year)" + on.dropFirst(4)
            let born = ISODate.days(birthday) ?? ISODate.days("\(year)-02-28")
            #expect(born.map { step.age(bornOn: $0) } == age)
            #expect(born.map { step.age(bornOn: $0 + 1) } == age - 1)
        }
        let leapling = try #require(ISODate.days("2000-02-29"))
        #expect(
            AgeBandStep(on: try #require(ISODate.days("2025-02-28")), onText: "", band: 1, top: 90, onFailure: .stop)
                .age(bornOn: leapling) == 24)
        #expect(
            AgeBandStep(on: try #require(ISODate.days("2025-03-01")), onText: "", band: 1, top: 90, onFailure: .stop)
                .age(bornOn: leapling) == 25)
    }

    @Test("instants count by their day in UTC")
    func instants() throws {
        let micros = try ["1936-01-01T23:00:00-05:00", "1936-01-01T00:00:00Z"].map {
            try #require(ISODate.micros($0, isUTC: true))
        }
        let step = Step("generalize", ["to": "age_band", "on": "2026-01-01"])
        #expect(try Fixture.run([step], .fixed(micros, .timestamp(isUTC: true))).shown == ["80-89", "90+"])
    }

    @Test("a ZIP code keeps three digits, and none where few people live")
    func zips() throws {
        let step = Step("generalize", ["to": "us_zip3"])
        let few = [
            "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884",
            "890", "893",
        ]
        #expect(try Fixture.texts([step], few.map { $0 + "01" }) == few.map { _ in "000" })
        #expect(try Fixture.texts([step], ["02139", "02139-4307", "10211-0001", nil]) == ["021", "021", "000", nil])
        for wrong in [
            "", "2139", "021390", "0213a", "02139 4307", "02139-430", "０２１３９", " 02139", "021394307", "D-80331",
        ] {
            let error = #expect(throws: TransformError.self, "\(wrong)") { try Fixture.texts([step], [wrong]) }
            #expect(error?.code == .notValid)
            let lenient = Step("generalize", ["to": "us_zip3", "on_failure": "null"])
            #expect(try Fixture.texts([lenient], [wrong, "94110"]) == [nil, "941"])
        }
        let all = (0..<1000).map { number in String(repeating: "0", count: 3 - "\(number)".count) + "\(number)" }
        let areas = try Fixture.texts([step], all.map { $0 + "99" })
        #expect(zip(all, areas).count { $0 != $1 } == 17)
    }
}
