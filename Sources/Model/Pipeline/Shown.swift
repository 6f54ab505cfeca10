extension String {
    /// The text as a message may quote it: control characters escaped, at most `limit` characters, `…` where it was cut.
    ///
    /// A terminal must not act on what a document holds, and one bad line must not fill the screen.
    package func shown(limit: Int = 60) -> String {
        var out = ""
        for (index, character) in self.enumerated() {
            if index == limit { return out + "…" }
            for scalar in character.unicodeScalars {
                switch scalar {
                case "\n": out += "\\n"
                case "\r": out += "\\r"
                case "\t": out += "\\t"
                default:
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                        out += "\\u{\(String(scalar.value, radix: 16))}"
                    default: out.unicodeScalars.append(scalar)
                    }
                }
            }
        }
        return out
    }
}
