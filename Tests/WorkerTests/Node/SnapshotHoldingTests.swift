import Foundation
import Model
import ModuleStore
import TestKit
import Testing

@testable import Worker

@Suite(
    "Runs whose snapshots several processes hold", .serialized,
    .enabled(if: PostgresTestServer.shared != nil, "\(PostgresTestServer.reasonToSkip)"))
struct SnapshotHoldingTests {
    private func session(_ database: PostgresTestDatabase, _ folder: String) throws -> RunSession {
        try RunSession(
            document: """
                format: 1
                module: people
                sources:
                  db: {kind: postgres, url: "${env:SOURCE_URL}"}
                  twin: {kind: postgres, url: "${env:SOURCE_URL}"}
                keys:
                  people: {file: people.key}
                tables:
                  people:
                    from: db.public.people
                    where: "id > 0"
                    columns: {id: keep, name: {token: {key: people, scope: name}}}
                  again:
                    from: {source: twin, query: "select id from public.people"}
                    columns: {id: keep}
                target: {directory: ./modules}

                """, path: "people.yaml",
            bounds: DocumentBounds(baseDirectory: folder, placeholderPrefix: "SOURCE_", targetDirectories: [folder]),
            environment: ["SOURCE_URL": database.url])
    }

    private func run(_ session: RunSession, _ table: String, _ attempt: String, epoch: Int) throws -> PartReceipt {
        try session.run(table: table, shard: 0, attempt: attempt, epoch: epoch) { _, _ in }
    }

    private func failure(_ body: () throws -> Void) -> TaskFailure? {
        do {
            try body()
            return nil
        } catch { return RunSession.failure(of: error) }
    }

    @Test("a second keeper's ids serve readers when the planner is gone; without any the snapshot is lost")
    func secondKeeper() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try SmallPipeline.writeKey(7, in: folder)
        try PostgresTestServer.shared!.withDatabase("holding") { database in
            try database.run("CREATE TABLE people (id int, name text); INSERT INTO people VALUES (1, 'a'), (2, 'b')")
            let attempt = try Store(directory: "\(folder)/modules").beginAttempt(module: "people")
            let planner = try session(database, folder)
            let plan = try planner.makePlan()
            try database.run("INSERT INTO people VALUES (3, 'c')")

            let holder = try session(database, folder)
            try holder.adopt(plan)
            let held = try holder.hold()
            #expect(held.map(\.source).sorted() == ["db", "db", "twin", "twin"])
            planner.close()

            let reader = try session(database, folder)
            try reader.adopt(plan)
            #expect(failure { _ = try run(reader, "people", attempt, epoch: 1) }?.kind == .snapshotLost)
            reader.offer(held)
            #expect(try run(reader, "people", attempt, epoch: 2).rows.read == 2)
            #expect(try run(reader, "again", attempt, epoch: 1).rows.read == 2)

            let third = try session(database, folder)
            try third.adopt(plan)
            third.offer(held)
            let more = try third.hold()
            #expect(Set(more).isDisjoint(with: held) && more.count == 4)
            holder.close()
            reader.close()
            reader.offer(held + more)
            #expect(try run(reader, "people", attempt, epoch: 3).rows.read == 2)

            #expect(throws: (any Error).self) { try database.run("SET lock_timeout = 100;\nTRUNCATE people") }
            third.close()
            reader.close()
            try database.run("SET lock_timeout = 5000; TRUNCATE people")
            let lost = failure { _ = try run(reader, "people", attempt, epoch: 4) }
            #expect(lost?.kind == .snapshotLost && lost?.disposition == .failRun)
            #expect(failure { _ = try third.hold() }?.kind == .snapshotLost)
        }
    }

    @Test("a plan made with another key is not adopted, and the failure holds nothing of either")
    func otherKey() throws {
        try SmallPipeline.with { pipeline in
            let plan = try pipeline.plan()
            let same = try pipeline.session()
            try same.adopt(plan)
            try pipeline.writeKey(8)
            let other = try pipeline.session()
            let failure = failure { try other.adopt(plan) }
            #expect(failure?.kind == .document && failure?.disposition == .failRun)
            let text = "\(failure?.message ?? "") \(failure?.code ?? "")"
            #expect(text.contains("\"people\"") && !text.contains(plan.keys[0].checkValue))
        }
    }
}
