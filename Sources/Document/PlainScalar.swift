import Model

/// What an unquoted scalar is. Stricter than YAML 1.1 on purpose, so that data stays what is written:
///
/// - nothing, `~`, `null`: null;
/// - `true`, `false` (also `True`, `TRUE`, …): booleans. `no`, `NO`, `yes`, `on`, `off`, `y`, `n` are text;
/// - `12`, `-3`: integers; `0.5`, `-3.25`: numbers. `012`, `1_000`, `1e3`, `0x1F`, `1:30`, `+36`, `.inf` are text.
///
/// Where a number or a boolean is asked for, such a text is refused with a hint; nowhere is it silently converted.
enum PlainScalar {
    static func kind(of text: String) -> Node.Scalar.Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE", "false", "False", "FALSE": .boolean
        default: numberKind(of: text) ?? .text
        }
    }

    private static func numberKind(of text: String) -> Node.Scalar.Kind? {
        var digits = text.utf8[...]
        if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) }),
            parts[0].count == 1 || parts[0].first != UInt8(ascii: "0")
        else { return nil }
        return parts.count == 1 ? .integer : .number
    }

    /// What a text that is no boolean was most likely meant to be, or nil.
    static func booleanHint(for text: String) -> String? {
        switch text.lowercased() {
        case "yes", "y", "on", "1", "true": "write true"
        case "no", "n", "off", "0", "false": "write false"
        default: nil
        }
    }

    /// What to do about a text that looks like a number and is none, or nil.
    static func numberHint(for text: String) -> String? {
        guard let first = text.utf8.first(where: { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) || first == UInt8(ascii: ".")
        else { return nil }
        return "write a plain decimal number, unquoted: no leading zero, no +, _, exponent or 0x"
    }
}
