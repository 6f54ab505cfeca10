import Columnar
import Foundation
import Model
import Secrets
import Testing

@testable import Transform

@Suite("format-preserving encryption") struct FormatPreservingTests {
    private func step(_ extra: [(String, Argument)] = [], alphabet: String = "digits", scope: String = "card") -> Step {
        Step(
            "format_preserving",
            .map([("key", "people"), ("scope", .scalar(.text, scope)), ("alphabet", .scalar(.text, alphabet))] + extra))
    }

    private func reveal(_ step: Step, _ tokens: [String?], key: [UInt8] = Fixture.keyBytes) throws -> [String?] {
        var problems = ProblemList(file: nil)
        let reveal = try #require(
            Reveal(undoing: step.spec, key: MaskingKey(name: "any", bytes: key), problems: &problems),
            "\(problems.problems)")
        let result = reveal.values(of: .texts(tokens))
        #expect(result.failures.isEmpty)
        return result.values.shown
    }

    @Test("the samples of SP 800-38G come out", .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func samples() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/vectors/fpe-nist/ff1_sp800-38g_samples.json"))
        let file = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        var count = 0
        for sample in file["tests"] as? [[String: Any]] ?? [] {
            func text(_ name: String) throws -> String { try #require(sample[name] as? String) }
            let rule = try FormatRule(alphabet: Array(text("alphabet").utf8), tweak: text("tweak").bytes)
            let key = unsafe try text("key").bytes.withUnsafeBytes { unsafe WipedBytes(copying: $0) }
            let cipher = FormatCipher(rule, key: key, smallKey: nil)
            let sealed = try cipher.apply(.encrypt, to: .texts([text("pt"), nil, ""]))
            #expect(try sealed.column.shown == [text("ct"), nil, ""])
            #expect(try cipher.apply(.decrypt, to: sealed.column).column.shown == [text("pt"), nil, ""])
            count += 1
        }
        #expect(count == 9)
    }

    @Test("the verb is FF1 under the key of its scope, with its scope as tweak")
    func composition() throws {
        let key = MaskingKey(name: "k", bytes: Fixture.keyBytes)
        let derived = key.expanded(info: Array("etl-express/1/fpe/card".utf8))
        let rule = FormatRule(alphabet: Array("0123456789".utf8), tweak: Array("card".utf8))
        let cipher = FormatCipher(
            rule, key: unsafe derived.withUnsafeBytes { unsafe WipedBytes(copying: $0) }, smallKey: nil)
        let values = ["0000000", "4111111111111111", "99999999999999999999999999999999999999999999"]
        #expect(try Fixture.texts([step()], values) == cipher.apply(.encrypt, to: .texts(values)).column.shown)
        let tweaked = try Fixture.texts([step([("tweak", "card")])], values)
        #expect(try tweaked == Fixture.texts([step()], values))
        #expect(try tweaked != Fixture.texts([step([("tweak", "other")])], values))
        #expect(try tweaked != Fixture.texts([step(scope: "phone")], values))
    }

    @Test(
        "what was replaced comes back, with length, alphabet and places kept",
        arguments: [
            ("digits", "0123456789"), ("hex", "0123456789abcdef"), ("lower", "abcdefghijklmnopqrstuvwxyz"),
            ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
            ("alphanumeric", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), ("ACGT", "ACGT"),
            ("!#$%&~ 01", "!#$%&~ 01"),
        ])
    func roundTrip(name: String, characters: String) throws {
        var random = SeededGenerator.fresh("round trip in \(name)")
        let pool = Array(characters)
        let shortest = FormatRule(alphabet: Array(characters.utf8), tweak: []).shortestForFF1
        var values: [String?] = [nil, ""]
        while values.count < 400 {
            let length = shortest + Int.random(in: 0...(values.count % 50 == 0 ? 400 : 30), using: &random)
            values.append(String((0..<length).map { _ in pool.randomElement(using: &random)! }))
        }
        let step = step(alphabet: name)
        let tokens = try Fixture.texts([step], values)
        #expect(try reveal(step, tokens) == values)
        for (value, token) in zip(values, tokens) {
            #expect(value?.count == token?.count)
            #expect(token?.allSatisfy { pool.contains($0) } ?? true)
        }
        let changed = zip(values, tokens).count { $0 != $1 }
        #expect(changed >= 390)
        #expect(Set(tokens.compactMap { $0 }).count == Set(values.compactMap { $0 }).count)
        #expect(try reveal(step, tokens, key: Fixture.otherKeyBytes) != values)
    }

    @Test("separators, prefix and suffix stay, and do not change what is between")
    func places() throws {
        let step = step([("keep_prefix", 2), ("keep_suffix", 1)])
        let values = [
            "+36 (30) 123-4567", "3630 1234567", "36/30/123.45.67", "XY301234567", "é6301234567", "36301234567",
        ]
        let tokens = try Fixture.texts([step], values).map { $0 ?? "" }
        let bare = try #require(tokens.last)
        let inner = Array(bare.dropFirst(2).dropLast())
        #expect(tokens[0] == "+36 (\(inner[0])\(inner[1])) \(String(inner[2...4]))-\(String(inner[5...7]))7")
        #expect(tokens[1] == "36\(inner[0])\(inner[1]) \(String(inner[2...]))7")
        #expect(tokens[3] == "XY" + bare.dropFirst(2))
        #expect(tokens[4] == "é6" + bare.dropFirst(2))
        #expect(bare.hasPrefix("36") && bare.hasSuffix("7") && bare != "36301234567")
        #expect(try reveal(step, tokens) == values)
        let own = self.step([("separators", "_")])
        #expect(try Fixture.texts([own], ["12_345_678"]).map { $0.map { Array($0)[2] } } == ["_"])
        #expect(throws: TransformError.self) { try Fixture.texts([own], ["12 345 678"]) }
    }

    private static func isLuhn(_ text: String) -> Bool {
        let digits = text.compactMap(\.wholeNumberValue).reversed().enumerated()
        return digits.reduce(0) {
            $0 + ($1.offset % 2 == 0 ? $1.element : $1.element < 5 ? 2 * $1.element : 2 * $1.element - 9)
        } % 10 == 0
    }

    @Test(
        "card numbers stay card numbers, whatever is kept of them", arguments: [(0, 0), (6, 0), (4, 4), (0, 4), (5, 3)])
    func luhn(prefix: Int, suffix: Int) throws {
        var random = SeededGenerator.fresh("cards that keep \(prefix), \(suffix)")
        let step = step([
            ("check_digit", "luhn"), ("keep_prefix", .scalar(.integer, "\(prefix)")),
            ("keep_suffix", .scalar(.integer, "\(suffix)")),
        ])
        var cards: [String] = []
        while cards.count < 300 {
            let length = Int.random(in: 15...19, using: &random)
            let body = (0..<length).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
            cards += (0...9).map { body + " " + String($0) }.filter(Self.isLuhn)
        }
        let tokens = try Fixture.texts([step], cards).map { $0 ?? "" }
        #expect(tokens.allSatisfy(Self.isLuhn))
        #expect(try reveal(step, tokens) == cards)
        #expect(
            zip(cards, tokens).allSatisfy {
                $0.prefix(prefix) == $1.prefix(prefix) && $0.suffix(suffix) == $1.suffix(suffix)
            })
        #expect(zip(cards, tokens).count { $0 != $1 } > 290)
        #expect(throws: TransformError.self) { try Fixture.texts([step], ["4111111111111112"]) }
        #expect(throws: TransformError.self) { try Fixture.texts([step], ["411111111111111x"]) }
    }

    @Test("an IBAN stays an IBAN of its country")
    func mod97() throws {
        let ibans = ["HU42 1177 3016 1111 1018 0000 0000", "DE89370400440532013000", "BE68 5390 0754 7034", nil, ""]
        let step = step([("check_digit", "mod97")])
        let tokens = try Fixture.texts([step], ibans)
        for (iban, token) in zip(ibans, tokens) {
            guard let iban, let token, !iban.isEmpty else { continue }
            #expect(token != iban && token.prefix(2) == iban.prefix(2) && token.count == iban.count)
            #expect(IBANForm.of(token) != nil)
        }
        #expect(try reveal(step, tokens) == ibans)
        let bank = self.step([("check_digit", "mod97"), ("keep_prefix", 12)])
        let german = try Fixture.texts([bank], [ibans[1]])[0]
        #expect(german?.dropFirst(4).prefix(8) == "37040044")
        #expect(german.flatMap(IBANForm.of) != nil)
        let british = self.step(
            [("check_digit", "mod97"), ("separators", " ")], alphabet: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let letters = try Fixture.texts([british], ["GB82 WEST 1234 5698 7654 32"])
        #expect(try reveal(british, letters) == ["GB82 WEST 1234 5698 7654 32"])
        for wrong in ["DE88370400440532013000", "de89370400440532013000", "1289370400440532013000"] {
            #expect(throws: TransformError.self) { try Fixture.texts([step], [wrong]) }
        }
    }

    @Test("values that cannot be taken follow the rule's policy, and errors say why but not what")
    func failing() throws {
        let cases: [(String, TransformError.Code)] = [
            ("12345", .domainTooSmall), ("1234x6789", .outsideAlphabet), ("123456é", .outsideAlphabet),
            ("-", .domainTooSmall),
            (String(repeating: "1", count: 513), .tooLong),
        ]
        for (value, code) in cases {
            let error = #expect(throws: TransformError.self) { try Fixture.texts([step()], [nil, "1234567", value]) }
            #expect(error?.code == code && error?.rowOrdinal == 102)
            #expect(error.map { "\($0)".contains(value) && value.count > 1 } == false)
            let nulled = try Fixture.texts([step([("on_failure", "null")])], [nil, "1234567", value, "7654321"])
            #expect(nulled.map { $0 == nil } == [true, false, true, false])
            var counts: [RuleCount] = []
            let kept = try Fixture.run(
                [step([("on_failure", "drop_row")])], .texts([nil, "1234567", value, "7654321"]), counts: &counts)
            #expect(kept.shown == [nulled[0], nulled[1], nulled[3]])
            #expect(counts[0].dropped == 1)
        }
        let wrong = #expect(throws: TransformError.self) {
            try Fixture.texts([step([("check_digit", "luhn")])], ["79927398714"])
        }
        #expect(wrong?.code == .wrongCheckDigit)
        // Six digits kept in front and four behind leave a million of sixteen, and a tenth of that with a check digit.
        let card = [("keep_prefix", Argument.scalar(.integer, "6")), ("keep_suffix", .scalar(.integer, "4"))]
        #expect(try Fixture.texts([step(card)], ["4111111111111111"])[0]?.suffix(4) == "1111")
        #expect(throws: TransformError.self) {
            try Fixture.texts([step(card + [("check_digit", "luhn")])], ["4111111111111111"])
        }
    }

    @Test("a small domain is permuted: every text comes out once, and comes back")
    func permutation() throws {
        let step = step([("small_domain", "permute")])
        for length in 2...4 {
            let size = (0..<length).reduce(1) { size, _ in size * 10 }
            let values: [String?] = (0..<size).map { String(String(size + $0).dropFirst()) }
            let tokens = try Fixture.texts([step], values)
            #expect(Set(tokens) == Set(values))
            #expect(tokens != values)
            #expect(try reveal(step, tokens) == values)
            #expect(zip(values, tokens).count { $0 == $1 } < 20)
            #expect(try Fixture.texts([self.step([("small_domain", "permute"), ("tweak", "t")])], values) != tokens)
        }
        let mixed = ["1234567890", "12345", nil, "", "0-1-2"]
        #expect(try reveal(step, Fixture.texts([step], mixed)) == mixed)
        #expect(try Fixture.texts([step], ["1234567890"]) == Fixture.texts([self.step()], ["1234567890"]))
        #expect(throws: TransformError.self) { try Fixture.texts([step], ["7"]) }
        let tiny = self.step([("small_domain", "permute"), ("allow_weak", true)])
        let digits: [String?] = (0...9).map { "\($0)" }
        #expect(try Set(Fixture.texts([tiny], digits)) == Set(digits))
        #expect(try reveal(tiny, Fixture.texts([tiny], digits)) == digits)
    }

    @Test("a permutation is the order of CMACs, as docs/verbs.md says")
    func permutationFromOutside() throws {
        let derived = MaskingKey(name: "k", bytes: Fixture.keyBytes).expanded(
            info: Array("etl-express/1/fpe-small/card".utf8))
        var numbers: [(String, Int)] = []
        for value in 0..<16 {
            // Radix 4, two characters, the number, the tweak "card".
            let message: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, UInt8(value)] + Array("card".utf8)
            let output = try Command.run(
                [
                    "/usr/bin/env", "openssl", "mac", "-cipher", "AES-256-CBC", "-macopt",
                    "hexkey:\(derived.hexadecimal)", "-in", "-", "CMAC",
                ],
                input: Data(message))
            numbers.append((String(decoding: output, as: UTF8.self).prefix(16).lowercased(), value))
        }
        func text(_ value: Int) -> String {
            String(["A", "C", "G", "T"][value / 4] + ["A", "C", "G", "T"][value % 4])
        }
        let step = step([("small_domain", "permute"), ("allow_weak", true)], alphabet: "ACGT")
        let tokens = try Fixture.texts([step], (0..<16).map(text))
        for (place, entry) in numbers.sorted(by: { $0 < $1 }).enumerated() { #expect(tokens[entry.1] == text(place)) }
    }

    @Test("replacements do not depend on how rows are cut into chunks, and lists are taken element by element")
    func chunking() throws {
        let values = (0..<300).map { $0 % 7 == 0 ? nil : "\($0 % 50)-\(100_000_000 + $0 % 50)" }
        let whole = try Fixture.texts([step()], values)
        for size in [1, 3, 63, 64, 65] {
            var pieces: [String?] = []
            for start in stride(from: 0, to: values.count, by: size) {
                pieces += try Fixture.texts([step()], Array(values[start..<min(start + size, values.count)]))
            }
            #expect(pieces == whole)
        }
        #expect(whole[1] == whole[51])
        let lists = try Fixture.run([step()], .lists([["1234567", nil], nil, [], ["7654321"]])).shown
        let flat = try Fixture.texts([step()], ["1234567", "7654321"]).map { $0 ?? "" }
        #expect(lists == ["[\(flat[0]), nil]", nil, "[]", "[\(flat[1])]"])
        #expect(try Fixture.texts([step()], []) == [])
        #expect(try Fixture.texts([step()], [nil, nil]) == [nil, nil])
    }

    @Test("the plan says method, key, scope and what the document chose")
    func plan() throws {
        var problems = ProblemList(file: nil)
        let weak = step([("keep_prefix", 2), ("small_domain", "permute"), ("allow_weak", true)])
        let transform = try #require(
            Fixture.compile([Fixture.rule("c", [weak])], [Fixture.input("c", .text)], keys: nil, problems: &problems))
        let plan = transform.columns[0].steps[0]
        #expect(
            plan.summary
                == "format_preserving(key: people, scope: card, alphabet: digits, keep_prefix: 2, small_domain: permute)"
        )
        #expect(plan.method == "ff1-aes-256" && plan.key == "people" && plan.scope == "card" && plan.isWeak)
        #expect(plan.effect == .pseudonymise && plan.mapping == .injective && transform.columns[0].isProtected)
    }
}
