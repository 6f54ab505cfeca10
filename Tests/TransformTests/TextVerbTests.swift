import Columnar
import Model
import Testing

@testable import Transform

@Suite("text verbs") struct TextVerbTests {
    static let edges: [String?] = [
        "", nil, " ", "a", "  Ab\t", "\u{a0}É\u{3000}", "ß", "İstanbul", "日本", "😀x", "e\u{301}",
    ]

    @Test("trim removes Unicode white space at both ends and nothing inside")
    func trim() throws {
        #expect(
            try Fixture.texts([Step("trim")], ["", nil, " ", " a b ", "\u{a0}x\u{2003}\u{85}", "\u{200b}y"])
                == ["", nil, "", "a b", "x", "\u{200b}y"])
    }

    @Test("collapse_spaces makes each run of white space one space")
    func collapse() throws {
        #expect(
            try Fixture.texts([Step("collapse_spaces")], ["a  b\t\nc", " x ", nil, "", "a\u{3000}\u{a0}b"])
                == ["a b c", " x ", nil, "", "a b"])
    }

    @Test("letter case is Unicode's, whatever the machine's language")
    func letterCase() throws {
        #expect(
            try Fixture.texts([Step("uppercase")], ["straße", "éa", nil, "", "ǆ"]) == ["STRASSE", "ÉA", nil, "", "Ǆ"])
        #expect(
            try Fixture.texts([Step("lowercase")], ["ÉA", "ΑΣ", nil, "", "AZ[@`{"]) == ["éa", "ασ", nil, "", "az[@`{"])
    }

    @Test("normalize_unicode gives what looks the same the same bytes")
    func unicode() throws {
        let result = try Fixture.run([Step("normalize_unicode")], .texts(["e\u{301}", "é", "plain", nil]))
        #expect(result.valueBytes(0) == Array("\u{e9}".utf8))
        #expect(result.valueBytes(1) == Array("\u{e9}".utf8))
    }

    @Test("mask keeps the ends and the number of characters")
    func mask() throws {
        let values: [String?] = ["Anna", "日本語x", "", nil, "A", "ab"]
        #expect(try Fixture.texts([Step("mask", ["keep_first": 1])], values) == ["A***", "日***", "", nil, "A", "a*"])
        #expect(try Fixture.texts([Step("mask", ["keep_last": 2])], values) == ["**na", "**語x", "", nil, "A", "ab"])
        #expect(
            try Fixture.texts([Step("mask", ["keep_first": 1, "keep_last": 1, "with": "█"])], values)
                == ["A██a", "日██x", "", nil, "A", "ab"])
        #expect(try Fixture.texts([Step("mask")], values) == ["****", "****", "", nil, "*", "**"])
        #expect(
            try Fixture.texts([Step("mask", ["keep_first": 1, "short": "hide"])], values)
                == ["A***", "日***", "", nil, "*", "a*"])
        #expect(try Fixture.texts([Step("mask", ["keep_first": 1_000_000, "keep_last": 1_000_000])], ["ab"]) == ["ab"])
    }

    @Test("mask shows classes of characters: letters, capitals and digits in any script, nothing invisible")
    func maskClasses() throws {
        let values: [String?] = [
            "Mr. Müller, 12b", "", nil, "ÉÑ øß ΣΛ дя", "日本 ٣४ Ⅷ", "e\u{301}!", "€5 “x” — 3×4", "😀Ⓐ🇩🇪",
            "\u{E0041}\u{200D}",
            "\u{20000}\u{1D400}", "a@B-9_(~)\t",
        ]
        let expected: [String?] = [
            "Xx. Xxxxxx, 99x", "", nil, "XX xx XX xx", "xx 99 9", "xx!", "€9 “x” — 9×9", "xxxx", "xx", "xX",
            "x@X-9_(~)\t",
        ]
        #expect(try Fixture.texts([Step("mask", "classes")], values) == expected)
        #expect(try Fixture.texts([Step("mask", ["as": "classes"])], values) == expected)
    }

    @Test("mask keeps the shape of an e-mail address and nothing of another text")
    func maskEmail() throws {
        let values: [String?] = [
            "anna.smith@mail.example.org", "a@b.de", "ünal@日本語.jp", "", nil, "anna@localhost", "a@b@c.de",
            "Anna <a@example.org>",
            "anna@1.2.3.4", "anna", "\(String(repeating: "n", count: 70))@example.org",
        ]
        #expect(
            try Fixture.texts([Step("mask", "email")], values) == [
                "a*********@m***.e******.org", "a@b.de", "ü***@日**.jp", "", nil, "**************", "********",
                "********************",
                "************", "****", "n\(String(repeating: "*", count: 69))@e******.org",
            ])
        #expect(
            try Fixture.texts(
                [Step("mask", ["as": "email", "keep_domain": true, "with": "•", "short": "hide"])], values) == [
                    "a•••••••••@mail.example.org", "•@b.de", "ü•••@日本語.jp", "", nil, "••••••••••••••", "••••••••",
                    "••••••••••••••••••••",
                    "••••••••••••", "••••", "n\(String(repeating: "•", count: 69))@example.org",
                ])
        #expect(
            try Fixture.texts([Step("mask", ["as": "email", "short": "hide"])], ["a@b.de", "ab@c.de"]) == [
                "*@*.de", "a*@*.de",
            ])
    }

    @Test("the plan says which mask was taken")
    func maskPlans() throws {
        func plan(_ argument: Argument?) throws -> StepPlan {
            var problems = ProblemList(file: nil)
            let transform = try #require(
                Fixture.compile(
                    [Fixture.rule("c", [Step("mask", argument)])], [Fixture.input("c", .text)], problems: &problems))
            return try #require(transform.columns[0].steps.first)
        }
        #expect(try plan(["keep_last": 4]).summary == "mask(keep_first: 0, keep_last: 4, with: *)")
        #expect(try plan(["keep_last": 4]).method == "mask")
        #expect(try plan("classes").summary == "mask(as: classes)")
        #expect(try plan("classes").method == "mask-classes")
        #expect(
            try plan(["as": "email", "keep_domain": true]).summary == "mask(as: email, keep_domain: true, with: *)")
        #expect(try plan("email").method == "mask-email")
    }

    @Test("prefix keeps whole characters, alone and inside generalize")
    func prefix() throws {
        let values: [String?] = ["12345", "日本語", "ab", "", nil]
        let expected: [String?] = ["123", "日本語", "ab", "", nil]
        #expect(try Fixture.texts([Step("prefix", 3)], values) == expected)
        #expect(try Fixture.texts([Step("generalize", ["prefix": 3])], values) == expected)
        #expect(try Fixture.texts([Step("prefix", 0)], values) == ["", "", "", "", nil])
    }

    @Test("replace uses groups; text verbs work on each element of a list")
    func replaceAndLists() throws {
        #expect(
            try Fixture.texts(
                [Step("replace", ["pattern": "(\\d+)-(\\d+)", "with": "$2/$1"])], ["1-2 and 33-44", nil, "x"])
                == ["2/1 and 44/33", nil, "x"])
        var counts: [RuleCount] = []
        let lists = Column.lists([[" a", nil, "b"], nil, [], ["C "]])
        let result = try Fixture.run([Step("trim"), Step("uppercase")], lists, counts: &counts)
        #expect(result.shown == ["[A, nil, B]", nil, "[]", "[C]"])
        #expect(counts.map(\.changed) == [2, 1])
    }

    @Test("random texts: trim, case, mask and prefix agree with plain Swift", arguments: [0, 1, 63, 64, 65, 1_000])
    func properties(rowCount: Int) throws {
        var random = SeededGenerator.fresh("text verbs, \(rowCount) rows")
        let values = (0..<rowCount).map { _ in Int.random(in: 0..<8, using: &random) == 0 ? nil : random.text(upTo: 12)
        }
        func check(_ step: Step, _ plain: (String) -> String) throws {
            let result = try Fixture.run([step], .texts(values))
            for (row, value) in values.enumerated() {
                let expected = value.map { Array(plain($0).utf8) }
                #expect((result.isNull(row) ? nil : result.valueBytes(row)) == expected, "row \(row) of \(step.verb)")
            }
        }
        try check(Step("trim")) { String($0.unicodeScalars.trimmingSpace()) }
        try check(Step("lowercase")) { $0.lowercased() }
        try check(Step("uppercase")) { $0.uppercased() }
        let first = Int.random(in: 0...4, using: &random)
        let last = Int.random(in: 0...4, using: &random)
        let arguments: Argument = .map([
            ("keep_first", .scalar(.integer, "\(first)")), ("keep_last", .scalar(.integer, "\(last)")), ("with", "ß"),
        ])
        try check(Step("mask", arguments)) { text in
            let scalars = Array(text.unicodeScalars)
            let masked = scalars.indices.map { $0 < first || $0 >= scalars.count - last ? scalars[$0] : "ß" }
            return String(String.UnicodeScalarView(masked))
        }
        try check(Step("prefix", .scalar(.integer, "\(first)"))) {
            String(String.UnicodeScalarView($0.unicodeScalars.prefix(first)))
        }
    }

    @Test("a column of nulls alone goes through every verb")
    func allNull() throws {
        for step in [
            Step("trim"), Step("lowercase"), Step("mask"), Step("prefix", 2), Step("normalize_email"),
            Step("normalize_iban"), Step("token", ["key": "people", "scope": "s"]), Step("redact", ["email"]),
            Step("parse_date", "%Y-%m-%d"), Step("cast", "int64"), Step("map", ["a": "b"]),
        ] {
            let result = try Fixture.run([step], Column(nulls: 65, type: .text))
            #expect(result.nullCount == 65, "\(step.verb)")
        }
    }
}

@Suite("pass verbs") struct PassVerbTests {
    @Test("null_if and null_to compare by value of the column's type")
    func nulls() throws {
        #expect(try Fixture.texts([Step("null_if", ["", "n/a"])], ["", "n/a", "x", nil]) == [nil, nil, "x", nil])
        let numbers = Column.fixed([Int32(-1), 5, nil], .int32)
        #expect(try Fixture.run([Step("null_if", -1)], numbers).shown == [nil, "5", nil])
        #expect(try Fixture.run([Step("null_to", 7)], numbers).shown == ["-1", "5", "7"])
        #expect(try Fixture.run([Step("null_to", true)], .booleans([nil, false])).shown == ["true", "false"])
        #expect(
            try Fixture.run([Step("null_to", "2020-02-29")], .fixed([nil, Int32(0)], .date)).shown
                == ["2020-02-29", "1970-01-01"])
        #expect(!Fixture.problems([Step("null_to", "x")], on: .int32).isEmpty)
    }

    @Test("a constant fills every row and replaces the source column of its name")
    func constant() throws {
        #expect(try Fixture.texts([Step("constant", "gone")], ["a", nil]) == ["gone", "gone"])
        #expect(try Fixture.run([Step("constant", 3), Step("cast", "int16")], .texts(["a"])).type == .int16)
        #expect(try Fixture.run([Step("constant", true)], .texts(["a", "b"])).shown == ["true", "true"])
    }

    @Test("a rule reads another column by from; drop leaves out")
    func fromAndDrop() throws {
        var problems = ProblemList(file: nil)
        let transform = try #require(
            Fixture.compile(
                [
                    Fixture.rule("weight_kg", [Step("from", "weight"), Step("round", 0)]),
                    Fixture.rule("ssn", [Step("drop")]),
                ], [Fixture.input("ssn", .text), Fixture.input("weight", .float64)], problems: &problems))
        #expect(transform.columns.map(\.name) == ["weight_kg"])
        #expect(transform.columns[0].sourceColumn == "weight")
        #expect(transform.droppedColumns == ["ssn"])
        #expect(transform.requiredInputs == [1])
    }

    @Test("what a rule asks of the source")
    func reading() {
        func reading(_ steps: [Step]) -> (String?, ReadAs, Bool) {
            let reading = PolicyCompiler.reading(of: Fixture.rule("c", steps))
            return (reading.sourceColumn, reading.readAs, reading.isDropped)
        }
        #expect(reading([Step("keep")]) == ("c", ReadAs(), false))
        #expect(reading([Step("from", "d"), Step("cast", "text")]) == ("d", ReadAs(type: .text), false))
        #expect(
            reading([Step("on_special", nil), Step("cast", "date")]) == (
                "c", ReadAs(type: .date, nullsSpecials: true), false
            ))
        #expect(reading([Step("cast", ["to": "date", "on_failure": "null"])]) == ("c", ReadAs(), false))
        #expect(reading([Step("keep"), Step("cast", "text")]) == ("c", ReadAs(), false))
        #expect(reading([Step("constant", 1), Step("cast", "text")]) == (nil, ReadAs(), false))
        #expect(reading([Step("drop")]) == ("c", ReadAs(), true))
    }
}
