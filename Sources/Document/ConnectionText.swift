import Model

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

extension ConnectionText {
    /// Parameters that a connection of a submitted document may have. Others name files of the machine or other places.
    private static let harmless: Set<String> = [
        "dbname", "user", "password", "sslmode", "sslrootcert", "application_name", "fallback_application_name",
        "connect_timeout", "target_session_attrs", "channel_binding", "options", "client_encoding", "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    ]

    /// The servers that libpq would connect to; nil where that depends on the machine's surroundings, and for every text
    /// that is not read here as libpq reads it.
    static func servers(of text: String) -> [DocumentBounds.Endpoint]? {
        for scheme in ["postgresql://", "postgres://"] where text.hasPrefix(scheme) {
            return servers(ofURL: text.dropFirst(scheme.count))
        }
        return servers(ofWords: text)
    }

    /// As `conninfo_uri_parse_options` does: what is before the first `@` ahead of a slash are user and password.
    private static func servers(ofURL text: Substring) -> [DocumentBounds.Endpoint]? {
        var rest = text
        if let at = rest.prefix(while: { $0 != "/" }).firstIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        let hosts = rest.prefix { $0 != "/" && $0 != "?" }
        if let query = rest.firstIndex(of: "?") {
            for pair in rest[rest.index(after: query)...].split(separator: "&", omittingEmptySubsequences: false) {
                guard harmless.contains(String(pair.prefix { $0 != "=" })) else { return nil }
            }
        }
        var servers: [DocumentBounds.Endpoint] = []
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            guard let server = DocumentBounds.Endpoint("postgresql://" + host) else { return nil }
            servers.append(server)
        }
        return servers
    }

    /// `keyword = value …` as `conninfo_parse` reads it, without escapes outside of quotes.
    private static func servers(ofWords text: String) -> [DocumentBounds.Endpoint]? {
        var values: [String: String] = [:]
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard !rest.isEmpty else { break }
            let name = rest.prefix { $0 != "=" && !$0.isWhitespace }
            rest = rest.dropFirst(name.count).drop { $0.isWhitespace }
            guard rest.popFirst() == "=" else { return nil }
            rest = rest.drop { $0.isWhitespace }
            var value = ""
            if rest.first == "'" {
                rest = rest.dropFirst()
                var isClosed = false
                while let character = rest.popFirst() {
                    if character == "'" {
                        isClosed = true
                        break
                    }
                    if character == "\\" { rest.popFirst().map { value.append($0) } } else { value.append(character) }
                }
                guard isClosed else { return nil }
            } else {
                value = String(rest.prefix { !$0.isWhitespace })
                rest = rest.dropFirst(value.count)
                guard !value.contains("\\") else { return nil }
            }
            guard values.updateValue(value, forKey: String(name)) == nil,
                harmless.contains(String(name)) || ["host", "hostaddr", "port"].contains(String(name))
            else { return nil }
        }
        guard let hosts = values["hostaddr"] ?? values["host"] else { return nil }
        let names = hosts.split(separator: ",", omittingEmptySubsequences: false)
        let ports = (values["port"] ?? "5432").split(separator: ",", omittingEmptySubsequences: false)
        guard ports.count == 1 || ports.count == names.count else { return nil }
        var servers: [DocumentBounds.Endpoint] = []
        for (index, name) in names.enumerated() {
            let host = name.contains(":") ? "[\(name)]" : String(name)
            guard let server = DocumentBounds.Endpoint("postgresql://\(host):\(ports[ports.count == 1 ? 0 : index])")
            else { return nil }
            servers.append(server)
        }
        return servers
    }
}
