import Foundation
import Model
import Postgres
import TestKit
import Testing

@Suite("a PostgreSQL session")
struct PostgresSessionTests {
    @Test("the SQLSTATE at the end of a connection's message is found, and nothing else is taken for one")
    func stateInMessage() {
        func state(_ message: String) -> String? { PostgresError.state(inConnectionMessage: message) }
        #expect(state("connection to server at \"h\" (1.2.3.4), port 5 failed: FATAL:  28P01\n") == "28P01")
        #expect(state("connection to server failed: Connection refused\n\tIs the server running?\n") == nil)
        #expect(state("FATAL: HELLO") == nil)
        #expect(state("") == nil)
    }

    @Test("a location names host, port and database, and no secret")
    func location() {
        func location(_ url: String) -> String { PostgresPlace.location(of: Secret(url, written: "${env:URL}")) }
        #expect(location("postgresql://u:hunter2@db.example:6432/lake?sslmode=require") == "postgresql://db.example:6432/lake")
        #expect(location("host=/run/pg user=u password=x dbname=d port=5433") == "postgresql://%2Frun%2Fpg:5433/d")
        #expect(location("postgres://u:hunter2@[oops/db") == "postgresql://")
    }

    @Test(
        "texts, bytes and nulls go there and back", .enabled(if: PostgresTestServer.shared != nil, "ETL_TEST_PG is not set"))
    func values() throws {
        try PostgresTestServer.shared?.withDatabase("session") { database in
            let session = try PostgresSession(url: Secret(database.url, written: "test"))
            let bytes = [UInt8](0...255)
            let found = try session.bytes(
                "SELECT $1::pg_catalog.bytea, $2::pg_catalog.text, NULL", values: [.bytes(bytes), .text("ä")])
            #expect(found[0][0] == bytes && found[0][1] == Array("ä".utf8) && found[0][2] == nil)
            #expect(throws: PostgresError.self) { try session.execute("SELECT 1/0") }
            #expect(session.isAlive && session.isIdle)
        }
    }
}
