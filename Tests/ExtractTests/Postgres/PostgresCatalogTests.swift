import Extract
import Model
import TestKit
import Testing

@Suite(
    "PostgreSQL catalogue", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct PostgresCatalogTests {
    @Test("dropped columns are left out, generated ones are not; keys and NOT NULL are told")
    func columns() throws {
        try PostgresScenario.run(
            #"""
            CREATE TABLE "odd ""names""" (id int PRIMARY KEY, gone text, "Mixed Case" varchar(9) NOT NULL,
                code text UNIQUE, a int, b int, UNIQUE (a, b), twice int GENERATED ALWAYS AS (a * 2) STORED,
                "quo""ted" int);
            CREATE UNIQUE INDEX ON "odd ""names""" (a) WHERE b > 0;
            ALTER TABLE "odd ""names""" DROP COLUMN gone;
            INSERT INTO "odd ""names""" VALUES (1, 'x', 'c', 4, 5, DEFAULT, 6);
            """#
        ) { scenario in
            let relation = try scenario.describe("public", "odd \"names\"")
            #expect(relation.kind == .table)
            #expect(relation.columns.map(\.name) == ["id", "Mixed Case", "code", "a", "b", "twice", "quo\"ted"])
            #expect(relation.columns.map(\.isNotNull) == [true, true, false, false, false, false, false])
            #expect(relation.columns.map(\.isUnique) == [true, false, true, false, false, false, false])
            #expect(relation.columns[1].native.description == "character varying(9)")
            let keeper = try scenario.keeper(relation)
            let rows = try scenario.read(relation, keeper.identity, columns: ["quo\"ted", "twice", "Mixed Case"])
            #expect(rows == [["6", "8", "x"]])
        }
    }

    @Test("every kind of type is resolved to what it is made of")
    func types() throws {
        try PostgresScenario.run(
            """
            CREATE EXTENSION citext; CREATE EXTENSION hstore;
            CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy');
            CREATE DOMAIN year AS int CHECK (VALUE > 1900);
            CREATE DOMAIN good_year AS year;
            CREATE TYPE inner_row AS (n numeric(4,1), m mood);
            CREATE TYPE outer_row AS (i inner_row, l text[]);
            CREATE TABLE t (a mood, b good_year, c numeric(10,2)[], d outer_row, e int4range, f nummultirange, g citext,
                h hstore, i year[], j varchar(5));
            """
        ) { scenario in
            let natives = try scenario.describe("public", "t").columns.map { column -> PostgresType in
                guard case .postgres(let type) = column.native else { fatalError("a PostgreSQL type") }
                return type
            }
            guard case .enumeration(_, let labels, "public.mood") = natives[0] else {
                Issue.record("enum")
                return
            }
            #expect(labels == ["sad", "so so", "happy"])
            guard case .domain(_, .domain(_, .scalar(23, "int4", -1, nil, _), _), "public.good_year") = natives[1]
            else {
                Issue.record("domain")
                return
            }
            guard case .array(_, .scalar(1700, "numeric", let typmod, nil, _), "numeric(10,2)[]") = natives[2] else {
                Issue.record("array")
                return
            }
            #expect(typmod == 10 << 16 + 2 + 4 || typmod == (10 << 16 | 2) + 4)
            guard case .composite(_, let fields, _) = natives[3], case .composite(_, let inner, _) = fields[0].type
            else {
                Issue.record("composite")
                return
            }
            #expect(fields.map(\.name) == ["i", "l"] && inner.map(\.name) == ["n", "m"])
            guard case .range(_, isMulti: false, _) = natives[4], case .range(_, isMulti: true, _) = natives[5] else {
                Issue.record("ranges")
                return
            }
            guard case .scalar(_, "citext", _, "citext", _) = natives[6],
                case .scalar(_, "hstore", _, "hstore", _) = natives[7]
            else {
                Issue.record("extension types")
                return
            }
            guard case .array(_, .domain, _) = natives[8] else {
                Issue.record("array of domain")
                return
            }
            #expect(natives[9].name == "character varying(5)")
        }
    }

    @Test("the fingerprint changes with what a mapping depends on, and with nothing else")
    func fingerprint() throws {
        try PostgresScenario.run(
            """
            CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (x int, y mood);
            CREATE TABLE t (a int, b varchar(5), p pair[]);
            """
        ) { scenario in
            func text() throws -> String { try scenario.describe("public", "t").fingerprintText }
            var seen = [try text()]
            try scenario.database.run("INSERT INTO t VALUES (1); ANALYZE t; CREATE INDEX ON t (a)")
            #expect(try text() == seen[0])
            for change in [
                "ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t ALTER b TYPE varchar(6)",
                "ALTER TYPE mood ADD VALUE 'glad'",
                "ALTER TYPE pair ADD ATTRIBUTE z int", "ALTER TABLE t RENAME b TO c",
                "ALTER TABLE t ADD d text COLLATE \"C\"",
            ] {
                try scenario.database.run(change)
                let now = try text()
                #expect(!seen.contains(now), "\(change)")
                seen.append(now)
            }
        }
    }

    @Test("partitions and heirs are listed once each, in order of their names")
    func leaves() throws {
        try PostgresScenario.run(
            """
            CREATE TABLE p (id int, k text) PARTITION BY LIST (k);
            CREATE TABLE p_z PARTITION OF p FOR VALUES IN ('z');
            CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a', 'b') PARTITION BY RANGE (id);
            CREATE TABLE p_a_2 PARTITION OF p_a FOR VALUES FROM (10) TO (20);
            CREATE TABLE p_a_1 PARTITION OF p_a FOR VALUES FROM (0) TO (10);
            INSERT INTO p VALUES (1, 'a'), (11, 'b'), (5, 'z');
            CREATE TABLE base (id int NOT NULL); CREATE TABLE heir (extra text) INHERITS (base);
            CREATE TABLE grandheir (more text) INHERITS (heir);
            INSERT INTO base VALUES (1); INSERT INTO heir VALUES (2); INSERT INTO grandheir VALUES (3);
            CREATE TABLE lonely (id int) PARTITION BY RANGE (id);
            """
        ) { scenario in
            let parted = try scenario.describe("public", "p")
            #expect(parted.kind == .partitioned && parted.leaves.map(\.name) == ["p_a_1", "p_a_2", "p_z"])
            let family = try scenario.describe("public", "base")
            #expect(family.kind == .table && family.leaves.map(\.name) == ["base", "grandheir", "heir"])
            let lonely = try scenario.describe("public", "lonely")
            #expect(PostgresShards.plan(lonely).map(\.piece) == [.query])
            let keeper = try scenario.keeper(parted, family, lonely)
            #expect(try scenario.read(parted, keeper.identity, columns: ["id"]).map { $0[0] } == ["1", "11", "5"])
            #expect(try scenario.read(family, keeper.identity, columns: ["id"]).map { $0[0] } == ["1", "3", "2"])
            #expect(try scenario.read(lonely, keeper.identity, columns: ["id"]) == [])
            // A filter finds the table by its own name, whichever leaf is read.
            let filtered = try scenario.read(parted, keeper.identity, columns: ["id"], filter: "p.id > 4 -- comment")
            #expect(filtered.map { $0[0] } == ["11", "5"])
        }
    }

    @Test("row-level security that would hide rows stops the plan, on the table and on a leaf")
    func rowSecurity() throws {
        try PostgresScenario.run(
            """
            CREATE ROLE etlx_reader LOGIN PASSWORD 'reader';
            CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
            CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
            ALTER TABLE p_1 ENABLE ROW LEVEL SECURITY;
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO etlx_reader;
            """
        ) { scenario in
            defer { _ = try? scenario.database.run("DROP OWNED BY etlx_reader; DROP ROLE etlx_reader") }
            let reader = Secret(scenario.database.url(user: "etlx_reader", password: "reader"), written: "x")
            for (table, subject) in [("t", "public.t"), ("p", "public.p_1")] {
                let error = try #require(try extractError { _ = try scenario.describe("public", table, as: reader) })
                #expect(error.code == .rowSecurity && error.subject == subject && error.remedy != nil)
                // The owner sees all rows.
                #expect(try scenario.describe("public", table).columns.count == 1)
            }
        }
    }

    @Test("a role with some rights reads what it may: columns alone, or a parent without its leaves")
    func partialRights() throws {
        try PostgresScenario.run(
            """
            CREATE ROLE etlx_partial LOGIN PASSWORD 'partial';
            CREATE TABLE t (a int, secret text); INSERT INTO t VALUES (1, 's'); GRANT SELECT (a) ON t TO etlx_partial;
            CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
            INSERT INTO p VALUES (1); GRANT SELECT ON p TO etlx_partial;
            """
        ) { scenario in
            defer { _ = try? scenario.database.run("DROP OWNED BY etlx_partial; DROP ROLE etlx_partial") }
            let partial = PostgresScenario(
                database: scenario.database,
                url: Secret(scenario.database.url(user: "etlx_partial", password: "partial"), written: "x"))
            let parent = try partial.describe("public", "p")
            #expect(PostgresShards.plan(parent).map(\.piece) == [.query])
            let keeper = try partial.keeper(parent)
            #expect(keeper.identity.systemIdentifier == nil || keeper.identity.systemIdentifier != "")
            #expect(try partial.read(parent, keeper.identity, columns: ["a"]) == [["1"]])
        }
    }

    @Test("queries are described without being run; what the server refuses is told by SQLSTATE")
    func queries() throws {
        try PostgresScenario.run("CREATE TABLE t (a numeric(5,2), b text); INSERT INTO t VALUES (1.5, 'x')") {
            scenario in
            var catalog = PostgresCatalog(try scenario.connect())
            let sql = "SELECT a, upper(b) AS name, now() - now() AS span FROM public.t; -- all"
            let relation = try catalog.describe(query: "SELECT a, upper(b) AS name FROM public.t -- all")
            #expect(relation.kind == .query && relation.columns.map(\.name) == ["a", "name"])
            #expect(relation.columns[0].native.description == "numeric(5,2)")
            let keeper = try scenario.keeper(relation)
            #expect(try scenario.read(relation, keeper.identity, columns: ["name", "a"]) == [["X", "1.50"]])
            #expect(
                PostgresSelection(origin: .query("SELECT 1 ; \n"), expressions: ["\"a\""], filter: nil).statement
                    == "SELECT \"a\" FROM (\nSELECT 1\n) AS \"query\"")
            for (sql, state) in [
                ("SELECT nothing FROM public.t", "42703"), ("SELEC", "42601"), ("SELECT * FROM t", "42P01"),
            ] {
                let error = try #require(try extractError { _ = try catalog.describe(query: sql) })
                #expect(error.code == .statementRefused && error.foreignCode == state)
            }
            let doubled = try #require(try extractError { _ = try catalog.describe(query: "SELECT 1 AS a, 2 AS a") })
            #expect(doubled.code == .statementRefused && doubled.reason.contains("\"a\""))
            _ = sql
        }
    }

    @Test("views, and materialized views that were filled, are read; others are refused")
    func views() throws {
        try PostgresScenario.run(
            """
            CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 3);
            CREATE VIEW v AS SELECT a * 2 AS b FROM t;
            CREATE MATERIALIZED VIEW m AS SELECT a * 3 AS c FROM t;
            CREATE MATERIALIZED VIEW hollow AS SELECT a FROM t WITH NO DATA;
            """
        ) { scenario in
            let view = try scenario.describe("public", "v")
            let filled = try scenario.describe("public", "m")
            #expect(view.kind == .view && filled.kind == .materializedView)
            #expect(PostgresShards.plan(view).map(\.piece) == [.query])
            #expect(
                PostgresShards.plan(filled).map(\.piece) == [
                    .blocks(schema: "public", relation: "m", first: 0, limit: nil)
                ])
            let keeper = try scenario.keeper(view, filled)
            #expect(try scenario.read(view, keeper.identity, columns: ["b"]) == [["2"], ["4"], ["6"]])
            #expect(try scenario.read(filled, keeper.identity, columns: ["c"]) == [["3"], ["6"], ["9"]])
            let error = try #require(try extractError { _ = try scenario.describe("public", "hollow") })
            #expect(error.code == .statementRefused && error.remedy?.contains("REFRESH") == true)
            // What a view reads is locked too.
            #expect(throws: (any Error).self) { try scenario.database.run("SET lock_timeout = 100; TRUNCATE t") }
        }
    }

    @Test("a misspelled table or schema is answered by the nearest")
    func nearest() throws {
        try PostgresScenario.run("CREATE TABLE patients (a int)") { scenario in
            let table = try #require(try extractError { _ = try scenario.describe("public", "pateints") })
            #expect(table.remedy == "did you mean \"public.patients\"?")
            let schema = try #require(try extractError { _ = try scenario.describe("pubic", "patients") })
            #expect(schema.remedy == "did you mean schema \"public\"?")
        }
    }
}
