internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let formatPreserving = Verb(
        "format_preserving", .pseudonymise, .pseudonymise, .injective, accepts: [.text], elementwise: true,
        result: "text",
        form: .mapping,
        parameters: [
            .init("key", required: true, "the name of a key"),
            .init("scope", required: true, "equal values of one scope get equal replacements"),
            .init(
                "alphabet", required: true,
                "digits, hex, lower, upper, letters, alphanumeric, or the characters themselves, ASCII, each once"),
            .init("tweak", default: "the scope", "a text that tells columns of one scope apart, at most 256 bytes"),
            .init("keep_prefix", default: "0; 4 with mod97", "characters that stay in front, separators not counted"),
            .init("keep_suffix", default: "0", "characters that stay at the end, separators not counted"),
            .init(
                "separators", default: "space - ( ) + . / for digits, none for others",
                "characters that keep their places"),
            .init("check_digit", default: "none", "luhn or mod97: check digits are recomputed"),
            .init("small_domain", default: "none", "permute: short values are taken too"),
            .onFailure, .allowWeak,
        ]
    ) { FormatPreservingStep.read(&$0) }
}

/// Replaces each value by one of the same length, alphabet and punctuation: AES-256-FF1.
///
/// - Shape: row *i* depends on row *i* and the key only; different values stay different.
/// - Nulls and empty texts: stay.
/// - Throws: `outsideAlphabet`, `domainTooSmall`, `tooLong`, `wrongCheckDigit`.
/// - Source: NIST SP 800-38G (FF1), with the least domain of its revision 1, second draft; `SmallDomains` below that.
struct FormatPreservingStep: UsesKey, ShowsLastCharacters {
    enum SmallDomain: String, CaseIterable, Sendable { case permute }

    let key: KeyReference
    let scope: String
    let rule: FormatRule
    let onFailure: OnFailure
    /// What the document says beside key and scope, for the summary.
    private let words: [(String, String)]

    var keyReference: KeyReference? { key }
    var showsLastCharacters: Bool { rule.keepSuffix > 0 }

    static func read(_ arguments: inout Arguments) -> FormatPreservingStep? {
        let key = arguments.text("key").map { [position = arguments.position("key")] in
            KeyReference(text: $0, position: position)
        }
        let scope = arguments.scope("scope")
        let check = arguments.choice("check_digit", FormatRule.CheckDigit.self)
        let permutes = arguments.choice("small_domain", SmallDomain.self) != nil
        let onFailure = arguments.onFailure()
        let tweak = arguments.text("tweak")
        if let tweak, tweak.utf8.count > Int(KERNEL_FF1_TWEAK_BYTES) {
            arguments.refuse("tweak", expected: "at most \(KERNEL_FF1_TWEAK_BYTES) bytes")
        }
        guard let (alphabet, separators) = characters(&arguments, check) else { return nil }
        let least: Int64 = check == .mod97 ? 4 : 0
        let longest = Int64(KERNEL_FF1_LONGEST)
        let keepPrefix = arguments.integer("keep_prefix", in: least...longest) ?? least
        let keepSuffix = arguments.integer("keep_suffix", in: 0...longest) ?? 0
        guard let key, let scope else { return nil }
        let rule = FormatRule(
            alphabet: alphabet, tweak: Array((tweak ?? scope).utf8), keepPrefix: Int(keepPrefix),
            keepSuffix: Int(keepSuffix), separators: separators, checkDigit: check, permutesSmallDomains: permutes,
            permutesTinyDomains: permutes && arguments.allowsWeak())
        let words = ["alphabet", "tweak", "keep_prefix", "keep_suffix", "separators", "check_digit", "small_domain"]
            .compactMap { name in arguments.node(name)?.written.map { (name, $0) } }
        return FormatPreservingStep(key: key, scope: scope, rule: rule, onFailure: onFailure, words: words)
    }

    /// Alphabet and separators; nil after a problem.
    private static func characters(
        _ arguments: inout Arguments, _ check: FormatRule.CheckDigit?
    ) -> (alphabet: [UInt8], separators: [UInt8])? {
        guard let text = arguments.text("alphabet") else { return nil }
        let named = FormatAlphabet(rawValue: text)
        let names = FormatAlphabet.allCases.map(\.rawValue)
        if named == nil, NearestWord.find(text, among: names) != nil {
            // `digit` is a misspelt name, not an alphabet of its four letters.
            arguments.problems.unknownWord(
                text, kind: "alphabet of format_preserving", at: arguments.position("alphabet"), among: names)
            return nil
        }
        let alphabet = Array((named?.characters ?? text).utf8)
        guard alphabet.count >= 2, alphabet.allSatisfy(isPrintable), Set(alphabet).count == alphabet.count else {
            arguments.refuse(
                "alphabet", expected: "one of \(names.joined(separator: ", ")), or 2 to 95 ASCII characters, each once")
            return nil
        }
        let digits = Set(FormatAlphabet.digits.characters.utf8)
        switch check {
        case .luhn where Set(alphabet) != digits:
            arguments.refuse("check_digit", expected: "luhn with the alphabet digits")
            return nil
        case .mod97 where !Set(alphabet).isSubset(of: digits.union(FormatAlphabet.upper.characters.utf8)):
            arguments.refuse("check_digit", expected: "mod97 with an alphabet of digits and upper-case letters")
            return nil
        default: break
        }
        let standard = Set(alphabet) == digits ? FormatAlphabet.defaultSeparators : ""
        let separators = Array((arguments.text("separators") ?? standard).utf8)
        guard separators.allSatisfy(isPrintable), Set(separators).isDisjoint(with: alphabet) else {
            arguments.refuse("separators", expected: "ASCII characters that are not of the alphabet")
            return nil
        }
        if check != nil, separators.contains(where: isLetterOrDigit) {
            arguments.refuse("separators", expected: "no letters and digits beside check_digit")
            return nil
        }
        return (alphabet, separators)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        FormatAlphabet.alphanumeric.characters.utf8.contains(byte)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let plan = context.plan(
            [("key", key.text), ("scope", scope)] + words, key: key.text, scope: scope,
            method: "ff1-aes-256", isWeak: rule.permutesTinyDomains)
        return CompiledStep(
            type: .text, plan: plan,
            FormatPreservingOperation(
                cipher: context.keys?[key.text].map { FormatCipher(rule, key: $0, scope: scope) }, onFailure: onFailure)
        )
    }
}

private struct FormatPreservingOperation: ColumnOperation {
    /// nil when compiled without keys; such a transform is never applied.
    let cipher: FormatCipher?
    let onFailure: OnFailure

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard let cipher else { preconditionFailure("a transform that is applied was compiled with its keys") }
        let result = cipher.apply(.encrypt, to: column)
        var log = FailureLog(onFailure)
        for failure in result.failures { try log.fail(failure.code, row: failure.row) }
        return Outcome(result.column, nulled: log.nulled, dropped: log.dropped)
    }
}
