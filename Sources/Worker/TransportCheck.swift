package import Model
internal import Postgres

/// Whether what a document reads and publishes travels guarded: databases by their `sslmode`, buckets by their endpoints.
///
/// Sockets and loopback are exempt. Nothing is connected to.
package struct TransportCheck {
    private let environment: [String: String]

    package init(environment: [String: String]) { self.environment = environment }

    func check(_ pipeline: Pipeline, into list: inout ProblemList) {
        for source in pipeline.sources {
            let what = "the source \"\(source.name)\""
            switch source.kind {
            case .postgres(let url):
                checkDatabase(url, what, source.allowsUnverifiedTLS, source.position, &list)
            case .csv(let files) where files.path.hasPrefix("s3://"):
                checkEndpoints(files.connection, what, source.position, &list)
            case .csv: break
            }
        }
        check(pipeline.target, into: &list)
    }

    func check(_ target: TargetSpec, into list: inout ProblemList) {
        switch target.place {
        case .directory: break
        case .postgres(let database):
            checkDatabase(database.url, "the target", database.allowsUnverifiedTLS, target.position, &list)
        case .s3(let bucket):
            checkEndpoints(bucket.connection, "the target", target.position, &list)
            if let claims = bucket.claims {
                checkDatabase(claims, "the database of claims", bucket.allowsUnverifiedTLS, target.position, &list)
            }
        }
    }

    private func checkDatabase(
        _ url: Secret, _ what: String, _ isAllowed: Bool, _ position: Position, _ list: inout ProblemList
    ) {
        guard let transport = PostgresTransport.of(url), case .unverified(let mode, let host) = transport else {
            return
        }
        let found = "\(what): sslmode=\(mode) for \(host): \(Self.meaning(transport))"
        if !isAllowed {
            list.error(
                position, found: found, expected: "sslmode=verify-full, with sslrootcert for an authority of your own",
                remedy: "or say allow_unverified_tls: true beside its URL")
        } else if transport.mayBePlain {
            list.warning(position, found: found, expected: "sslmode=verify-full, or sslmode=require at least")
        }
    }

    private func checkEndpoints(
        _ connection: S3ConnectionSpec, _ what: String, _ position: Position, _ list: inout ProblemList
    ) {
        for host in plainEndpoints(connection.endpoints) {
            list.warning(
                position, found: "\(what): http://\(host): rows go unencrypted, and nobody checks who answers",
                expected: "https://")
        }
    }

    /// Hosts that are spoken to in the clear, off loopback; without endpoints, those that the environment names.
    private func plainEndpoints(_ endpoints: [String]) -> [String] {
        let named = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].compactMap { environment[$0] }.first { !$0.isEmpty }
        return (endpoints.isEmpty ? named.map { [$0] } ?? [] : endpoints).compactMap { endpoint in
            guard endpoint.lowercased().hasPrefix("http://") else { return nil }
            // No user and no path: they may hold a password.
            let authority = endpoint.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
            let host = place.hasPrefix("[") ? place.prefix { $0 != "]" } + "]" : place.prefix { $0 != ":" }
            return LoopbackHost.contains(String(host)) ? nil : String(place)
        }
    }

    private static func meaning(_ transport: PostgresTransport) -> String {
        (transport.mayBePlain ? "rows may go unencrypted, and " : "") + "nobody checks who answers"
    }

    /// Of a database or bucket that no document names: a warning, or nil.
    package func warning(_ what: String, database url: Secret) -> String? {
        guard let transport = PostgresTransport.of(url), case .unverified(let mode, let host) = transport else {
            return nil
        }
        return "\(what): sslmode=\(mode) for \(host): \(Self.meaning(transport)); use sslmode=verify-full"
    }

    package func bucketWarning(_ what: String) -> String? {
        plainEndpoints([]).first.map {
            "\(what): http://\($0): rows go unencrypted, and nobody checks who answers; use https://"
        }
    }
}
