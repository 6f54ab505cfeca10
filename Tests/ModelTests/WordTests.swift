import Testing

@testable import Model

@Suite struct WordTests {
    @Test(
        "the nearest word is the one that was most likely meant",
        arguments: [
            ("tokn", "token"), ("TOKEN", "token"), ("tkoen", "token"), ("lower_case", "lowercase"), ("drpo", "drop"),
            ("kepe", "keep"), ("colour", nil), ("xylophone", nil), ("", nil),
        ] as [(String, String?)])
    func nearest(_ word: String, _ meant: String?) {
        #expect(NearestWord.find(word, among: ["keep", "drop", "token", "lowercase", "uppercase"]) == meant)
    }

    @Test("distance counts insertions, deletions, replacements and swapped neighbours")
    func distance() {
        func distance(_ a: String, _ b: String) -> Int { NearestWord.editDistance(Array(a), Array(b)) }
        #expect(distance("", "") == 0)
        #expect(distance("", "abc") == 3)
        #expect(distance("abc", "abc") == 0)
        #expect(distance("abc", "acb") == 1)
        #expect(distance("abc", "abd") == 1)
        #expect(distance("kitten", "sitting") == 3)
    }

    @Test("ties go to the earlier word; without words there is none; a long text is no mistyped word")
    func edges() {
        #expect(NearestWord.find("ab", among: ["ac", "ad"]) == "ac")
        #expect(NearestWord.find("ab", among: []) == nil)
        #expect(NearestWord.find(String(repeating: "a", count: 10_000), among: ["aaa"]) == nil)
    }

    @Test("a text in a message is cut, and does nothing to a terminal")
    func shown() {
        #expect("plain é 🙂".shown() == "plain é 🙂")
        #expect("a\nb\t\u{1b}[31m\u{202e}".shown() == "a\\nb\\t\\u{1b}[31m\\u{202e}")
        #expect(String(repeating: "x", count: 61).shown() == String(repeating: "x", count: 60) + "…")
        #expect(String(repeating: "x", count: 60).shown() == String(repeating: "x", count: 60))
        #expect("abc".shown(limit: 2) == "ab…")
    }

    @Test("a problem is one line: place, severity, found, expected, remedy")
    func problem() {
        var list = ProblemList(file: "clinic.yaml")
        list.unknownWord("tokn", kind: "verb", at: Position(line: 12, column: 7), among: ["keep", "token"])
        list.warning(nil, found: "something")
        #expect(
            list.problems.map(\.description) == [
                "clinic.yaml:12:7: error: unknown verb \"tokn\"; expected one of keep, token; did you mean \"token\"?",
                "clinic.yaml: warning: something",
            ])
        #expect(list.hasErrors)
    }

    @Test("a secret prints its label in every way of printing")
    func secret() {
        let secret = Secret("hunter2", written: "${env:PASSWORD}")
        var dumped = ""
        dump(["secret": secret], to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            #expect(text.contains("${env:PASSWORD}") && !text.contains("hunter2"))
        }
        #expect("\(Secret("hunter2", written: "hunter2"))" == "(secret)")
        #expect(secret.reveal() == "hunter2")
    }

    @Test("a node tells what stands there and reads only as what it is")
    func nodes() {
        func scalar(_ kind: Node.Scalar.Kind, _ text: String) -> Node {
            Node(position: .start, value: .scalar(.init(kind: kind, text: text, written: "${env:X}")))
        }
        #expect(scalar(.integer, "12").integer == 12 && scalar(.integer, "12").number == 12)
        #expect(scalar(.text, "12").integer == nil && scalar(.text, "12").text == "12")
        #expect(scalar(.boolean, "True").boolean == true && scalar(.text, "true").boolean == nil)
        #expect(scalar(.null, "").isNull && scalar(.null, "").text == nil)
        #expect(scalar(.integer, "99999999999999999999").integer == nil)
        #expect(scalar(.text, "secret").found == "the text \"${env:X}\"")
        let map = Node(
            position: .start, value: .map([.init(key: "a", keyPosition: .start, value: scalar(.text, "x"))]))
        #expect(map["a"]?.text == "x" && map["b"] == nil && map.list == nil && map.found == "a mapping")
    }
}
