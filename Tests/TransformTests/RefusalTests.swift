import Columnar
import Model
import Testing

@testable import Transform

@Suite("refusals") struct RefusalTests {
    @Test(
        "wrong rules are refused before any row is read, with the way out",
        arguments: [
            ([Step("tokn", ["key": "people", "scope": "s"])], DataType.text, "did you mean \"token\"?"),
            (
                [Step("cast", ["to": "int32", "on_failure": "quarantine"])], .text,
                "counted and dropped, not kept; expected `on_failure: drop_row`"
            ),
            (
                [Step("normalize_iban", ["on_failure": "quarantine"])], .text,
                "counted and dropped, not kept; expected `on_failure: drop_row`"
            ),
            (
                [Step("map", ["file": "x.csv", "on_failure": "quarantine"])], .text,
                "counted and dropped, not kept; expected `on_failure: drop_row`"
            ),
            ([Step("cast", ["to": "int32", "at_most": 5])], .text, "at_most without `on_failure: drop_row`"),
            (
                [Step("cast", ["to": "int32", "on_failure": "null", "at_most": 5])], .text,
                "at_most without `on_failure: drop_row`"
            ),
            (
                [Step("cast", ["to": "int32", "on_failure": "drop_row", "at_most": "2 in 100"])], .text,
                "a whole number of rows, or a percentage"
            ),
            ([Step("encrypt", ["key": "people"])], .text, "without \"context\""),
            ([Step("encrypt", ["key": "people", "context": "a b"])], .text, "letters, digits"),
            ([Step("encrypt", ["key": "people", "context": "a", "as": "base64"])], .text, "unknown `as` of encrypt"),
            ([Step("encrypt", ["key": "people", "context": "a"])], .int32, "put `{cast: text}` before it"),
            ([Step("format_preserving", ["key": "people", "alphabet": "digits"])], .text, "without \"scope\""),
            ([Step("format_preserving", ["key": "people", "scope": "s"])], .text, "without \"alphabet\""),
            (
                [Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "digit"])], .text,
                "did you mean \"digits\"?"
            ),
            ([Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "abca"])], .text, "each once"),
            ([Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "áé"])], .text, "ASCII"),
            (
                [Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "lower", "separators": "x"])],
                .text, "not of the alphabet"
            ),
            (
                [Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "hex", "check_digit": "luhn"])],
                .text, "alphabet digits"
            ),
            (
                [
                    Step(
                        "format_preserving",
                        ["key": "people", "scope": "s", "alphabet": "lower", "check_digit": "mod97"])
                ], .text, "upper-case"
            ),
            (
                [
                    Step(
                        "format_preserving",
                        ["key": "people", "scope": "s", "alphabet": "digits", "check_digit": "mod97", "keep_prefix": 2])
                ], .text, "from 4 to"
            ),
            (
                [
                    Step(
                        "format_preserving",
                        ["key": "people", "scope": "s", "alphabet": "digits", "small_domain": "keep"])
                ], .text, "expected one of permute"
            ),
            (
                [Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "digits", "keep_prefix": -1])],
                .text, "whole number"
            ),
            (
                [Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "digits"])], .int64,
                "put `{cast: text}` before it"
            ),
            (
                [Step("token", ["key": "people", "scope": "s", "function": "sha1"])], .text,
                "expected one of hmac, cmac"
            ),
            ([Step("token", ["key": "people", "scope": "s", "function": "cmac", "length": 52])], .text, "whole bytes"),
            ([Step("fake", ["key": "people"])], .text, "not available in this version"),
            ([Step("noise", ["laplace": 1])], .int32, "not available in this version"),
            ([Step("hierarchy", ["file": "x"])], .text, "not available in this version"),
            ([Step("token", ["key": "people", "scop": "s"])], .text, "did you mean \"scope\"?"),
            ([Step("token", ["key": "people"])], .text, "without \"scope\""),
            ([Step("token", ["key": "peeple", "scope": "s"])], .text, "did you mean \"people\"?"),
            ([Step("token", ["key": "people", "scope": "a/b"])], .text, "letters, digits"),
            ([Step("token", ["key": "people", "scope": "s", "as": "base64"])], .text, "unknown `as` of token"),
            ([Step("token", ["key": "people", "scope": "s", "as": "uuid", "length": 20])], .text, "fixed one"),
            ([Step("token", ["key": "people", "scope": "s"])], .float64, "does not take float64"),
            (
                [Step("token", ["key": "people", "scope": "s"])], .structure([Field(name: "a", type: .text)]),
                "does not take struct"
            ),
            ([Step("token")], .text, "without argument"),
            ([Step("trim")], .int32, "put `{cast: text}` before it"),
            ([Step("trim", 1)], .text, "no argument"),
            ([Step("keep"), Step("drop")], .text, "drop among other steps"),
            ([Step("keep"), Step("from", "c")], .text, "from as step 2"),
            ([Step("keep"), Step("constant", 1)], .text, "constant as step 2"),
            ([Step("trim"), Step("on_special", nil)], .text, "on_special as step 2"),
            ([Step("on_special", "zero")], .text, "expected null"),
            ([Step("mask", ["keep_first": -1])], .text, "whole number"),
            ([Step("mask", ["with": "**"])], .text, "one character"),
            ([Step("mask", "emails")], .text, "did you mean"),
            ([Step("mask", ["as": "classes", "with": "#"])], .text, "no `with` beside `as: classes`"),
            ([Step("mask", ["as": "email", "keep_last": 4])], .text, "no `keep_last` beside `as: email`"),
            ([Step("mask", ["keep_domain": true])], .text, "no `keep_domain` beside `as: ends`"),
            ([Step("generalize", ["to": "week"])], .date, "one of year, quarter, month, decade"),
            ([Step("generalize", ["to": "year", "prefix": 3])], .date, "to and prefix"),
            ([Step("generalize", ["to": "year"])], .text, "does not take text"),
            ([Step("generalize", ["prefix": 3])], .date, "does not take date"),
            ([Step("replace", ["pattern": "(", "with": ""])], .text, "a regular expression"),
            ([Step("replace", ["pattern": "(a)\\1", "with": ""])], .text, "a back-reference, at its character 4"),
            ([Step("replace", ["pattern": "a", "with": "$1"])], .text, "a group that the pattern does not have"),
            (
                [Step("shift_dates", ["key": "people", "by": "c", "days": 3, "sentinels": "x"])], .date,
                "a list of dates"
            ),
            (
                [Step("shift_dates", ["key": "people", "by": "c", "days": 3, "sentinels": ["1900-13-01"]])], .date,
                "a list of dates"
            ),
            ([Step("generalize", ["to": "age_band"])], .date, "the date at which ages are counted"),
            (
                [Step("generalize", ["to": "age_band", "on": "2026-01-01", "top": 95])], .date,
                "a multiple of the band's 10"
            ),
            ([Step("generalize", ["to": "age_band", "on": "2026-01-01"])], .int32, "does not take int32"),
            ([Step("generalize", ["to": "us_zip3"])], .int32, "does not take int32"),
            ([Step("generalize", ["to": "year", "top": 90])], .date, "`to: age_band` beside it"),
            ([Step("generalize", ["to": "year", "on_failure": "null"])], .date, "nothing else can fail"),
            ([Step("generalize", ["to": "zip"])], .text, "us_zip3"),
            ([Step("cast", "inetger")], .text, "unknown type"),
            ([Step("cast", ["to": "date", "on_failure": "skip"])], .text, "unknown `on_failure`"),
            ([Step("shift_dates", ["key": "people", "by": "idd", "days": 30])], .date, "unknown source column"),
            ([Step("shift_dates", ["key": "people", "by": "c", "days": 0])], .date, "from 1 to 3650"),
            ([Step("shift_dates", ["key": "people", "by": "c", "days": 3, "whole_weeks": true])], .date, "at least 7"),
            ([Step("redact", ["emial"])], .text, "did you mean \"email\"?"),
            ([Step("redact", ["entities": ["email"], "as": "token"])], .text, "without \"key\""),
            ([Step("redact", ["entities": ["email"], "key": "people"])], .text, "no key unless"),
            ([Step("constant", nil)], .text, "constant without argument"),
            ([Step("clamp", [1])], .int32, "two values"),
            ([Step("map", "x")], .text, "{file: NAME.csv}"),
            ([Step("map", ["file": "x.csv", "othrwise": "keep"])], .text, "did you mean \"otherwise\"?"),
            ([Step("parse_number", ["decimal": "5"])], .text, "one character"),
            ([Step("parse_number", ["to": "date"])], .text, "integer, float or decimal"),
        ])
    func refusals(steps: [Step], type: DataType, words: String) {
        let messages = Fixture.problems(steps, on: type)
        #expect(messages.contains { $0.contains(words) }, "\(messages)")
        #expect(messages.allSatisfy { $0.hasPrefix("clinic.yaml:") }, "\(messages)")
    }

    @Test("output columns that differ only in case, and rules that read one column in two ways")
    func tables() {
        var problems = ProblemList(file: nil)
        _ = Fixture.compile(
            [
                Fixture.rule("id", [Step("keep")]), Fixture.rule("ID", [Step("from", "id")]),
                Fixture.rule("x", [Step("from", "id"), Step("cast", "text")]),
            ], [Fixture.input("id", .int32)], problems: &problems)
        let messages = problems.problems.map(\.description)
        #expect(messages.contains { $0.contains("differ only in case") })
        #expect(messages.contains { $0.contains("read source column \"id\" differently") })
    }

    @Test("a token beside the last characters of the same value is a warning")
    func linkable() {
        var problems = ProblemList(file: nil)
        let transform = Fixture.compile(
            [
                Fixture.rule("card", [Step("token", ["key": "people", "scope": "s"])]),
                Fixture.rule("last4", [Step("from", "card"), Step("mask", ["keep_last": 4])]),
            ], [Fixture.input("card", .text)], problems: &problems)
        #expect(transform != nil)
        #expect(problems.problems.map(\.severity) == [.warning])
    }

    @Test(
        "so is a token beside the domain of the same address; beside a masked domain it is not",
        arguments: [true, false])
    func linkableDomain(keepsDomain: Bool) {
        var problems = ProblemList(file: nil)
        _ = Fixture.compile(
            [
                Fixture.rule("email", [Step("token", ["key": "people", "scope": "s"])]),
                Fixture.rule(
                    "shape",
                    [
                        Step("from", "email"),
                        Step("mask", ["as": "email", "keep_domain": .init(booleanLiteral: keepsDomain)]),
                    ]),
            ], [Fixture.input("email", .text)], problems: &problems)
        #expect(problems.problems.map(\.severity) == (keepsDomain ? [.warning] : []))
    }

    @Test("so is a replaced number that keeps them beside a token; alone it is not")
    func linkableReplacement() throws {
        let kept = Step("format_preserving", ["key": "people", "scope": "s", "alphabet": "digits", "keep_suffix": 4])
        #expect(Fixture.problems([kept], on: .text).isEmpty)
        var problems = ProblemList(file: nil)
        _ = Fixture.compile(
            [
                Fixture.rule("card", [kept]),
                Fixture.rule("sealed", [Step("from", "card"), Step("encrypt", ["key": "people", "context": "s"])]),
            ], [Fixture.input("card", .text)], problems: &problems)
        #expect(problems.problems.map(\.severity) == [.warning])
    }

    @Test("validate needs no schema and no key bytes, and names unknown keys")
    func check() {
        func pipeline(_ rules: [ColumnRule]) -> Pipeline {
            Pipeline(
                file: "clinic.yaml", baseDirectory: ".",
                about: ModuleAbout(module: "m", title: "t", description: "d", documentDigest: ""), sources: [],
                keys: [KeySpec(name: "people", position: .start, path: "x")], tables: [Fixture.table(rules)],
                target: TargetSpec(.directory("/"), position: .start))
        }
        var problems = ProblemList(file: "clinic.yaml")
        PolicyCompiler.check(
            pipeline([
                Fixture.rule("a", [Step("token", ["key": "poeple", "scope": "s"])]), Fixture.rule("b", [Step("keap")]),
                Fixture.rule("c", []), Fixture.rule("d", [Step("map", ["file": "absent.csv"])]),
            ]), into: &problems)
        #expect(problems.problems.count == 4)
        var none = ProblemList(file: nil)
        PolicyCompiler.check(
            pipeline([Fixture.rule("a", [Step("trim"), Step("token", ["key": "people", "scope": "s"])])]), into: &none)
        #expect(none.problems.isEmpty)
    }

    @Test(
        "errors name column, step and row, and never the value",
        arguments: [
            [Step("cast", ["to": "int32"])], [Step("parse_date", "%Y-%m-%d")], [Step("parse_number")],
            [Step("normalize_iban")],
            [Step("normalize_phone", "HU")], [Step("map", ["a": "b"])],
            [Step("keep"), Step("cast", ["to": "boolean"])],
        ])
    func errors(steps: [Step]) {
        let error = #expect(throws: TransformError.self) { try Fixture.texts(steps, [nil, "zqcanary"]) }
        #expect(error?.rowOrdinal == 101)
        #expect(error?.column == "c")
        #expect(error?.disposition == .failRun)
        #expect(error.map { "\($0)".contains("zqcanary") } == false)
        #expect(error.map { "\($0)".contains("on_failure") } == true)
    }

    @Test("what a step may drop is part of its plan and of its summary, a number as well as a share")
    func dropLimits() throws {
        var problems = ProblemList(file: nil)
        let rules = [
            Step("cast", ["to": "int32", "on_failure": "drop_row", "at_most": "2.5%"]),
            Step("round", ["digits": 1, "on_failure": "drop_row", "at_most": 7]),
            Step("cast", ["to": "int32", "on_failure": "drop_row"]),
        ]
        let transform = try #require(
            Fixture.compile(
                [
                    Fixture.rule("a", [rules[0]]), Fixture.rule("b", [rules[1]]), Fixture.rule("c", [rules[2]]),
                ],
                [
                    Fixture.input("a", .text), Fixture.input("b", .decimal(precision: 9, scale: 2)),
                    Fixture.input("c", .text),
                ], problems: &problems))
        #expect(transform.columns.map { $0.steps[0].atMost } == [.share(25_000), .count(7), nil])
        #expect(transform.columns[0].steps[0].summary == "cast(to: int32, on_failure: drop_row, at_most: 2.5%)")
    }

    @Test("dropped rows leave all columns, are counted once, and accounts balance")
    func dropped() throws {
        var problems = ProblemList(file: nil)
        let step = Step("cast", ["to": "int32", "on_failure": "drop_row"])
        let transform = try #require(
            Fixture.compile(
                [Fixture.rule("a", [step]), Fixture.rule("b", [step]), Fixture.rule("l", [Step("keep")])],
                [Fixture.input("a", .text), Fixture.input("b", .text), Fixture.input("l", .list(.text))],
                problems: &problems))
        var counts: [RuleCount] = []
        let chunk = Chunk(
            columns: [
                .texts(["1", "x", "x", nil]), .texts(["1", "y", "2", "z"]), .lists([["p"], ["q"], nil, ["r", "s"]]),
            ],
            rowCount: 4, firstRow: 0)
        let result = try transform.apply(chunk, counts: &counts)
        #expect(result.rowCount == 1)
        #expect(result.columns.map { $0.shown[0] } == ["1", "1", "[p]"])
        #expect(counts.map(\.dropped) == [2, 1, 0])
        #expect(chunk.rowCount == result.rowCount + Int(counts.reduce(0) { $0 + $1.dropped }))
        _ = try transform.apply(chunk, counts: &counts)
        #expect(counts.map(\.rowsIn) == [8, 8, 8])
    }

    @Test("summaries say what a step does and hold no key")
    func summaries() throws {
        var problems = ProblemList(file: nil)
        let transform = try #require(
            Fixture.compile(
                [Fixture.rule("c", [Step("trim"), Step("token", ["key": "people", "scope": "s"])])],
                [Fixture.input("c", .text)], problems: &problems))
        let column = transform.columns[0]
        #expect(column.isProtected)
        #expect(column.type == .text)
        #expect(column.steps.map(\.summary) == ["trim", "token(key: people, scope: s, as: base32, length: 26)"])
        #expect(column.steps[1].method == "hmac-sha256")
        #expect(column.steps[1].key == "people")
        #expect(transform.zeroCounts.map(\.step) == [0, 1])
    }
}
