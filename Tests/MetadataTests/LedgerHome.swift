import Foundation
import GRDB
import Model
import TestKit
import Testing

@testable import Metadata

/// A place for one test's ledger, in either database, and another program's way to its tables.
struct LedgerHome: Sendable {
    enum Kind: String, CaseIterable, Sendable { case sqlite, postgres }

    let url: String
    private let outside: PostgresTestDatabase?

    /// Cancels the test, with the reason, where there is no server.
    static func with(_ kind: Kind, _ body: (LedgerHome) throws -> Void) throws {
        switch kind {
        case .sqlite:
            let folder = try TemporaryFolder()
            try body(LedgerHome(url: "sqlite:\(folder.path)/ledger.sqlite", outside: nil))
            withExtendedLifetime(folder) {}
        case .postgres:
            guard let server = PostgresTestServer.shared else {
                try Test.cancel(Comment(rawValue: PostgresTestServer.reasonToSkip))
            }
            try server.withDatabase("ledger") { try body(LedgerHome(url: $0.url, outside: $0)) }
        }
    }

    var path: String { String(url.dropFirst("sqlite:".count)) }

    /// A ledger that does not lead.
    func watch(
        lease: Duration = Limits.ledgerLease, patience: Duration = Limits.ledgerPatience, through other: String? = nil
    ) throws -> Ledger {
        try Ledger(url: Secret(other ?? url, written: "test"), patience: patience, lease: lease)
    }

    /// A ledger that leads.
    func open(
        as holder: String = "first", lease: Duration = Limits.ledgerLease, patience: Duration = Limits.ledgerPatience,
        through other: String? = nil
    ) throws -> Ledger {
        let ledger = try watch(lease: lease, patience: patience, through: other)
        _ = try #require(try ledger.acquire(holder: holder, address: "tcp://\(holder)"))
        return ledger
    }

    /// Runs SQL past the product; nil when the database refuses.
    @discardableResult
    func sql(_ text: String) throws -> String {
        guard let outside else {
            return try DatabaseQueue(path: path).write { database in
                let rows = try Row.fetchAll(database, sql: text)
                return rows.map { $0.databaseValues.map(\.description).joined(separator: "|") }.joined(separator: "\n")
            }
        }
        return try outside.run("SET search_path = etlx_ledger; \(text);").trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    /// Ends all connections to the ledger's database, as an administrator does.
    func terminateConnections() throws {
        _ = try outside?.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    }
}
