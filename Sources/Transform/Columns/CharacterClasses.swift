internal import CKernels

/// What a character becomes when only its class is shown: `X`, `x` or `9`, or nothing else than itself.
///
/// A character outside ASCII that is not known to carry no letter or digit is hidden: symbols include circled letters, format
/// characters include a whole invisible alphabet.
enum CharacterClasses {
    /// For each Unicode scalar below U+20000 the byte that it becomes, 0 where it stays; made once a process, some
    /// milliseconds.
    static let table: [UInt8] = (0..<UInt32(KERNEL_MASK_CLASSES)).map { number in
        Unicode.Scalar(number).map(replacement) ?? UInt8(ascii: "x")
    }

    private static func replacement(of scalar: Unicode.Scalar) -> UInt8 {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: UInt8(ascii: "X")
        case .decimalNumber, .letterNumber, .otherNumber: UInt8(ascii: "9")
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .spaceSeparator, .lineSeparator,
            .paragraphSeparator:
            0
        default: scalar.isASCII ? (scalar.properties.isAlphabetic ? UInt8(ascii: "x") : 0) : UInt8(ascii: "x")
        }
    }
}
