import Columnar
import Model
import Testing

@testable import Transform

@Suite struct PolicyTests {
    @Test("a rule runs left to right and counts what each step did")
    func runsAndCounts() throws {
        var counts: [RuleCount] = []
        let result = try Fixture.run(
            [Step("trim"), Step("lowercase"), Step("mask", ["keep_first": 1])], .texts([" Anna ", nil, "bo", ""]),
            counts: &counts)
        #expect(result.shown == ["a***", nil, "b*", ""])
        #expect(counts.map(\.changed) == [1, 1, 2])
        #expect(counts.map(\.rowsIn) == [4, 4, 4])
        #expect(counts.map(\.nulls) == [1, 1, 1])
    }

    @Test("a token is the same for an id as a number and as a text")
    func tokenOfNumberAndText() throws {
        let step = Step("token", ["key": "people", "scope": "patient"])
        let a = try Fixture.run([step], .fixed([Int64(42), nil, -7], .int64)).shown
        let b = try Fixture.run([step], .texts(["42", nil, "-7"])).shown
        #expect(a == b)
        #expect(a[0]?.count == 26)
        #expect(a[1] == nil)
    }

    @Test("periods of dates")
    func periods() throws {
        let days: [Int32?] = [0, nil, 20_762, -1, -719_529]
        let dates = Column.fixed(days, .date)
        func by(_ to: String) throws -> [String?] {
            try Fixture.run([Step("generalize", ["to": .scalar(.text, to)])], dates).shown
        }
        #expect(dates.shown == ["1970-01-01", nil, "2026-11-05", "1969-12-31", "-0001-12-31"])
        #expect(try by("year") == ["1970", nil, "2026", "1969", "-1"])
        #expect(try by("quarter") == ["1970-Q1", nil, "2026-Q4", "1969-Q4", "-0001-Q4"])
        #expect(try by("month") == ["1970-01", nil, "2026-11", "1969-12", "-0001-12"])
        #expect(try by("decade") == ["1970s", nil, "2020s", "1960s", "-0010s"])
    }

    @Test("every source column needs a rule, every rule a source column")
    func failsClosed() {
        var problems = ProblemList(file: "clinic.yaml")
        let transform = Fixture.compile(
            [Fixture.rule("emial", [Step("keep")])], [Fixture.input("email", .text), Fixture.input("ssn", .text)],
            problems: &problems)
        #expect(transform == nil)
        let messages = problems.problems.map(\.description)
        #expect(messages.contains { $0.contains("\"ssn\" has no rule") && $0.contains("`ssn: drop`") })
        #expect(
            messages.contains { $0.contains("no source column \"emial\"") && $0.contains("did you mean \"email\"?") })
    }
}
