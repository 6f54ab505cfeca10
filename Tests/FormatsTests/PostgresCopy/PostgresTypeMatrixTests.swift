import Extract
import Formats
import Foundation
import Model
import TestKit
import Testing

/// Types and edge values that the data sets do not have, against a server.
@Suite(
    "PostgreSQL type matrix", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct PostgresTypeMatrixTests {
    private func publish(_ sql: String, table: String = "t", readAs: [String: ReadAs] = [:]) throws
        -> (outcome: PostgresPublishing.Outcome, text: [[String?]])
    {
        try PostgresTestServer.shared!.withDatabase("matrix") { database in
            try database.run(sql)
            let publishing = PostgresPublishing(database)
            let relation = try publishing.describe(.relation(schema: "public", name: table))
            let keeper = try publishing.keeper([relation])
            defer { keeper.close() }
            return (
                try publishing.publish(relation, in: keeper, readAs: readAs),
                try publishing.copyText(relation, in: keeper)
            )
        }
    }

    /// Values are those of `COPY … (FORMAT text)`.
    private func expectEqual(_ sql: String, readAs: [String: ReadAs] = [:]) throws {
        let (outcome, text) = try publish(sql, readAs: readAs)
        guard case .published(_, let rows, _, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(rows == text)
    }

    /// One column `c` of a type with some values, NULL last.
    private func table(_ type: String, _ values: [String], before: String = "") -> String {
        before + "CREATE TABLE t (n serial, c \(type)); "
            + values.map { "INSERT INTO t (c) VALUES ('\($0)'); " }.joined() + "INSERT INTO t (c) VALUES (NULL);"
    }

    @Test(
        "values are PostgreSQL's own",
        arguments: [
            ("inet", ["10.0.0.1", "10.0.0.1/8", "::1", "::1/64", "::ffff:1.2.3.4", "0.0.0.0/0"]),
            ("inet[]", ["{10.0.0.1,10.0.0.1/8,NULL,::1,::1/64,1.2.3.4/32}", "{}"]),
            ("cidr", ["10.0.0.0/8", "10.1.2.3/32", "::/0", "::1/128"]), ("cidr[]", ["{10.0.0.0/8,10.1.2.0/24}"]),
            ("macaddr", ["08:00:2b:01:02:03"]), ("macaddr8", ["08:00:2b:01:02:03:04:05"]),
            ("interval", ["1 year 2 mons -3 days 04:05:06.789", "-1 days", "0", "100 years"]),
            ("interval[]", ["{1 day,NULL}"]),
            ("timetz", ["12:00:00+02", "24:00:00-15:59"]), ("time(3)", ["12:34:56.789"]), ("bit(3)", ["101"]),
            ("varbit", ["", "10101010101"]),
            ("tsvector", ["''a'':1 ''b'':2A"]), ("int4range", ["[1,5)", "empty", "(,)"]),
            ("nummultirange", ["{[1,2),[5,6)}"]),
            ("daterange[]", ["{\"[2020-01-01,2020-02-01)\",NULL}"]), ("pg_lsn", ["16/B374D848"]),
            ("xid8", ["18446744073709551615"]),
            ("\"char\"", ["a", ""]), ("\"char\"[]", ["{a,NULL}"]), ("bpchar(5)", ["ab", "", "abcde"]), ("name", ["n"]),
            ("xml", ["<a>1</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"]),
            ("jsonb", ["{\"b\": 1, \"a\": [1, 2.50]}", "null"]),
            ("json", ["{ \"b\" :1}"]), ("uuid[]", ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"]),
            ("int2vector", ["1 2 3"]),
            ("bytea[]", ["{\"\\\\x00ff\",NULL}"]), ("numeric(20,4)[]", ["{1.5,-2.25,NULL}"]),
            ("numeric(38,38)", ["0.99999999999999999999999999999999999999"]),
            ("numeric(38,0)", ["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"]),
            ("oid[]", ["{4294967295}"]), ("date[]", ["{0001-01-01,9999-12-31}"]),
            ("timestamptz(0)", ["9999-12-31 23:59:59+00"]),
            ("text[]", ["{\"a,b\",\"NULL\",NULL,\"\",\"q\\\"q\"}"]), ("boolean[]", ["{t,f,NULL}"]),
            ("float8[]", ["{NaN,Infinity,1e-300}"]),
        ])
    func values(_ type: String, _ values: [String]) throws {
        try expectEqual(table(type, values))
    }

    @Test("domains, enums, composites and extension types keep their values")
    func userTypes() throws {
        let types = """
            CREATE EXTENSION citext; CREATE EXTENSION hstore;
            CREATE TYPE mood AS ENUM ('so so', 'ok'); CREATE DOMAIN email AS citext; CREATE DOMAIN points AS int[];
            CREATE TYPE deep AS (span interval, host inet, ok boolean);
            CREATE TYPE person AS (name text, mood mood, deep deep, tags text[]);
            CREATE DOMAIN vip AS person; CREATE TYPE pair AS (a int, b numeric(6,2));
            """
        try expectEqual(table("email", ["A@b.c"], before: types))
        try expectEqual(table("hstore", ["a=>1, b=>NULL"], before: types))
        try expectEqual(table("mood[]", ["{ok,so so,NULL}"], before: types))
        try expectEqual(table("points", ["{1,2}", "{}"], before: types))
        try expectEqual(table("citext[]", ["{A,b}"], before: types))
        try expectEqual(table("pair[]", ["{\"(1,2.50)\",\"(,)\",NULL}"], before: types))
        let people = ["(Ann,ok,\"(1 day,10.0.0.1,t)\",\"{a,b}\")", "(,,,)", "(,,\"(,,)\",)"]
        try expectEqual(table("person", people, before: types))
        try expectEqual(table("vip", people, before: types))
    }

    @Test(
        "special values stop by column and row, become NULL where asked for, and are published as text where cast",
        arguments: [
            ("date", "infinity"), ("date", "0044-03-15 BC"), ("date", "10000-01-01"), ("timestamp", "-infinity"),
            ("timestamptz", "294276-12-31 23:59:59"), ("numeric(5,2)", "NaN"), ("time", "24:00:00"),
            ("int[]", "{{1,2},{3,4}}"),
            ("int[]", "[0:1]={1,2}"), ("date[]", "{infinity}"),
        ])
    func specials(_ type: String, _ value: String) throws {
        let sql = "CREATE TABLE t (n int, c \(type)); INSERT INTO t VALUES (1, NULL), (2, '\(value)');"
        guard case .stopped(let error) = try publish(sql).outcome else {
            Issue.record("not stopped")
            return
        }
        #expect(error.code == .specialValue && error.column == "c" && error.row == 1)
        // The sentences of two of them name the only value that they can mean.
        #expect(!"\(error)".contains(value) || ["NaN", "24:00:00"].contains(value))
        let nulled = try publish(sql, readAs: ["c": ReadAs(nullsSpecials: true)])
        guard case .published(_, let rows, _, _) = nulled.outcome else {
            Issue.record("not nulled")
            return
        }
        #expect(rows == [["1", nil], ["2", type == "date[]" ? "{NULL}" : nil]])
        try expectEqual(sql, readAs: ["c": ReadAs(type: .text)])
    }

    @Test("numerics without precision are read as asked for, and stop where they would be rounded")
    func numerics() throws {
        let sql =
            "CREATE TABLE t (c numeric); INSERT INTO t VALUES (1.5), (NULL), (-0.0000000001), (12345678901234567890);"
        let read = try publish(sql, readAs: ["c": ReadAs(type: .decimal(precision: 38, scale: 10))])
        guard case .published(_, let rows, _, _) = read.outcome else {
            Issue.record("\(read.outcome)")
            return
        }
        #expect(rows == [["1.5000000000"], [nil], ["-0.0000000001"], ["12345678901234567890.0000000000"]])
        let short = try publish(sql, readAs: ["c": ReadAs(type: .decimal(precision: 38, scale: 2))])
        guard case .stopped(let error) = short.outcome else {
            Issue.record("rounded")
            return
        }
        #expect(error.row == 2 && error.reason.contains("rounded"))
        try expectEqual(sql, readAs: ["c": ReadAs(type: .text)])
        let float = try publish(sql, readAs: ["c": ReadAs(type: .float64)])
        guard case .published(_, let floats, _, _) = float.outcome else {
            Issue.record("float64")
            return
        }
        #expect(floats.compactMap { $0[0] } == ["1.5", "-1e-10", "1.2345678901234567e+19"])
    }

    @Test("the list of naughty strings survives byte by byte, as values and as names")
    func naughtyStrings() throws {
        guard let folder = PostgresTestServer.sharedData("naughty-strings") else { return }
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/blns.json"))
        let strings = try JSONDecoder().decode([String].self, from: data).filter { !$0.unicodeScalars.contains("\0") }
        #expect(strings.count > 500)
        let names = strings.filter { !$0.isEmpty && $0.utf8.count < 60 }.prefix(200).enumerated().map {
            PostgresName.quoted("\($0)\($1)".trimmed(toBytes: 63))
        }
        try PostgresTestServer.shared!.withDatabase("naughty") { database in
            try database.run(
                "CREATE TABLE t (n serial, c text);\n"
                    + strings.map { "INSERT INTO t (c) VALUES (\(PostgresName.literal($0)));\n" }.joined()
                    + "CREATE TABLE names (\(names.map { "\($0) int" }.joined(separator: ", "))); INSERT INTO names DEFAULT VALUES;"
            )
            let publishing = PostgresPublishing(database)
            let relations = try ["t", "names"].map { try publishing.describe(.relation(schema: "public", name: $0)) }
            let keeper = try publishing.keeper(relations)
            guard case .published(_, let rows, _, _) = try publishing.publish(relations[0], in: keeper),
                case .published(let found, let nulls, _, _) = try publishing.publish(relations[1], in: keeper)
            else {
                Issue.record("refused")
                return
            }
            // The heap fills in its own order.
            let inOrder = rows.sorted { Int($0[0] ?? "") ?? 0 < Int($1[0] ?? "") ?? 0 }
            for (row, string) in zip(inOrder, strings) { #expect(row[1].map { Array($0.utf8) } == Array(string.utf8)) }
            #expect(rows.count == strings.count)
            #expect(found.map(PostgresName.quoted) == names && nulls == [names.map { _ in nil }])
        }
    }

    @Test("text of a database that checks no encoding is refused where it is not UTF-8")
    func uncheckedEncoding() throws {
        let name = "etlx_ascii_\(ProcessInfo.processInfo.processIdentifier)"
        let server = PostgresTestServer.shared!
        let maintenance = PostgresTestDatabase(name: "", url: server.url.absoluteString)
        try maintenance.run("CREATE DATABASE \"\(name)\" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        defer { _ = try? maintenance.run("DROP DATABASE \"\(name)\" WITH (FORCE)") }
        let database = PostgresTestDatabase(
            name: name, url: server.url.deletingLastPathComponent().appendingPathComponent(name).absoluteString)
        try database.run("CREATE TABLE t (c text); INSERT INTO t VALUES ('fine'), (E'caf\\xe9')")
        let publishing = PostgresPublishing(database)
        let relation = try publishing.describe(.relation(schema: "public", name: "t"))
        // The server looks before it sends; should one not, the decoder does.
        do {
            _ = try publishing.publish(relation, in: try publishing.keeper([relation]))
            Issue.record("published")
        } catch let error as ExtractError {
            #expect(error.code == .statementRefused && error.foreignCode == "22021" && error.reason.contains("UTF-8"))
            #expect(!"\(error)".contains("caf"))
        }
    }

    @Test("a table without columns is refused with the reason")
    func noColumns() throws {
        guard case .refused(let reasons) = try publish("CREATE TABLE t (); INSERT INTO t DEFAULT VALUES;").outcome
        else {
            Issue.record("published")
            return
        }
        #expect(reasons == [PostgresMapping.noColumns.reason])
    }
}

extension String {
    fileprivate func trimmed(toBytes count: Int) -> String {
        var text = self
        while text.utf8.count > count { text.unicodeScalars.removeLast() }
        return text
    }
}
