package import Model

/// How a connection to a database is guarded on its way, as libpq understands its URL and this process's environment.
package enum PostgresTransport: Sendable, Equatable {
    /// A socket of this machine, or loopback.
    case local
    /// Encrypted, and the server's certificate and name are checked.
    case verified
    /// Anything less: `sslmode` as it holds, and the host.
    case unverified(mode: String, host: String)

    /// Nothing is connected to. nil for a text that is no URL of PostgreSQL.
    package static func of(_ url: Secret) -> PostgresTransport? {
        guard let given = PostgresConnecting.words(of: url) else { return nil }
        let words = PostgresConnecting.standardWords().merging(given) { $1 }
        func word(_ name: String) -> String? { words[name].flatMap { $0.isEmpty ? nil : $0 } }
        let mode = word("sslmode") ?? "prefer"
        // Where both are given the address is dialled and the host only checked against the certificate.
        let dialled = word("hostaddr") ?? word("host")
        // A service's entry, which is read at connecting, may name a host.
        if given["service"]?.isEmpty == false, dialled == nil {
            return mode == "verify-full" ? .verified : .unverified(mode: mode, host: "a service's host")
        }
        guard let dialled, !dialled.hasPrefix("/"), !dialled.hasPrefix("@") else { return .local }
        if LoopbackHost.contains(dialled) { return .local }
        return mode == "verify-full" ? .verified : .unverified(mode: mode, host: word("host") ?? dialled)
    }

    /// Whether rows may go unencrypted: the server decides it, or whoever stands between.
    package var mayBePlain: Bool {
        guard case .unverified(let mode, _) = self else { return false }
        return !["require", "verify-ca"].contains(mode)
    }
}
