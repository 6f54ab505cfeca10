/// What can be told of a libpq connection text without connecting.
enum ConnectionText {
    /// A URL of PostgreSQL's schemes, or `keyword = value …`.
    static func isKnownForm(_ text: String) -> Bool {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return true }
        let trimmed = text.drop { $0 == " " }
        let word = trimmed.prefix { ("a"..."z").contains($0) || $0 == "_" }
        return !word.isEmpty && trimmed.dropFirst(word.count).first { $0 != " " } == "=" && !text.contains("://")
    }

    /// Whether a connection text, as written, has a password that is no placeholder.
    static func holdsPassword(_ written: String) -> Bool {
        let bare = withoutPlaceholders(written)
        guard let scheme = bare.firstRange(of: "://") else {
            return hasLiteral(after: "password=", in: bare.squeezed, end: [" "])
        }
        let rest = bare[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
            let password = authority[..<at][authority.index(after: colon)...]
            if !password.isEmpty, password != stand { return true }
        }
        return hasLiteral(after: "password=", in: String(rest), end: ["&", "#"])
    }

    /// Stands for a placeholder; no document holds this character.
    private static let stand = "\u{1}"

    /// Placeholders hold `:` and `/` themselves, so they are taken out before looking for those.
    private static func withoutPlaceholders(_ text: String) -> String {
        guard let pieces = try? Placeholders.pieces(of: text) else { return text }
        return pieces.map { if case .literal(let literal) = $0 { literal } else { stand } }.joined()
    }

    private static func hasLiteral(after name: String, in text: String, end: [Character]) -> Bool {
        let lowered = text.lowercased()
        guard let range = lowered.firstRange(of: name) else { return false }
        let value = lowered[range.upperBound...].prefix { !end.contains($0) }.filter { $0 != "'" }
        return !value.isEmpty && value != stand
    }
}

extension String {
    /// Spaces around each `=` taken out.
    fileprivate var squeezed: String {
        split(separator: "=", omittingEmptySubsequences: false).map { part in
            var part = part.drop { $0 == " " }
            while part.last == " " { part = part.dropLast() }
            return String(part)
        }.joined(separator: "=")
    }
}
