import Cluster
import Foundation
import Model
import ModuleStore

@testable import Worker

/// A pipeline in a folder of its own: a file of 3 rows, a key, a module on disk.
struct SmallPipeline {
    let folder: String
    let document: String
    let attempt: String

    /// - `columns`: beside `id`; many make the plan long.
    static func with(columns: Int = 1, _ body: (SmallPipeline) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let names = (0..<columns).map { "value_\($0)" }
        let header = (["id"] + names).joined(separator: ",")
        let rows = (1...3).map { row in (["p\(row)"] + names.map { _ in "\(row)" }).joined(separator: ",") }
        try ([header] + rows).joined(separator: "\n").appending("\n")
            .write(toFile: "\(folder)/labs.csv", atomically: true, encoding: .utf8)
        let pipeline = SmallPipeline(
            folder: folder,
            document: """
                format: 1
                module: labs
                sources:
                  lab: {kind: csv, path: labs.csv}
                keys:
                  people: {file: people.key}
                tables:
                  results:
                    from: lab
                    columns:
                      id: {token: {key: people, scope: patient}}
                \(names.map { "      \($0): keep" }.joined(separator: "\n"))
                target: {directory: ./modules}

                """, attempt: try Store(directory: "\(folder)/modules").beginAttempt(module: "labs"))
        try pipeline.writeKey(7)
        try body(pipeline)
    }

    func writeKey(_ byte: UInt8) throws { try Self.writeKey(byte, in: folder) }

    static func writeKey(_ byte: UInt8, in folder: String) throws {
        let path = "\(folder)/people.key"
        try Data((0..<32).map { byte &+ 7 &* $0 }).base64EncodedData().write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    func session() throws -> RunSession {
        try RunSession(
            document: document, path: "labs.yaml",
            bounds: DocumentBounds(baseDirectory: folder, targetDirectories: [folder]), environment: [:])
    }

    func plan() throws -> RunPlan {
        let session = try session()
        defer { session.close() }
        return try session.makePlan()
    }

    /// Gives the run's texts to a coordinator.
    func register(_ run: String, at coordinator: ScriptedCoordinator) throws {
        let plan = PlanCodec().encode(try plan())
        coordinator.change {
            $0.documents[run] = document
            $0.plans[run] = plan
        }
    }

    func grant(_ task: TaskSpec, token: Int64, run: String = "run") -> Grant {
        Grant(run: run, task: task, epoch: Int(token), token: token, attempt: attempt, documentPath: "labs.yaml")
    }

    static let shard = TaskSpec.shard(table: "results", index: 0)
}
