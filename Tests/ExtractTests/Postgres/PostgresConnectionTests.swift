import Foundation
import Model
import Postgres
import TestKit
import Testing

@testable import Extract

@Suite("PostgreSQL connections")
struct PostgresConnectionTests {
    private func failure(_ url: String) throws -> ExtractError? {
        try extractError {
            _ = try PostgresConnection(
                source: "hospital", url: Secret(url, written: "${env:URL}"), timeout: .seconds(5))
        }
    }

    @Test("a URL of several hosts is refused before anything is sent")
    func severalHosts() throws {
        for url in ["postgres://u:p@a,b/d", "host=a,b", "postgres://u:p@a:1,b:2/d", "host=a port=1,2"] {
            let error = try #require(try failure(url))
            #expect(error.code == .notPermitted && error.reason.contains("several hosts"))
        }
    }

    @Test("a URL that is none is refused without being quoted")
    func brokenURL() throws {
        let error = try #require(try failure("postgres://user:hunter2@[oops/db"))
        #expect(error.code == .notPermitted)
        #expect(!"\(error)".contains("hunter2") && !"\(error)".contains("oops"))
    }

    @Test("a server that is not there is unreachable, by host and port")
    func unreachable() throws {
        let error = try #require(try failure("postgres://user:hunter2@127.0.0.1:1/db"))
        #expect(error.code == .unreachable && error.disposition == .retry)
        #expect(error.reason == "no connection to 127.0.0.1:1")
        #expect(error.foreignCode == nil && !"\(error)".contains("hunter2"))
    }

    @Test("a server older than 14 is refused, with the reason")
    func oldServer() throws {
        let error = PostgresFailure.error(
            PostgresError(.oldServer, place: "h:1"), source: "s", subject: nil, doing: .connecting)
        #expect(error.code == .notPermitted && error.disposition == .failRun && error.reason.contains("PostgreSQL 14"))
    }

    @Test("names and literals are quoted so that nothing in them is read as SQL")
    func quoting() {
        #expect(PostgresName.quoted("odd \"names\"") == "\"odd \"\"names\"\"\"")
        #expect(PostgresName.qualified("a.b", "") == "\"a.b\".\"\"")
        #expect(PostgresName.literal("it's") == "'it''s'")
        #expect(PostgresName.literal("a\\b") == "E'a\\\\b'")
    }
}

@Suite(
    "PostgreSQL connections to a server", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct PostgresServerConnectionTests {
    /// Nothing that the server wrote, and no secret.
    private func expectNoForeignText(_ error: ExtractError, _ secrets: String...) {
        let text = "\(error)"
        for word in ["FATAL", "ERROR", "password authentication", "does not exist", "permission denied"] + secrets {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test("a wrong password, a missing database and a missing table are told apart, without the server's words")
    func refusals() throws {
        try PostgresScenario.run("CREATE ROLE etlx_nobody LOGIN PASSWORD 'right'; CREATE TABLE t (a int)") { scenario in
            defer { _ = try? scenario.database.run("DROP OWNED BY etlx_nobody; DROP ROLE etlx_nobody") }
            func failure(_ url: String) throws -> ExtractError {
                try #require(try extractError { _ = try scenario.connect(Secret(url, written: "x")) })
            }
            let wrong = try failure(scenario.database.url(user: "etlx_nobody", password: "hunter2"))
            #expect(wrong.code == .notPermitted && wrong.foreignCode == "28P01")
            expectNoForeignText(wrong, "hunter2", "etlx_nobody")

            let none = try failure(
                scenario.database.url.replacingOccurrences(of: scenario.database.name, with: "no_such_place"))
            #expect(none.code == .notFound && none.foreignCode == "3D000")
            expectNoForeignText(none, "no_such_place")

            let table = try #require(try extractError { _ = try scenario.describe("public", "nothing") })
            #expect(table.code == .notFound && table.subject == "public.nothing")

            let right = Secret(scenario.database.url(user: "etlx_nobody", password: "right"), written: "x")
            let forbidden = try #require(try extractError { _ = try scenario.describe("public", "t", as: right) })
            #expect(forbidden.code == .notPermitted && forbidden.subject == "public.t")
            expectNoForeignText(forbidden)
        }
    }

    @Test("a value that makes a statement fail is not quoted")
    func dataException() throws {
        try PostgresScenario.run("CREATE TABLE t (a text); INSERT INTO t VALUES ('patient zero')") { scenario in
            let relation = try scenario.describe("public", "t")
            let keeper = try scenario.keeper(relation)
            let error = try #require(
                try extractError {
                    _ = try scenario.read(relation, keeper.identity, columns: ["a"], filter: "a::int > 0")
                })
            #expect(error.code == .statementRefused && error.foreignCode == "22P02" && error.subject == "public.t")
            #expect(!"\(error)".contains("patient"))
        }
    }
}
