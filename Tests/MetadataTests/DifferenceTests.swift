import Model
import Testing

@testable import Metadata

@Suite("The difference of two versions")
struct DifferenceTests {
    @Test("a version differs from itself in nothing, and its statement holds what the plan says")
    func none() throws {
        let statement = try statement(version: 1)
        let difference = try VersionDifference(statement, statement)
        #expect(difference.isEmpty && !difference.hasDistributions)
        #expect(difference.json["distributions"] == "not compared")
        #expect(statement.tables.map(\.name) == [Fixture.oddTable, "labs"])
        #expect(statement.tables[0].columns.map(\.name) == Fixture.oddColumns.map(\.name))
        #expect(statement.tables[0].files == 2 && statement.tables[0].bytes == 200)
        #expect(statement.keys.map(\.name) == ["people"])
    }

    @Test("tables, columns, types, rules, keys and counts that changed are told, and nothing else")
    func changes() throws {
        let before = try statement(version: 1)
        let after = try statement(version: 2) { plan in
            plan.keys[0].checkValue = "fedcba9876543210"
            plan.tables[1].name = "laboratory"
            plan.tables[0].columns.removeAll { $0.name == "bin" }
            plan.tables[0].columns[0].type = .text
            plan.tables[0].columns.append(Fixture.column("new", .text))
            if let born = plan.tables[0].columns.firstIndex(where: { $0.name == "born" }) {
                plan.tables[0].columns[born].steps = [Fixture.token]
            }
        }
        let difference = try VersionDifference(before, after)
        #expect(difference.keys.map(\.name) == ["people"])
        let tables = difference.json["tables"]?.items ?? []
        #expect(tables.map { $0["change"]?.text } == ["changed", "added", "removed"])
        let columns = tables[0]["columns"]?.items ?? []
        let told = columns.map { "\($0["name"]?.text ?? "") \($0["change"]?.text ?? "")" }
        #expect(told == ["id changed", "born changed", "new added", "bin removed"])
    }

    @Test("a profiler is asked for open columns of both versions alone, and what differs is told")
    func distributions() throws {
        final class Profiler: VersionProfiler {
            nonisolated(unsafe) var asked: [String] = []  // one thread
            func profile(_ record: CommitRecord, table: String, columns: [String]) -> [String: [JSON.Member]] {
                unsafe asked += columns
                return ["id": [.init("nulls", 0), .init("maximum", .integer(Int64(record.version)))]]
            }
        }
        let profiler = Profiler()
        let difference = try VersionDifference(statement(version: 1), statement(version: 2), profiler: profiler)
        let asked = unsafe profiler.asked
        #expect(asked.contains("id") && !asked.contains("born") && !asked.contains(Fixture.oddColumn))
        let facts = try #require(difference.tables[0].columns.first { $0.name == "id" }?.distribution)
        #expect(facts.map(\.name) == ["maximum"] && facts[0].before == 1 && facts[0].after == 2)
    }

    private func statement(version: Int, _ change: (inout RunPlan) -> Void = { _ in }) throws -> VersionStatement {
        let description = Fixture.description(version: version)
        var plan = description.plan
        change(&plan)
        let changed = ModuleDescription(
            plan: plan, receipts: description.receipts, publication: description.publication, run: Fixture.run,
            startedAt: Fixture.started, endedAt: Fixture.ended, storeLocation: "/srv/modules")
        let record = CommitRecord(
            module: "clinic", version: version, attempt: Fixture.run, files: 9, bytes: 900, sums: Fixture.digest,
            croissantSHA256: Fixture.digest, tables: [], parent: nil, committedAt: Fixture.committed,
            committedBy: "etl-express test", expiresAt: nil)
        return try #require(
            VersionStatement(
                record: record, protocolDocument: GatheringProtocol.document(changed),
                accounting: Accounting.document(changed)))
    }
}
