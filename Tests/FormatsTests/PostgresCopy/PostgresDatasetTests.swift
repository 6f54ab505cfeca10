import Extract
import Formats
import Foundation
import Model
import TestKit
import Testing

/// Every table of a data set: cell by cell as PostgreSQL prints it, or refused by name and with a reason. By day ours alone:
/// the end-to-end tests walk the public ones.
@Suite("PostgreSQL data sets", .serialized)
struct PostgresDatasetTests {
    struct DataSet: Sendable, CustomTestStringConvertible {
        let name: String
        let folder: String
        let load: String
        var testDescription: String { name }
    }

    static let ours = DataSet(
        name: "types_here",
        folder: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../EndToEnd/data").standardizedFileURL.path,
        load: "cat types.sql")

    static let sets: [DataSet] = [
        DataSet(
            name: "pagila", folder: "pagila-pg",
            load: "zcat pagila-schema.sql.gz pagila-data.sql.gz; cat pagila-schema-jsonb.sql"),
        DataSet(
            name: "chinook", folder: "chinook",
            load: "zcat Chinook_PostgreSql.sql.gz | sed '/^DROP DATABASE/d;/^CREATE DATABASE/d;/^\\\\c /d'"),
        DataSet(name: "northwind", folder: "northwind-pg", load: "zcat northwind.sql.gz"),
        DataSet(
            name: "pgexercises", folder: "pgexercises-pg",
            load:
                "zcat clubdata.sql.gz | sed '/^CREATE DATABASE/d;/^CREATE USER/d;/^ALTER USER/d;/^GRANT/d;/^REVOKE/d;/^\\\\c /d'"
        ),
        DataSet(name: "duckdb_types", folder: "pg-types-duckdb", load: "cat all_pg_types.sql"),
        DataSet(name: "duckdb_other", folder: "pg-types-duckdb", load: "cat other.sql"),
        DataSet(name: "duckdb_decimals", folder: "pg-types-duckdb", load: "zcat decimals.sql.gz"),
        DataSet(name: "regress", folder: "pg-types-regress", load: "zcat pg_regress_types.sql.gz"),
    ]

    @Test(
        "each table is published cell by cell or refused by name",
        .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"),
        arguments: Night.isAsked ? [ours] + sets : [ours])
    func everyTable(_ set: DataSet) throws {
        guard let folder = set.folder.hasPrefix("/") ? set.folder : PostgresTestServer.sharedData(set.folder) else {
            print("skipped \(set.name): the shared data sets are not here")
            return
        }
        try PostgresTestServer.shared!.withDatabase(set.name) { database in
            try database.load("cd '\(folder)'; { \(set.load); }")
            let publishing = PostgresPublishing(database)
            var tally = Tally()
            var relations: [PostgresRelation] = []
            for origin in try Self.tables(database) {
                do {
                    relations.append(try publishing.describe(origin))
                } catch let error as ExtractError {
                    #expect(error.reason == "the materialized view was never filled")
                    tally.unreadable.append("  refused \(origin.name): \(error.reason)")
                }
            }
            let keeper = try publishing.keeper(relations)
            defer { keeper.close() }
            for relation in relations {
                // First as it is; where a value stops it, with such values as NULL; then all as text.
                tally.add(relation, try check(relation, publishing, keeper))
                try checkAsText(relation, publishing, keeper)
            }
            print(tally.report(set.name))
            #expect(tally.published + tally.refused.count + tally.stopped.count == relations.count)
        }
    }

    struct Tally {
        var published = 0, rows = 0, cells = 0
        var refused: [String] = []
        var unreadable: [String] = []
        var stopped: [String] = []

        mutating func add(_ relation: PostgresRelation, _ outcome: PostgresPublishing.Outcome) {
            switch outcome {
            case .published(let names, let rows, _, _):
                published += 1
                self.rows += rows.count
                cells += rows.count * names.count
            case .refused(let reasons):
                refused.append("  refused \(relation.origin.name): \(reasons.joined(separator: " | "))")
            case .stopped(let error):
                stopped.append(
                    "  stopped \(relation.origin.name).\(error.column ?? "?") row \(error.row ?? -1): \(error.reason)")
            }
        }

        func report(_ name: String) -> String {
            "data set \(name): \(published) tables published (\(rows) rows, \(cells) cells equal), \(refused.count + unreadable.count) refused, \(stopped.count) stopped by a value\n"
                + (refused.count + stopped.count > 60 ? "" : (unreadable + refused + stopped).joined(separator: "\n"))
        }
    }

    private static func tables(_ database: PostgresTestDatabase) throws -> [PostgresOrigin] {
        let text = try database.run(
            """
            SELECT n.nspname || E'\\t' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            ORDER BY 1
            """)
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t").map(String.init)
            return .relation(schema: parts[0], name: parts[1])
        }
    }

    private func check(_ relation: PostgresRelation, _ publishing: PostgresPublishing, _ keeper: SnapshotKeeper) throws
        -> PostgresPublishing.Outcome
    {
        let outcome = try publishing.publish(relation, in: keeper, bytesPerShard: 256 << 10)
        switch outcome {
        case .published(_, let rows, _, _):
            expectSame(rows, try publishing.copyText(relation, in: keeper), relation.origin.name)
        case .refused(let reasons):
            #expect(reasons.allSatisfy { $0.contains("{cast: text}") || $0.contains("no columns") })
        case .stopped(let error):
            #expect(error.code == .specialValue && error.remedy != nil)
            // With such values as NULL everything else is equal.
            guard
                case .published(_, let rows, _, _) = try publishing.publish(
                    relation, in: keeper, readAs: ["*": ReadAs(nullsSpecials: true)])
            else {
                Issue.record("\(relation.origin.name) is not published with special values as NULL")
                break
            }
            expectSame(rows, try publishing.copyText(relation, in: keeper), relation.origin.name, allowsNull: true)
        }
        return outcome
    }

    /// `{cast: text}` takes every type.
    private func checkAsText(_ relation: PostgresRelation, _ publishing: PostgresPublishing, _ keeper: SnapshotKeeper)
        throws
    {
        let outcome = try publishing.publish(relation, in: keeper, readAs: ["*": ReadAs(type: .text)])
        guard case .published(_, var rows, _, _) = outcome else {
            #expect(relation.columns.isEmpty, "\(relation.origin.name)")
            return
        }
        // The one type whose text is spelled otherwise than COPY spells it.
        for (index, column) in relation.columns.enumerated() {
            guard case .postgres(let type) = column.native, type.name == "boolean" else { continue }
            for row in rows.indices { rows[row][index] = rows[row][index].map { String($0.prefix(1)) } }
        }
        expectSame(rows, try publishing.copyText(relation, in: keeper), relation.origin.name + " as text")
    }

    /// Equal as multisets of rows. `allowsNull`: a cell may be NULL on the left where the right has a value.
    private func expectSame(_ found: [[String?]], _ wanted: [[String?]], _ name: String, allowsNull: Bool = false) {
        #expect(found.count == wanted.count, "rows of \(name)")
        func key(_ row: [String?]) -> String { row.map { $0.map { "v" + $0 } ?? "n" }.joined(separator: "\u{1}") }
        if allowsNull {
            // The order of reading is the same: one relation, one snapshot.
            for (row, other) in zip(found, wanted) {
                for (cell, wantedCell) in zip(row, other) where cell != wantedCell { #expect(cell == nil, "\(name)") }
            }
            return
        }
        let differing = zip(found.map(key).sorted(), wanted.map(key).sorted()).filter { $0 != $1 }
        #expect(
            differing.isEmpty, "\(name): \(differing.count) rows differ, first: \(String(describing: differing.first))")
    }
}
