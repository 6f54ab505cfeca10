import Foundation
import Model
import ModuleStore
import TestKit
import Testing

@testable import Worker

@Suite(
    "What a document promises of tables in PostgreSQL",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct PostgresPromiseTests {
    private static let position = Position(line: 1, column: 1)

    private static func promise(
        _ table: String, primaryKey: [String] = [], unique: [[String]] = [], indexes: [[String]] = [],
        references: [PostgresTargetSpec.Reference] = []
    ) -> PostgresTargetSpec.TableSpec {
        .init(
            table: table, position: position, primaryKey: primaryKey, unique: unique, indexes: indexes,
            references: references)
    }

    private static let refersToPatients = PostgresTargetSpec.Reference(column: "id", table: "patients", target: "id")

    /// Publishes `patients` and `visits` with these ids, one list a part.
    private func publish(
        _ promises: [PostgresTargetSpec.TableSpec], patients: [[Int64?]] = [[1, 2, 3]], visits: [[Int64?]] = [[1]],
        then check: (TargetFixture, String) throws -> Void = { _, _ in }
    ) throws -> StoreError? {
        var failure: StoreError?
        try withTarget("promises", promises: promises) { fixture in
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            var receipts: [PartReceipt] = []
            for (table, parts) in [("patients", patients), ("visits", visits)] {
                for (shard, ids) in parts.enumerated() {
                    receipts.append(
                        try fixture.stage(
                            attempt, table: table, shard: shard, columns: TargetFixture.columns,
                            chunks: [TargetFixture.chunk(ids)]))
                }
            }
            do { _ = try fixture.publish(attempt, receipts) } catch let error as StoreError {
                failure = error
                #expect(try fixture.store.versions(module: "clinic") == [])
                // Harmless: nothing is half done, and the same answer comes again.
                #expect(throws: error) { _ = try fixture.publish(attempt, receipts) }
                return
            }
            #expect(try fixture.findings() == [])
            try check(fixture, fixture.schema)
        }
        return failure
    }

    @Test("a table of one part has real keys, unique columns, indexes and references")
    func constraints() throws {
        let promises = [
            Self.promise("patients", primaryKey: ["id"], unique: [["Name"]], indexes: [["Name", "id"]]),
            Self.promise("visits", references: [Self.refersToPatients]),
        ]
        let failure = try publish(promises, visits: [[1, 1, nil]]) { (fixture, schema) throws in
            #expect(
                try fixture.one(
                    """
                    SELECT string_agg(contype::text, ',' ORDER BY contype) FROM pg_constraint c
                    JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = '\(schema)' AND contype <> 'n'
                    """) == "f,p,u")
            #expect(try fixture.one("SELECT count(*) FROM pg_indexes WHERE schemaname = '\(schema)'") == "3")
        }
        #expect(failure == nil)
    }

    @Test("a table of several parts is checked across them")
    func several() throws {
        let promises = [
            Self.promise("patients", primaryKey: ["id"], indexes: [["Name"]]),
            Self.promise("visits", references: [Self.refersToPatients]),
        ]
        let failure = try publish(promises, patients: [[1, 2], [3]], visits: [[1], [3]]) { (fixture, schema) throws in
            #expect(try fixture.one("SELECT count(*) FROM \"\(schema)\".patients") == "3")
            #expect(
                try fixture.one(
                    "SELECT count(*) FROM pg_indexes WHERE schemaname = '\(schema)' AND indexdef LIKE '%UNIQUE%'")
                    == "2")
        }
        #expect(failure == nil)
        let repeated = try #require(try publish(promises, patients: [[1, 2], [2, 1, 4]]))
        #expect(repeated.code == .brokenPromise && repeated.failure.kind == .data)
        #expect(repeated.description.contains("clinic/patients: 2 values of \"id\" occur more than once"))
        let absent = try #require(try publish(promises, patients: [[1], [2]], visits: [[1, 7], [8, 2]]))
        #expect(absent.code == .brokenPromise)
        #expect(
            absent.description.contains("clinic/visits: 2 rows hold a value of \"id\" that is not found in patients.id")
        )
    }

    @Test("a key that repeats or is absent, within one part, is told by table, columns and count, and never by value")
    func broken() throws {
        let key = [Self.promise("patients", primaryKey: ["id"])]
        let repeated = try #require(try publish(key, patients: [[977, 977, 2, 2, 3]]))
        #expect(repeated.code == .brokenPromise && repeated.failure.kind == .data && repeated.disposition == .failRun)
        #expect(repeated.description.contains("2 values of \"id\"") && !repeated.description.contains("977"))
        let absent = try #require(try publish(key, patients: [[1, nil, nil]]))
        #expect(absent.description.contains("2 rows have no value of \"id\""))
        let absentInOne = try #require(try publish(key, patients: [[1], [nil]]))
        #expect(absentInOne.description.contains("1 rows have no value of \"id\""))
        let unique = try #require(
            try publish([Self.promise("patients", unique: [["id", "Name"]])], patients: [[5, 5]]))
        #expect(unique.description.contains("1 values of \"id\", \"Name\""))
        let nulls = try publish([Self.promise("patients", unique: [["id"]])], patients: [[nil, nil, 1]])
        #expect(nulls == nil)
    }

    @Test("a reference to a table of several parts, or to a column without key, is checked and makes no constraint")
    func looseReference() throws {
        let promises = [Self.promise("visits", references: [Self.refersToPatients])]
        #expect(try publish(promises, patients: [[1], [2]], visits: [[2, nil]]) == nil)
        let broken = try #require(try publish(promises, patients: [[1]], visits: [[2, nil]]))
        #expect(broken.code == .brokenPromise)
    }
}
