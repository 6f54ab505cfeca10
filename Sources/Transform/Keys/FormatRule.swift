internal import CKernels
internal import Model

/// What format-preserving encryption does to a value's characters, without the key.
struct FormatRule: Sendable, Equatable {
    enum CheckDigit: String, CaseIterable, Sendable {
        /// ISO/IEC 7812-1: the last character that is not kept makes the whole a Luhn number.
        case luhn
        /// ISO 13616: the third and fourth character are the check digits of an IBAN.
        case mod97
    }

    /// The characters that are encrypted, ASCII, in the order of their digits.
    var alphabet: [UInt8]
    var tweak: [UInt8]
    /// Characters that stay at either end, separators not counted.
    var keepPrefix = 0
    var keepSuffix = 0
    /// Characters that keep their places, ASCII.
    var separators: [UInt8] = []
    var checkDigit: CheckDigit?
    /// Whether domains below a million values are permuted by a table.
    var permutesSmallDomains = false
    /// Whether domains below a hundred values are permuted too.
    var permutesTinyDomains = false

    var radix: Int { alphabet.count }

    /// The least number of characters that SP 800-38G lets FF1 encrypt: radix ^ characters is at least 1,000,000.
    var shortestForFF1: Int { characters(forDomain: Int(KERNEL_FF1_LEAST_DOMAIN)) }

    /// The least number of characters that are taken at all.
    var least: Int {
        if !permutesSmallDomains { return shortestForFF1 }
        return permutesTinyDomains ? 1 : characters(forDomain: 100)
    }

    private func characters(forDomain domain: Int) -> Int {
        var count = 0
        var size = 1
        while size < domain {
            size *= radix
            count += 1
        }
        return count
    }

    /// A kernel's tables for this rule, or nil when alphabet and separators overlap or are not ASCII.
    func withKernelFormat(_ target: UnsafeMutableRawBufferPointer) -> Bool {
        let check =
            switch checkDigit {
            case nil: KERNEL_FORMAT_UNCHECKED
            case .luhn: KERNEL_FORMAT_LUHN
            case .mod97: KERNEL_FORMAT_MOD97
            }
        return unsafe kernel_format_make(
            target.baseAddress!.assumingMemoryBound(to: kernel_format.self), alphabet, radix, separators,
            separators.count,
            UInt32(keepPrefix), UInt32(keepSuffix), UInt32(least), UInt32(KERNEL_FF1_LONGEST), UInt32(check))
    }
}

/// The alphabets that have a name.
enum FormatAlphabet: String, CaseIterable, Sendable {
    case digits, hex, lower, upper, letters, alphanumeric

    var characters: String {
        switch self {
        case .digits: "0123456789"
        case .hex: "0123456789abcdef"
        case .lower: "abcdefghijklmnopqrstuvwxyz"
        case .upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        case .letters: FormatAlphabet.upper.characters + FormatAlphabet.lower.characters
        case .alphanumeric: FormatAlphabet.digits.characters + FormatAlphabet.letters.characters
        }
    }

    static let defaultSeparators = " -()+./"
}
