import Model
import Testing

@testable import Document

@Suite struct ScalarTests {
    @Test(
        "an unquoted scalar is what is written: only plain decimals are numbers, only true and false booleans",
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("NULL", .null), ("nULL", .text),
            ("true", .boolean), ("FALSE", .boolean), ("tRue", .text),
            ("no", .text), ("NO", .text), ("yes", .text), ("on", .text), ("off", .text), ("y", .text), ("N", .text),
            ("0", .integer), ("12", .integer), ("-3", .integer), ("-0", .integer),
            ("012", .text), ("+36", .text), ("1_000", .text), ("0x1F", .text), ("0o7", .text), ("1:30", .text),
            ("1e3", .text), ("0.5", .number), ("-3.25", .number), ("00.5", .text), (".5", .text), ("5.", .text),
            ("1.2.3", .text), (".inf", .text), (".nan", .text), ("2026-11-23", .text), ("-", .text), ("1 2", .text),
            ("٣", .text),
        ] as [(String, Node.Scalar.Kind)])
    func kinds(_ text: String, _ kind: Node.Scalar.Kind) {
        #expect(PlainScalar.kind(of: text) == kind)
    }

    @Test("the country code NO stays text as key and as value")
    func norway() throws {
        let text = Fixture.document(table: "{from: s, columns: {NO: {map: {NO: NO, DK: 045}}}}")
        let rule = try #require(Fixture.examine(text).pipeline).tables[0].columns[0]
        #expect(rule.name == "NO")
        #expect(rule.steps[0].argument?["NO"]?.text == "NO")
        #expect(rule.steps[0].argument?["NO"]?.boolean == nil)
        #expect(rule.steps[0].argument?["DK"]?.text == "045")
        #expect(rule.steps[0].argument?["DK"]?.integer == nil)
    }

    @Test("a quoted scalar is text, whatever it looks like")
    func quoted() throws {
        let text = Fixture.document(table: "{from: s, columns: {a: [{constant: \"1\"}, {constant: 'true'}]}}")
        let steps = try #require(Fixture.examine(text).pipeline).tables[0].columns[0].steps
        #expect(steps[0].argument?.integer == nil)
        #expect(steps[1].argument?.boolean == nil)
    }

    @Test(
        "a retention is an ISO 8601 duration that has an end: what is accepted is what a version's end is computed from",
        arguments: [
            ("P5Y", true), ("P18M", true), ("P2W", true), ("P1DT12H", true), ("PT30M", true), ("P1Y2M3DT4H5M6S", true),
            ("P1000Y", true), ("P1001Y", false), ("P12001M", false), ("P999999999D", false), ("P0D", false),
            ("P0Y0M", false), ("PT0S", false), ("P", false), ("PT", false), ("P1DT", false), ("5Y", false),
            ("P5", false),
            ("P-5Y", false), ("P1M1Y", false), ("p5y", false), ("P1.5Y", false), ("P5Y ", false), ("P1Y1Y", false),
            ("forever", false),
        ])
    func retention(_ text: String, _ isAccepted: Bool) {
        let document = Fixture.document("compliance: {purpose: research, retention: \"\(text)\"}")
        let reading = Fixture.examine(document)
        #expect((reading.pipeline != nil) == isAccepted, "\(reading.problems)")
        let kept = reading.pipeline?.about.compliance?.retention
        #expect((kept.flatMap { Retention($0) } != nil) == isAccepted)
    }

    @Test(
        "URIs are absolute",
        arguments: [
            ("https://hospital.example", true), ("urn:isbn:0451450523", true), ("HTTP://x", true), ("https:/x", false),
            ("https://", false), ("https:///x", false), ("www.x.example", false), ("CC-BY-4.0", false),
            ("a b:c", false),
            ("://x", false), ("1a:x", false), ("mailto:", false), ("https://x y", false), ("", false),
        ])
    func uris(_ text: String, _ isURI: Bool) {
        #expect(TextForms.isAbsoluteURI(text) == isURI)
    }

    @Test("names keep to their patterns at both ends of the length")
    func names() {
        #expect(Names.isModule("a" + String(repeating: "-", count: 62)))
        #expect(!Names.isModule("a" + String(repeating: "-", count: 63)))
        #expect(Names.isTable("2026.v_1-a") && Names.isTable(String(repeating: "x", count: 128)))
        #expect(!Names.isTable(String(repeating: "x", count: 129)))
        for wrong in ["", ".", "..", "-a", ".a", "a/b", "a b", "é", "a\u{0}"] { #expect(!Names.isTable(wrong)) }
        for wrong in ["", "A", "1a", "-a", "a_b", "é"] { #expect(!Names.isModule(wrong)) }
    }

    @Test(
        "a connection text has a known form, and a password in it is noticed",
        arguments: [
            ("postgres://h/db", true, false), ("postgresql://u@h/db", true, false), ("postgresql://", true, false),
            ("postgresql://u:p@h/db", true, true), ("postgresql://u:@h/db", true, false),
            ("postgresql://u:${env:P}@h/db", true, false), ("postgresql://${env:U}:x@h/db", true, true),
            ("postgresql://h:5432/db", true, false), ("postgresql://h/db?password=x", true, true),
            ("postgresql://h/db?user=a&password=${file:p}", true, false), ("host=h password=x", true, true),
            ("host = h password = 'x'", true, true), ("host=h password=${env:P} dbname=x", true, false),
            ("host=h", true, false), ("mysql://h", false, false), ("h", false, false), ("", false, false),
            ("=x", false, false),
        ])
    func connections(_ text: String, _ isKnown: Bool, _ holdsPassword: Bool) {
        #expect(ConnectionText.isKnownForm(text) == isKnown)
        #expect(ConnectionText.holdsPassword(text) == holdsPassword)
    }
}
