/// Names of PostgreSQL as SQL takes them: always quoted, so that no name is ever read as something else.
package enum PostgresName {
    /// `odd "name"` as `"odd ""name"""`.
    package static func quoted(_ name: String) -> String {
        var text = "\""
        for scalar in name.unicodeScalars {
            if scalar == "\"" { text += "\"" }
            text.unicodeScalars.append(scalar)
        }
        return text + "\""
    }

    package static func qualified(_ schema: String, _ name: String) -> String {
        quoted(schema) + "." + quoted(name)
    }

    /// A text as an SQL literal, whatever `standard_conforming_strings` says: no backslash is left bare.
    package static func literal(_ text: String) -> String {
        var literal = "'"
        var hasBackslash = false
        for scalar in text.unicodeScalars {
            if scalar == "'" { literal += "'" }
            if scalar == "\\" {
                literal += "\\"
                hasBackslash = true
            }
            literal.unicodeScalars.append(scalar)
        }
        return (hasBackslash ? "E" : "") + literal + "'"
    }
}
