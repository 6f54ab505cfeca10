import Extract
import Model
import TestKit
import Testing

@Suite(
    "PostgreSQL selections", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct PostgresSelectionTests {
    private static let table = """
        CREATE TABLE t (a int, b text); CREATE TABLE other (a int);
        INSERT INTO t SELECT i, 'it''s ) no. ' || i FROM generate_series(1, 3000) i; INSERT INTO other VALUES (7)
        """

    @Test("a condition is what it says under every shard: each row is read once")
    func honestCondition() throws {
        try PostgresScenario.run(Self.table) { scenario in
            let relation = try scenario.describe("public", "t")
            let connection = try scenario.connect()
            let keeper = try scenario.keeper(relation)
            #expect(PostgresShards.plan(relation, bytesPerShard: 8192).count > 5)
            for (filter, count) in [
                ("a = 1 or a > 2990", 11), ("(a < 3) or (a = 5)", 3), ("a in (1, 2, 3) -- a) or (b", 3),
                ("a = 1 /* ) or ( /* nested */ ; */ or a = 2", 2), ("b like '%) no. 1' or b = $q$)$q$", 1),
                ("b = E'it\\'s ) no. 4' or b = '\\'", 1), ("b = U&'it''s ) no. \\0034'", 1),
                ("\"a\" = 1 or (select true from public.other where a = 7) and t.a < 4", 3),
                ("case when a = 1 then true else a = 2 end", 2), ("\na = 1\n", 1),
            ] {
                try connection.check(
                    PostgresSelection(origin: relation.origin, expressions: ["a"], filter: filter))
                let rows = try scenario.read(
                    relation, keeper.identity, columns: ["a"], filter: filter, bytesPerShard: 8192)
                #expect(rows.count == count && Set(rows).count == count, "\(filter)")
            }
        }
    }

    @Test("a condition that leaves its parentheses, or is more than a condition, is refused")
    func condition() throws {
        try PostgresScenario.run(Self.table) { scenario in
            let connection = try scenario.connect()
            for filter in [
                "a) or (a", "a > 0) or (a > 0", "true) union all (select 1", "true) or (true) or (true",
                "a = 1) or (a = 2 /* ( */", "a = 1 /*) or (*/ ) or (a > 1", "b = ')' ) or (a > 0",
                "b = $q$($q$ ) or (a > 0", "b = E'\\'' ) or (b <> '(", "\"a\") or (a > 0", "true) -- (",
                "true) limit (1", "true) and exists (select 1 from public.other where (true", "true; select 1", "true;",
                "(true", "true)", "a = 1 /*", "a = 1 or b = '", "a = 1 or b = $q$", "select true", "true group by 1",
                "a = $1", "", "-- nothing", "true then true when true", "a, b",
                "exists (select 1)) or exists (select 1",
            ] {
                let selection = PostgresSelection(
                    origin: .relation(schema: "public", name: "t"), expressions: ["a"], filter: filter)
                let error = try extractError { try connection.check(selection) }
                #expect(error?.code == .statementRefused && error?.disposition == .failRun, "\(filter)")
                for text in ["other", "union", "exists"] where filter.contains(text) {
                    #expect(!"\(String(describing: error))".contains(text))
                }
            }
        }
    }

    @Test("a query is one query")
    func query() throws {
        try PostgresScenario.run(Self.table) { scenario in
            let connection = try scenario.connect()
            for (sql, isRight) in [
                ("select 1 as a", true), ("select 1 as a;", true), ("values (1)", true), ("table public.other", true),
                ("with x as (select 1 as a) select * from x -- )", true), ("(select 1 as a) union (select 2)", true),
                ("select ')' as a /* ( */ ; \n", true), ("select 1 as a) as q, (select 2 as b", false),
                ("select 1 as a; select 2", false), ("select 1) union (select 2", false),
                ("public.t cross join public.other", false),
                ("select 1 as a) q where exists (select 1 from (select 2", false), ("select $1 as a", false),
                ("insert into public.other values (1) returning a", false), ("select 1 as a into x", false),
                ("", false), ("show timezone", false), ("select 1 as a /*", false),
            ] {
                let error = try extractError {
                    try connection.check(PostgresSelection(origin: .query(sql), expressions: ["*"], filter: nil))
                }
                #expect((error == nil) == isRight, "\(sql)")
                #expect(error == nil || error?.code == .statementRefused)
            }
        }
    }
}
