import Foundation
import Testing

@testable import Model

@Suite struct JSONTests {
    @Test(
        "each kind of value is written as RFC 8259 has it",
        arguments: [
            (.null, "null"), (true, "true"), (.integer(.min), "-9223372036854775808"), (.number(0.1), "0.1"),
            (.number(1e300), "1e+300"), (.number(.infinity), "null"), (.number(.nan), "null"), ("", #""""#),
            ([], "[]"), (.object([]), "{}"), ([1, "a", [true]], #"[1,"a",[true]]"#),
            (.object([.init("b", 1), .init("a", .null)]), #"{"b":1,"a":null}"#),
        ] as [(JSON, String)])
    func values(_ value: JSON, _ text: String) { #expect(value.text() == text) }

    @Test("texts escape what JSON, a terminal or a line-based reader would misread")
    func texts() {
        let text: JSON = "\" \\ / \u{8} \n \r \t \u{0} \u{1f} \u{7f} \u{2028} \u{2029} é 🙂"
        #expect(
            text.text()
                == #""\" \\ / \u0008 \n \r \t \u0000 \u001f \u007f \u2028 \u2029 é 🙂""#)
    }

    @Test("pretty text has one member a line, two spaces of indent and a final newline")
    func pretty() {
        let value = JSON.record(["a": 1, "left out": nil, "b": [1, .record(["c": []])]])
        #expect(
            value.text(isPretty: true) == """
                {
                  "a": 1,
                  "b": [
                    1,
                    {
                      "c": []
                    }
                  ]
                }

                """)
    }

    @Test("members keep their order, so the same value is the same bytes")
    func order() {
        let names = (0..<200).map { "m\($0 * 7919 % 200)" }
        let value = JSON.object(names.map { .init($0, .text($0)) })
        #expect(value.text() == value.text())
        #expect(value.text().split(separator: ",").first == #"{"m0":"m0""#)
    }

    @Test("what is written is read by Foundation and by our own parser as the same")
    func roundTrip() throws {
        let value = JSON.record([
            "text": "a\"\\\u{1}é\u{2028}🙂", "list": [1, -2, .number(0.5), true, .null],
            "object": .object([.init("", 0)]), "large": .integer(.max),
        ])
        for isPretty in [false, true] {
            let bytes = Array(value.text(isPretty: isPretty).utf8)
            #expect(try JSON.parse(bytes) == value)
            let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            #expect(object?["text"] as? String == "a\"\\\u{1}é\u{2028}🙂")
            #expect(object?["large"] as? Int64 == .max)
        }
    }
}
