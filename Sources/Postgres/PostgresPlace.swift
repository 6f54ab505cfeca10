package import Model

/// A database as people and metadata name it.
package enum PostgresPlace {
    /// `postgresql://host:port/database`: no user, no password, no options. What the URL leaves out is what libpq takes.
    ///
    /// Nothing is connected to. A text that is no URL of PostgreSQL gives `postgresql://`.
    package static func location(of url: Secret) -> String {
        guard let given = PostgresConnecting.words(of: url) else { return "postgresql://" }
        let words = PostgresConnecting.standardWords().merging(given) { $1 }
        func word(_ name: String) -> String? { words[name].flatMap { $0.isEmpty ? nil : $0 } }
        let host = word("host") ?? word("hostaddr") ?? "localhost"
        // A folder of sockets is written as URLs write it.
        let shown = host.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F")
        let database = word("dbname") ?? word("user") ?? ""
        return "postgresql://\(shown):\(word("port") ?? "5432")/\(database)"
    }
}
