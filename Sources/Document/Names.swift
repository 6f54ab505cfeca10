/// The patterns that names in a document follow.
enum Names {
    /// A module's name becomes a folder and a part of URLs.
    static let modulePattern = "a lower-case letter, then letters a-z, digits and -, at most 63 in all"
    static func isModule(_ name: String) -> Bool {
        matches(name, limit: 63, first: isLower, rest: { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") })
    }

    /// A table's name becomes a folder: no slash, not hidden, no option of a command.
    static let tablePattern = "a letter, digit or _, then letters A-Z a-z, digits, _, - and ., at most 128 in all"
    static func isTable(_ name: String) -> Bool {
        matches(
            name, limit: 128, first: isWord,
            rest: { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
    }

    /// Names of sources and keys; no dot, so that `source.schema.table` can be told apart.
    static let labelPattern = "a letter or _, then letters A-Z a-z, digits, _ and -, at most 63 in all"
    static func isLabel(_ name: String) -> Bool {
        matches(
            name, limit: 63, first: { isWord($0) && !isDigit($0) }, rest: { isWord($0) || $0 == UInt8(ascii: "-") })
    }

    static let bucketPattern = "letters a-z, digits, - and ., 3 to 63 in all"
    static func isBucket(_ name: String) -> Bool {
        name.utf8.count >= 3
            && matches(
                name, limit: 63, first: { isLower($0) || isDigit($0) },
                rest: { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
    }

    static func isVariable(_ name: String) -> Bool {
        matches(name, limit: 255, first: { isWord($0) && !isDigit($0) }, rest: isWord)
    }

    private static func matches(
        _ name: String, limit: Int, first: (UInt8) -> Bool, rest: (UInt8) -> Bool
    ) -> Bool {
        guard let head = name.utf8.first, name.utf8.count <= limit else { return false }
        return first(head) && name.utf8.dropFirst().allSatisfy(rest)
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isWord(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || byte == UInt8(ascii: "_")
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}

/// Forms of texts that a document must keep to.
enum TextForms {
    /// Has a scheme, and a host where the scheme wants one: `https://hospital.example`, `urn:isbn:…`.
    static func isAbsoluteURI(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"),
            text.unicodeScalars.allSatisfy({ $0.value > 0x20 && !["<", ">", "\""].contains($0) })
        else { return false }
        let scheme = text[..<colon].utf8
        let rest = text[text.index(after: colon)...]
        guard let first = scheme.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20),
            scheme.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.".utf8.contains(byte)
            })
        else { return false }
        if ["http", "https"].contains(text[..<colon].lowercased()) {
            return rest.hasPrefix("//") && rest.count > 2 && !rest.hasPrefix("///")
        }
        return !rest.isEmpty
    }
}
