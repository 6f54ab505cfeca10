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
        #expect(
            location("postgresql://u:hunter2@db.example:6432/lake?sslmode=require")
                == "postgresql://db.example:6432/lake")
        #expect(location("host=/run/pg user=u password=x dbname=d port=5433") == "postgresql://%2Frun%2Fpg:5433/d")
        #expect(location("postgres://u:hunter2@[oops/db") == "postgresql://")
    }

    @Test(
        "a connection is local, verified, or what sslmode says, as libpq reads its URL",
        arguments: [
            ("postgresql://u@127.0.0.1/d", .local), ("postgresql://u@localhost:6432/d?sslmode=disable", .local),
            ("postgresql://u@[::1]/d", .local), ("postgresql://u@%2Frun%2Fpg/d", .local), ("postgresql:///d", .local),
            ("host=/run/pg dbname=d", .local), ("host=127.9.9.9 dbname=d", .local),
            ("postgresql://u@db.example/d?sslmode=verify-full", .verified),
            ("host='db.example' sslmode='verify-full'", .verified),
            ("postgresql://u@db.example/d", .unverified(mode: "prefer", host: "db.example")),
            ("postgresql://u@db.example/d?sslmode=", .unverified(mode: "prefer", host: "db.example")),
            ("postgresql://u@db.example/d?sslmode=require", .unverified(mode: "require", host: "db.example")),
            ("postgresql://u@db.example/d?sslmode=verify-ca", .unverified(mode: "verify-ca", host: "db.example")),
            ("postgresql://u@db.example/d?sslmode=disable", .unverified(mode: "disable", host: "db.example")),
            // What is dialled decides, not the name that goes with it.
            ("host=localhost hostaddr=192.0.2.1", .unverified(mode: "prefer", host: "localhost")),
            ("postgresql://u@localhost/d?hostaddr=192.0.2.1", .unverified(mode: "prefer", host: "localhost")),
            ("postgresql:///d?host=db.example", .unverified(mode: "prefer", host: "db.example")),
            ("postgresql://u@127.0.0.1.example/d", .unverified(mode: "prefer", host: "127.0.0.1.example")),
            ("postgresql://u@127.0.0.256/d", .unverified(mode: "prefer", host: "127.0.0.256")),
            ("service=hospital", .unverified(mode: "prefer", host: "a service's host")),
        ] as [(String, PostgresTransport)])
    func transport(_ url: String, _ wanted: PostgresTransport) {
        #expect(PostgresTransport.of(Secret(url, written: "test")) == wanted)
    }

    @Test(
        "texts, bytes and nulls go there and back",
        .enabled(if: PostgresTestServer.shared != nil, "ETL_TEST_PG is not set"))
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

    private static let silence = Duration.seconds(10)

    @Test(
        "a pipeline's statements are answered in order, prepared once, and one transaction",
        .enabled(if: PostgresTestServer.shared != nil, "ETL_TEST_PG is not set"))
    func pipeline() throws {
        try PostgresTestServer.shared?.withDatabase("pipeline") { database in
            let session = try PostgresSession(url: Secret(database.url, written: "test"))
            try session.execute("CREATE TABLE public.t (n BIGINT PRIMARY KEY, s TEXT, b BYTEA)")
            let insert = "INSERT INTO public.t VALUES ($1, $2, $3)"
            var statements = (0..<500).map { number in
                PostgresStatement(
                    insert,
                    [.number(number), .text(number == 0 ? nil : "ä\(number)"), .bytes(number == 1 ? nil : [0, 255])])
            }
            statements.append(PostgresStatement("SELECT n, s, b FROM public.t WHERE n < $1 ORDER BY n", [.number(3)]))
            statements.append(PostgresStatement("UPDATE public.t SET s = '' WHERE n >= 400", isPrepared: false))
            let first = try session.pipeline(statements, silence: Self.silence)
            #expect(first.failure == nil && first.answers.count == 502)
            #expect(first.answers[500].rows == [["0", nil, "\\x00ff"], ["1", "ä1", nil], ["2", "ä2", "\\x00ff"]])
            #expect(first.answers[501].count == 100)
            #expect(try session.query("SELECT count(*) FROM pg_prepared_statements") == [["2"]])

            // The second fails: the first is undone with it, the third is not run, and the session goes on.
            let wrong = [1000, 1, 1001].map { PostgresStatement(insert, [.number($0), .text("x"), .bytes([])]) }
            let second = try session.pipeline(wrong, silence: Self.silence)
            #expect(second.failure?.state == "23505" && second.answers.count == 1)
            #expect(try session.query("SELECT count(*) FROM public.t") == [["500"]])
            let zero = try session.pipeline(
                [PostgresStatement(insert, [.number(2000), .text("a\0b"), .bytes([])])], silence: Self.silence)
            #expect(zero.failure?.state == "22021")
            #expect(session.isAlive && session.isIdle)
        }
    }

    @Test(
        "a pipeline larger than what the kernel buffers goes there and back",
        .enabled(if: PostgresTestServer.shared != nil, "ETL_TEST_PG is not set"))
    func largePipeline() throws {
        try PostgresTestServer.shared?.withDatabase("pipeline") { database in
            let session = try PostgresSession(url: Secret(database.url, written: "test"))
            let text = String(repeating: "x", count: 1 << 20)
            let answers = try session.pipeline(
                (0..<16).map { PostgresStatement("SELECT $1 || $2", [.text(text), .text("\($0)")]) },
                silence: Self.silence)
            #expect(
                answers.answers.enumerated().allSatisfy { $1.rows == [[text + "\($0)"]] } && answers.answers.count == 16
            )
        }
    }

    @Test(
        "a server that falls silent, and one that ends the session, are lost connections",
        .enabled(if: PostgresTestServer.shared != nil, "ETL_TEST_PG is not set"))
    func lostPipeline() throws {
        try PostgresTestServer.shared?.withDatabase("pipeline") { database in
            let silent = try PostgresSession(url: Secret(database.url, written: "test"))
            let tooLong = #expect(throws: PostgresError.self) {
                try silent.pipeline([PostgresStatement("SELECT pg_sleep(5)")], silence: .milliseconds(50))
            }
            #expect(tooLong?.isConnectionLost == true)
            let ended = try PostgresSession(url: Secret(database.url, written: "test"))
            let lost = #expect(throws: PostgresError.self) {
                try ended.pipeline(
                    [
                        PostgresStatement("SELECT pg_terminate_backend(pg_backend_pid())"),
                        PostgresStatement("SELECT 1"),
                    ],
                    silence: Self.silence)
            }
            #expect(lost?.isConnectionLost == true)
            #expect(throws: PostgresError.self) {
                try ended.pipeline([PostgresStatement("SELECT 1")], silence: Self.silence)
            }
        }
    }
}
