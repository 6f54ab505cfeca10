import CKernels
import Columnar
import Model
import Testing

@testable import Transform

/// `redact` over columns gives what taking the texts one by one, as strings, gives.
@Suite("redact beside a text at a time") struct RedactReferenceTests {
    private static let kinds: [UInt32: RedactStep.Entity] = Dictionary(
        uniqueKeysWithValues: RedactStep.Entity.allCases.map { ($0.kernelKind, $0) })

    private static let pieces = [
        "anna.B@Example.ORG", "Ötvös@példa.hu", "+1 415 555 0199", "(415)\u{a0}555-0199", "345-899-3560x4587",
        "06 30 123 4567",
        "de89 3704-0044 0532 0130 00", "NO9386011117947", "4111-1111 1111 1111", "219-09-4563", "ssn 219094563",
        "203.0.113.177",
        "2001:DB8::1", "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd", "on 2020-04-16 at 11:34", "in 2019", "12.5 mg", "@",
        "1234", "é", "４１１１ 1111\u{2011}1111\u{202f}1111", "анна＠b.org", "\u{a0}", "—",
        "日本", "lorem ipsum", "\\n", "\u{1F600}", "x", "(", "std::vector",
    ]

    /// The scalars of a text as ASCII where they stand for it. The pieces have none without width.
    private static func folded(_ text: String) -> [Unicode.Scalar] {
        text.unicodeScalars.map { scalar in
            switch scalar.value {
            case 0xa0, 0x202f: " "
            case 0x2010...0x2015: "-"
            case 0xff01...0xff5e: Unicode.Scalar(scalar.value - 0xfee0)!
            default: scalar
            }
        }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    /// What a text becomes: the search of one folded text, then each finding as a string.
    private static func redacted(_ text: String, as form: RedactStep.Form, region: PhoneRegion?, key: FieldKey)
        -> String
    {
        let scalars = Array(text.unicodeScalars)
        let plain = folded(text)
        let bytes = Array(Self.text(plain[...]).utf8)
        // Which scalar a byte is the first of.
        var scalarAt = [Int](repeating: plain.count, count: bytes.count + 1)
        var byteCount = 0
        for (index, scalar) in plain.enumerated() {
            scalarAt[byteCount] = index
            byteCount += UTF8.width(scalar)
        }
        let found = unsafe [kernel_entity](unsafeUninitializedCapacity: bytes.count / 4 + 1) { target, count in
            unsafe count = kernel_find_entities(bytes, bytes.count, 63, target.baseAddress!, bytes.count / 4 + 1)
        }
        var result = ""
        var position = 0
        for finding in found {
            let place = scalarAt[Int(finding.start)]..<scalarAt[Int(finding.end)]
            result += Self.text(scalars[position..<place.lowerBound])
            let own = Self.text(plain[place])
            let entity = kinds[finding.kind]!
            switch form {
            case .label: result += "[\(entity.rawValue.uppercased())]"
            case .mask: result += String(repeating: "*", count: place.count)
            case .token: result += base32(key.digest(Array(normalForm(own, entity, region).utf8)))
            }
            position = place.upperBound
        }
        return result + Self.text(scalars[position...])
    }

    private static func normalForm(_ text: String, _ entity: RedactStep.Entity, _ region: PhoneRegion?) -> String {
        let digits = text.filter { ("0"..."9").contains($0) }
        return switch entity {
        case .email: EmailForm.of(text)
        case .iban: text.filter { $0.isLetter || $0.isNumber }.uppercased()
        case .paymentCard, .usSSN: digits
        case .phone: PhoneForm.of(text, region: region) ?? digits
        case .ipAddress: text.lowercased()
        }
    }

    /// The first 128 bits, five at a time.
    private static func base32(_ digest: [UInt8]) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        var text = ""
        var bits = 0
        var count = 0
        for byte in digest.prefix(16) + [0] {
            bits = bits << 8 | Int(byte)
            count += 8
            while count >= 5, text.count < 26 {
                count -= 5
                text.append(alphabet[bits >> count & 31])
            }
            bits &= 0xff
        }
        return text
    }

    @Test("random texts, with and without nulls, as labels, masks and tokens")
    func randomTexts() throws {
        var random = SeededGenerator.fresh("redact beside a text at a time")
        let key = try #require(Fixture.keys["people"]?.derive(.token(scope: "s")))
        let hungary = PhoneRegion.find("HU")
        for turn in 0..<60 {
            let values: [String?] = (0..<[0, 1, 40, 300][turn % 4]).map { _ in
                if turn % 3 == 0, Bool.random(using: &random) { return nil }
                let count = Int.random(in: 0...12, using: &random)
                return (0..<count).map { _ in
                    Self.pieces.randomElement(using: &random)! + ["", " ", ", ", "\n"].randomElement(using: &random)!
                }.joined()
            }
            for form in RedactStep.Form.allCases {
                var extra: [(String, Argument)] = [("as", .init(stringLiteral: form.rawValue))]
                if form == .token { extra += [("key", "people"), ("scope", "s")] }
                if turn % 2 == 0 { extra.append(("region", "HU")) }
                let step = Step("redact", .map([("entities", RedactTests.all)] + extra))
                let region = turn % 2 == 0 ? hungary : nil
                let expected = values.map { $0.map { Self.redacted($0, as: form, region: region, key: key) } }
                var counts: [RuleCount] = []
                let result = try Fixture.run([step], .texts(values), counts: &counts).shown
                #expect(result == expected, "turn \(turn), \(form.rawValue)")
                #expect(counts[0].changed == zip(values, expected).count { $0 != $1 })
            }
        }
    }

    @Test("a column in which every text holds more than one identifier is searched again with room for all")
    func manyFindings() throws {
        let text = (0..<40).map { "a\($0)@b.org" }.joined(separator: " ")
        let expected = [String](repeating: "[EMAIL]", count: 40).joined(separator: " ")
        #expect(
            try Fixture.texts([Step("redact", RedactTests.all)], [text, nil, text, text]) == [
                expected, nil, expected, expected,
            ])
    }
}
