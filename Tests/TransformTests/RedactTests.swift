import CKernels
import Columnar
import Foundation
import Model
import Testing

@testable import Transform

@Suite("redact") struct RedactTests {
    static let all: Argument = ["email", "phone", "iban", "payment_card", "us_ssn", "ip_address"]

    private func redact(_ text: String, _ extra: [(String, Argument)] = []) throws -> String? {
        try Fixture.texts([Step("redact", .map([("entities", Self.all)] + extra))], [text])[0]
    }

    @Test(
        "finds each kind by its form and leaves the rest as it is",
        arguments: [
            ("Write to anna.b+x@mail.example.org, please", "Write to [EMAIL], please"),
            ("call +1 415 555 0199.", "call [PHONE]."),
            ("Fax: 345-899-3560x4587", "Fax: [PHONE]"),
            ("IBAN DE89 3704 0044 0532 0130 00!", "IBAN [IBAN]!"),
            ("card 4111 1111 1111 1111 exp 12/27", "card [PAYMENT_CARD] exp 12/27"),
            ("SSN 219-09-4563 and 666-12-1234", "SSN [US_SSN] and 666-12-1234"),
            ("ssn: 219094563", "ssn: [US_SSN]"),
            ("from 203.0.113.177 and 2001:db8::1.", "from [IP_ADDRESS] and [IP_ADDRESS]."),
            ("on 2020-04-16 11:34:35 for 1.234.567 or 1 234 567", "on 2020-04-16 11:34:35 for 1.234.567 or 1 234 567"),
            ("v1.2.3.4.5, 300.1.1.1, 12345-6789, std::vector", "v1.2.3.4.5, 300.1.1.1, 12345-6789, std::vector"),
            ("{\"t\":\"x\\nanna@b.org\"}", "{\"t\":\"x\\n[EMAIL]\"}"),
            ("4111 1111 1111 1112 DE89370400440532013001", "4111 1111 1111 1112 DE89370400440532013001"),
            ("Ötvös@példa.hu 日本a@b.co", "[EMAIL] [EMAIL]"),
            ("@@ a@ @b.c a@b", "@@ a@ @b.c a@b"),
            ("", ""),
        ])
    func forms(text: String, expected: String) throws {
        #expect(try redact(text) == expected)
    }

    @Test(
        "form and check digits decide, whatever separator stands before or behind",
        arguments: [
            ("4111111111111111,5500005555555559", "[PAYMENT_CARD],[PAYMENT_CARD]"),
            ("203.0.113.7,198.51.100.23", "[IP_ADDRESS],[IP_ADDRESS]"),
            ("536-22-8726/536-22-8727", "[US_SSN]/[US_SSN]"),
            ("536-22-8726-536-22-8727", "[US_SSN]-[US_SSN]"),
            ("[1,4111111111111111]", "[1,[PAYMENT_CARD]]"),
            ("{\"a\":[7,2125550187]}", "{\"a\":[7,[PHONE]]}"),
            ("2026-11-05:4111111111111111", "2026-11-05:[PAYMENT_CARD]"),
            ("2026-11-05:536-22-8726", "2026-11-05:[US_SSN]"),
            ("2026-11-05:fe80::1", "2026-11-05:[IP_ADDRESS]"),
            ("212-555-0187,212-555-0188", "[PHONE],[PHONE]"),
            ("212-555-0187/212-555-0188", "[PHONE]/[PHONE]"),
            ("2125550187:2125550188", "[PHONE]:[PHONE]"),
            ("06 12 34 56 78:06 12 34 56 79", "[PHONE]:[PHONE]"),
            ("fe80::1,fe80::2", "[IP_ADDRESS],[IP_ADDRESS]"),
            ("addr:fe80::1: down", "addr:[IP_ADDRESS]: down"),
            ("ssn: 536228726,536228727", "ssn: [US_SSN],[US_SSN]"),
            ("a@b.org-c@d.org.e@f.org", "[EMAIL]-[EMAIL].[EMAIL]"),
            ("id_4111111111111111", "id_[PAYMENT_CARD]"),
            ("IBANDE89370400440532013000", "IBAN[IBAN]"),
            // A number in parentheses behind one without.
            ("2125550142 (415) 555-0199", "[PHONE] [PHONE]"),
            ("2125550142(415)555-0199", "[PHONE][PHONE]"),
            ("2125550142/(415) 555-0199", "[PHONE]/[PHONE]"),
            ("06301234567 (212) 555-0142 06301234567", "[PHONE] [PHONE] [PHONE]"),
            ("(415) 555-0199 2125550142 (415) 555-0199", "[PHONE] [PHONE] [PHONE]"),
            ("2125550142 (2024)", "[PHONE] (2024)"),
            // A number right before an address.
            ("4111 1111 1111 1111/anna@x.com", "[PAYMENT_CARD]/[EMAIL]"),
            ("4111 1111 1111 1111+anna@x.com", "[PAYMENT_CARD]+[EMAIL]"),
            ("Tel: +36 30 123 4567/anna.smith@example.org", "Tel: [PHONE]/[EMAIL]"),
            ("06 30 123 4567-anna@x.hu", "[PHONE]-[EMAIL]"),
            ("SSN 123 45 6789/anna@x.com", "SSN [US_SSN]/[EMAIL]"),
            ("DE89 3704 0044 0532 0130 00/anna@x.de", "[IBAN]/[EMAIL]"),
            ("2001:db8::ff00:42:8329/anna@x.de", "[IP_ADDRESS]/[EMAIL]"),
            ("4111 1111 1111 1111@x.com", "4111 1111 1111 [EMAIL]"),
            // A letter on one side of a card.
            ("4111111111111111exp12/27", "[PAYMENT_CARD]exp12/27"),
            ("visa:4111111111111111mc:5500005555555559", "visa:[PAYMENT_CARD]mc:[PAYMENT_CARD]"),
            ("4111 1111 1111 1111x", "[PAYMENT_CARD]x"),
            ("c4111111111111111b", "c4111111111111111b"),
            // A short number in front of a phone number.
            ("10115 0049 30 1234567", "10115 [PHONE]"),
            ("id 4711 0049 30 1234567", "id 4711 [PHONE]"),
            ("Nr. 12 06 30 123 4567", "Nr. 12 [PHONE]"),
            ("06301234567 0612345678", "[PHONE] [PHONE]"),
        ])
    func separators(text: String, expected: String) throws {
        #expect(try redact(text) == expected)
    }

    @Test(
        "what is surer is found whole where something else seems to begin before it",
        arguments: [
            ("1234 5678 9012 4111 1111 1111 1111", "1234 5678 9012 [PAYMENT_CARD]"),
            ("+1 212 555 0187 4111 1111 1111 1111", "[PHONE] [PAYMENT_CARD]"),
            ("4111111111111111 212-555-0187", "[PAYMENT_CARD] [PHONE]"),
            ("3782 822463 10005 4111 1111 1111 1111", "[PAYMENT_CARD] [PAYMENT_CARD]"),
            ("11:34 212-555-0187 11:34", "11:34 [PHONE] 11:34"),
        ])
    func surer(text: String, expected: String) throws {
        #expect(try redact(text) == expected)
    }

    @Test(
        "typography does not hide an identifier, and never leaves half of one",
        arguments: [
            ("4111\u{a0}1111\u{202f}1111\u{2009}1111", "[PAYMENT_CARD]"),
            ("4111\u{2011}1111\u{2013}1111\u{2014}1111", "[PAYMENT_CARD]"),
            ("4111.1111.1111.1111 and 4111  1111  1111  1111", "[PAYMENT_CARD] and [PAYMENT_CARD]"),
            ("４１１１１１１１１１１１１１１１", "[PAYMENT_CARD]"),
            ("٤١١١١١١١١١١١١١١١", "[PAYMENT_CARD]"),
            ("41\u{200b}11\u{200d}1111\u{2060}11111\u{feff}111", "[PAYMENT_CARD]"),
            ("4111111111111111\u{200b}5500005555555559", "[PAYMENT_CARD]\u{200b}[PAYMENT_CARD]"),
            ("536\u{2010}\u{200b}22\u{2010}87\u{ad}26, 536.22.8727", "[US_SSN], [US_SSN]"),
            ("212\u{2011}555\u{2011}0187；06\u{202f}12\u{202f}34\u{202f}56\u{202f}78", "[PHONE]；[PHONE]"),
            ("+1\u{a0}(415)\u{a0}555\u{2212}0199, 212.555.0187", "[PHONE], [PHONE]"),
            ("DE89 3704 0044\n0532 0130 00", "[IBAN]"),
            ("DE89\u{a0}3704\u{a0}0044\r\n0532\u{a0}0130\u{a0}00", "[IBAN]"),
            ("ＩＢＡＮ　ＤＥ８９３７０４００４４０５３２０１３０００", "ＩＢＡＮ　[IBAN]"),
            ("203.0.113\u{200b}.7，fe80\u{200b}::1", "[IP_ADDRESS]，[IP_ADDRESS]"),
            ("anna＠ｅxample．org x\u{ad}anna@b.o\u{ad}rg", "[EMAIL] [EMAIL]"),
            ("nguyễn.văn@example.vn, 用户@例子.中国", "[EMAIL], [EMAIL]"),
            ("अनीता@उदाहरण.भारत สมชาย@ตัวอย่าง.ไทย", "[EMAIL] [EMAIL]"),
            ("john/smith@example.org", "[EMAIL]"),
            ("\"john smith\"@example.org", "[EMAIL]"),
            ("{\"a\":\"\\\"john smith\\\"@example.org\"}", "{\"a\":\"[EMAIL]\"}"),
            ("«anna@b.org» — Größe\u{a0}12\u{a0}345\u{a0}m", "«[EMAIL]» — Größe\u{a0}12\u{a0}345\u{a0}m"),
        ])
    func typography(text: String, expected: String) throws {
        #expect(try redact(text) == expected)
    }

    @Test("a folded text among others: only it is searched in another form, and a null stays one")
    func foldedRows() throws {
        let texts: [String?] = ["a@b.org", "x＠b.org 1", nil, "", "é 4111\u{a0}1111\u{a0}1111\u{a0}1111", "c@d.org"]
        #expect(
            try Fixture.texts([Step("redact", Self.all)], texts)
                == ["[EMAIL]", "[EMAIL] 1", nil, "", "é [PAYMENT_CARD]", "[EMAIL]"])
        #expect(try redact("x a＠b.org y", [("as", "mask")]) == "x ******* y")
    }

    @Test("only the kinds that are asked for are touched")
    func kinds() throws {
        let text = "a@b.org 203.0.113.177 DE89370400440532013000"
        #expect(try Fixture.texts([Step("redact", "iban")], [text]) == ["a@b.org 203.0.113.177 [IBAN]"])
        #expect(
            try Fixture.texts([Step("redact", ["email"])], [text]) == ["[EMAIL] 203.0.113.177 DE89370400440532013000"])
    }

    @Test("a token in text is the token of the column in normal form")
    func tokens() throws {
        func inText(_ text: String) throws -> String? {
            try redact(text, [("as", "token"), ("key", "people"), ("scope", "s"), ("region", "HU")])
        }
        func ofColumn(_ value: String, _ steps: [Step] = []) throws -> String? {
            try Fixture.texts(steps + [Step("token", ["key": "people", "scope": "s"])], [value])[0]
        }
        #expect(try inText("Anna@Example.ORG") == ofColumn(" anna@example.org ", [Step("normalize_email")]))
        #expect(
            try inText("de89 3704 0044 0532 0130 00") == ofColumn("DE89370400440532013000", [Step("normalize_iban")]))
        #expect(try inText("4111-1111-1111-1111") == ofColumn("4111111111111111"))
        #expect(try inText("219-09-4563") == ofColumn("219094563"))
        #expect(try inText("４１１１\u{a0}1111\u{2011}1111\u{200b}1111") == ofColumn("4111111111111111"))
        #expect(try inText("anna＠example．org") == ofColumn("anna@example.org"))
        #expect(try inText("DE89 3704 0044\n0532 0130 00") == ofColumn("DE89370400440532013000"))
        #expect(try inText("06 30 123 4567") == ofColumn("+36 30 1234567", [Step("normalize_phone", ["region": "HU"])]))
        #expect(try inText("2001:DB8::1") == ofColumn("2001:db8::1"))
    }

    @Test("a mask keeps the length; counts say how many texts changed; lists are taken element by element")
    func masksAndCounts() throws {
        #expect(try redact("x a@b.org y", [("as", "mask")]) == "x ******* y")
        var counts: [RuleCount] = []
        let result = try Fixture.run(
            [Step("redact", Self.all)], .texts(["none", "a@b.org", nil, "", "c@d.org a@b.org"]), counts: &counts)
        #expect(result.shown == ["none", "[EMAIL]", nil, "", "[EMAIL] [EMAIL]"])
        #expect(counts[0].changed == 2)
        #expect(
            try Fixture.run([Step("redact", Self.all)], .lists([["a@b.org", nil], nil, []])).shown == [
                "[[EMAIL], nil]", nil, "[]",
            ])
    }

    @Test(
        "recall and precision on the Presidio sentences do not fall",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func presidio() throws {
        let shared = try #require(Shared.folder)
        let packed = "\(shared)/data/pii-presidio-synth/synth_dataset_v2.json.gz"
        let data = try Command.run(["/bin/sh", "-c", "gzip --decompress --stdout '\(packed)'"], input: Data())
        let sentences = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let kinds = [
            ("EMAIL_ADDRESS", "email"), ("PHONE_NUMBER", "phone"), ("IBAN_CODE", "iban"),
            ("CREDIT_CARD", "payment_card"),
            ("US_SSN", "us_ssn"), ("IP_ADDRESS", "ip_address"),
        ]
        let texts = sentences.map { $0["full_text"] as? String ?? "" }
        var gold = [Int](repeating: 0, count: kinds.count)
        var found = gold
        var taken = gold
        for (sentence, text) in zip(sentences, texts) {
            // Positions in the data count scalars, the kernel's count bytes.
            var scalarAt: [Int: Int] = [:]
            var byteCount = 0
            for (index, scalar) in text.unicodeScalars.enumerated() {
                scalarAt[byteCount] = index
                byteCount += String(scalar).utf8.count
            }
            scalarAt[byteCount] = text.unicodeScalars.count
            let bytes = Array(text.utf8)
            let entities = unsafe [kernel_entity](unsafeUninitializedCapacity: bytes.count / 4 + 1) { target, count in
                unsafe count = kernel_find_entities(bytes, bytes.count, 63, target.baseAddress!, bytes.count / 4 + 1)
            }
            for (kind, (label, entity)) in kinds.enumerated() {
                let own = entities.filter { $0.kind == RedactStep.Entity(rawValue: entity)?.kernelKind }.map {
                    [scalarAt[Int($0.start)] ?? -1, scalarAt[Int($0.end)] ?? -1]
                }
                let spans = (sentence["spans"] as? [[String: Any]] ?? []).filter {
                    $0["entity_type"] as? String == label
                }.map {
                    [$0["start_position"] as? Int ?? -2, $0["end_position"] as? Int ?? -2]
                }
                gold[kind] += spans.count
                taken[kind] += own.count
                found[kind] += spans.count { own.contains($0) }
            }
        }
        for (kind, (label, entity)) in kinds.enumerated() {
            let recall = Double(found[kind]) / Double(gold[kind])
            let precision = Double(found[kind]) / Double(taken[kind])
            print(
                "\(label.padding(toLength: 15, withPad: " ", startingAt: 0))\(gold[kind])  \(found[kind])/\(taken[kind])  recall \(recall)  precision \(precision)"
            )
            #expect(recall == 1, "\(label)")
            #expect(precision >= (entity == "phone" ? 0.94 : 1), "\(label)")
        }
    }

    @Test("hostile texts take linear time and stay within their bytes")
    func hostile() throws {
        var random = SeededGenerator.fresh("redact")
        let pieces = ["1 ", "@", "a.", "1-", ":", "DE12 ", "(", "+", "0", ".", "\u{e9}", "x@y.", "\n"]
        var texts = pieces.map { String(repeating: $0, count: 100_000 / $0.utf8.count) }
        for _ in 0..<500 { texts.append((0..<60).map { _ in pieces.randomElement(using: &random)! }.joined()) }
        let clock = ContinuousClock()
        let time = try clock.measure { _ = try Fixture.texts([Step("redact", Self.all)], texts) }
        #expect(time < .seconds(5))
    }
}

@Suite("identifiers") struct IdentifierTests {
    @Test(
        "IBANs of the registry pass, with one digit changed they fail",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func ibans() throws {
        let shared = try #require(Shared.folder)
        let text = try String(contentsOfFile: "\(shared)/data/identifiers/iban_registry.txt", encoding: .utf8)
        let examples = text.split(separator: "\n").dropFirst().map {
            String($0.split(separator: "|", omittingEmptySubsequences: false)[7])
        }
        var wrong: [String] = []
        for example in examples where IBANForm.of(example) == nil { wrong.append(String(example.prefix(2))) }
        #expect(wrong.isEmpty, "\(wrong) of \(examples.count)")
        for example in examples {
            var changed = Array(example)
            changed[changed.count - 1] = changed[changed.count - 1] == "7" ? "8" : "7"
            #expect(IBANForm.of(String(changed)) == nil)
        }
        #expect(
            try Fixture.texts([Step("normalize_iban")], ["de89 3704-0044 0532 0130 00", nil])
                == ["DE89370400440532013000", nil])
        #expect(throws: TransformError.self) { try Fixture.texts([Step("normalize_iban")], ["DE00"]) }
        #expect(try Fixture.texts([Step("normalize_iban", ["on_failure": "keep"])], ["DE 00"]) == ["DE 00"])
    }

    @Test(
        "card numbers pass Luhn, with one digit changed they fail",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func cards() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/data/identifiers/stripe_test_cards.json"))
        var numbers: [String] = []
        func collect(_ value: Any) {
            if let text = value as? String, text.count >= 13, text.allSatisfy(\.isNumber) { numbers.append(text) }
            if let list = value as? [Any] { list.forEach(collect) }
            if let map = value as? [String: Any] { map.values.forEach(collect) }
        }
        collect(try JSONSerialization.jsonObject(with: data))
        try #require(!numbers.isEmpty)
        let texts = try Fixture.texts([Step("redact", "payment_card")], numbers.map { "pay \($0)" })
        #expect(texts.allSatisfy { $0 == "pay [PAYMENT_CARD]" })
        let changed = numbers.map { "pay \($0.dropLast())\(($0.last!.wholeNumberValue! + 1) % 10)" }
        #expect(try Fixture.texts([Step("redact", "payment_card")], changed) == changed)
    }

    @Test(
        "the example of every listed region becomes E.164, with and without its calling code",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func phones() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/data/identifiers/phone_examples_mobile.json"))
        let examples = try #require(JSONSerialization.jsonObject(with: data) as? [String: String])
        for region in PhoneRegion.all {
            guard let national = examples[region.name] else { continue }
            let expected = "+\(region.code)\(national)"
            #expect(PhoneForm.of(expected, region: nil) == expected, "\(region.name)")
            #expect(PhoneForm.of(region.trunk + national, region: region) == expected, "\(region.name) national")
            #expect(
                PhoneForm.of("\(region.exit)\(region.code)\(national)", region: region) == expected,
                "\(region.name) dialled")
            #expect(
                PhoneForm.of("+\(region.code) \(national)12345", region: region) == nil
                    || region.lengths.upperBound > national.count + 4)
        }
        #expect(
            try Fixture.texts(
                [Step("normalize_phone", ["region": "HU"])],
                ["06 30 123 4567", "+46 (0)8 928 571 38", "(30) 123-4567", nil])
                == ["+36301234567", "+46892857138", "+36301234567", nil])
        for wrong in ["123", "call me", "", "+0123456789", "12345678901234567"] {
            #expect(throws: TransformError.self, "\(wrong)") {
                try Fixture.texts([Step("normalize_phone", "HU")], [wrong])
            }
        }
        #expect(
            Fixture.problems([Step("normalize_phone", ["region": "XX"])], on: .text).joined().contains("unknown region")
        )
    }

    @Test("an e-mail address has one form")
    func emails() throws {
        #expect(
            try Fixture.texts([Step("normalize_email")], [" Anna@Example.ORG\t", nil, "", "E\u{301}va@x.hu"])
                == ["anna@example.org", nil, "", "éva@x.hu"])
    }
}
