/// How deep a JSON text nests, looked at before it is given to a parser that recurses.
package enum JSONNesting {
    /// Whether brackets nest at most `limit` deep. Up to the first error of its syntax this sees strings and brackets as a
    /// parser does; bytes of zero, as UTF-16 has them, are refused.
    package static func isAtMost(_ limit: Int, in text: some Sequence<UInt8>) -> Bool {
        var depth = 0
        var isInText = false
        var isEscaped = false
        for byte in text {
            switch byte {
            case 0: return false
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isInText: isEscaped = true
            case UInt8(ascii: "\""): isInText.toggle()
            case _ where isInText: break
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= limit else { return false }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return true
    }
}
