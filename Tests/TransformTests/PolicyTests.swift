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

    @Test("identities are what tokens, ciphers and shifts are computed of, unless a leading cast declares the type")
    func identities() {
        let token = Step("token", ["key": "people", "scope": "s"])
        let encrypt = Step("encrypt", ["key": "people", "context": "c"])
        let preserve = Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "digits"])
        let shift = Step("shift_dates", ["key": "people", "by": "subject", "days": 30])
        let rules: [(String, [Step])] = [
            ("a", [token]), ("b", [Step("trim"), token]), ("c2", [Step("from", "c"), Step("keep"), encrypt]),
            ("d", [preserve]),
            ("e", [Step("redact", ["entities": ["email"], "as": "token", "key": "people", "scope": "s"])]),
            ("day", [shift]), ("kept", [Step("keep")]), ("gone", [Step("drop")]),
            ("labels", [Step("redact", ["email"])]),
            ("number", [Step("cast", "int64"), token]), ("text", [Step("cast", "text"), token]),
            ("bytes", [Step("cast", "binary"), token]), ("late", [Step("keep"), Step("cast", "int64"), token]),
            ("failing", [Step("cast", ["to": "int64", "on_failure": "null"]), token]),
            ("fixed", [Step("constant", 1), token]),
        ]
        let table = Fixture.table(rules.map { Fixture.rule($0.0, $0.1) })
        #expect(
            PolicyCompiler.identities(of: table) == ["a", "b", "c", "d", "e", "subject", "bytes", "late", "failing"])
    }

    @Test("a step that does not take the text of an identity tells how to declare the column")
    func identityAndNumber() {
        var problems = ProblemList(file: "clinic.yaml")
        let input = InputColumn(name: "a", type: .text, nativeName: "text", isUnique: false, isTextForIdentity: true)
        let transform = Fixture.compile(
            [
                Fixture.rule("a", [Step("token", ["key": "people", "scope": "s"])]),
                Fixture.rule("b", [Step("from", "a"), Step("round", 10)]),
            ], [input], problems: &problems)
        #expect(transform == nil)
        #expect(
            problems.problems.contains {
                $0.found.contains("round does not take text") && ($0.remedy ?? "").contains("`types:`")
            })
    }
}
