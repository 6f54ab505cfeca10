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
        #expect(try run("quarantine").0.rowCount == 2)
    }
}
