import Columnar
import Foundation
import Model
import ModuleStore
import TestKit

@testable import Worker

/// A store in a database of its own.
struct TargetFixture {
    static let module = "clinic"

    let database: PostgresTestDatabase
    let store: Store

    init(_ database: PostgresTestDatabase, promises: [PostgresTargetSpec.TableSpec] = [], readers: [String] = []) throws
    {
        self.database = database
        store = try Store(
            TargetSpec(
                .postgres(
                    PostgresTargetSpec(
                        url: Secret(database.url, written: "${env:TARGET}"), readers: readers, tables: promises)),
                position: Position(line: 1, column: 1)), renderer: ParquetRendition())
    }

    /// A part of these chunks, as a worker writes it.
    func stage(
        _ attempt: String, table: String, shard: Int = 0, epoch: Int = 1, columns: [OutputColumn], chunks: [Chunk],
        codec: TargetSpec.Codec = .lz4
    ) throws -> PartReceipt {
        let part = try store.stagePart(module: Self.module, attempt: attempt, table: table, shard: shard, epoch: epoch)
        let rows: Int64
        do {
            let writer = try PartWriters.writer(into: part, columns: columns, codec: codec)
            for chunk in chunks { try writer.append(chunk) }
            rows = try writer.finish()
        } catch {
            part.abandon()
            throw error
        }
        let finished = try part.finish()
        return PartReceipt(
            table: table, shard: shard, epoch: epoch, stagedPath: finished.stagedPath, byteCount: finished.byteCount,
            sha256: finished.sha256, rows: RowAccount(read: rows, published: rows), rules: [])
    }

    static let columns = [
        OutputColumn(name: "id", type: .int64, isProtected: false),
        OutputColumn(name: "Name", type: .text, isProtected: true),
    ]

    /// Rows `(id, "row id")`.
    static func chunk(_ ids: [Int64?], firstRow: Int64 = 0) -> Chunk {
        var numbers = FixedBuilder<Int64>(rows: ids.count)
        var names = VariableBuilder(rows: ids.count, bytes: 64)
        for id in ids {
            if let id { numbers.append(id) } else { numbers.appendNull() }
            names.append("row \(id ?? -1)")
        }
        return Chunk(
            columns: [numbers.finish(type: .int64), names.finish(type: .text)], rowCount: ids.count, firstRow: firstRow)
    }

    /// Two tables, one of a single part and one of several, that tell the attempt's number.
    func stage(_ attempt: String, number: Int64 = 1) throws -> [PartReceipt] {
        try [
            stage(attempt, table: "patients", columns: Self.columns, chunks: [Self.chunk([number, 2, 3])]),
            stage(attempt, table: "visits", shard: 0, columns: Self.columns, chunks: [Self.chunk([10, 11])]),
            stage(
                attempt, table: "visits", shard: 1, columns: Self.columns, chunks: [Self.chunk([12]), Self.chunk([13])]),
        ]
    }

    func publish(
        _ attempt: String, _ receipts: [PartReceipt], policy: RacePolicy = .exclusive, notes: [TableNote] = [],
        reach: @escaping Publisher.Hook = { _ in }
    ) throws -> Published {
        let tables = Array(Set(receipts.map(\.table))).sorted()
        return try Publisher(store: store, module: Self.module, attempt: attempt, policy: policy, reach: reach).publish(
            tables: tables, receipts: receipts, notes: notes, committedAt: "2026-11-23T05:30:00Z",
            committedBy: "etl-express test", expiresAt: nil
        ) { publication in
            let counts = CommitRecord.rows(tables: tables, receipts: receipts)
            return [
                MetadataFile(path: "croissant.json", bytes: Array("{\"version\":\(publication.version)}".utf8)),
                MetadataFile(
                    path: "protocol.json",
                    bytes: Array(JSON.record(["publication": publication.json(tables: counts)]).text().utf8)),
                MetadataFile(path: "lineage/start.json", bytes: Array("{}".utf8)),
            ]
        }
    }

    @discardableResult
    func publishNew(number: Int64 = 1, policy: RacePolicy = .exclusive) throws -> Published {
        let attempt = try store.beginAttempt(module: Self.module)
        return try publish(attempt, stage(attempt, number: number), policy: policy)
    }

    var schema: String { get throws { try one("SELECT schema_name FROM etl.latest") } }

    func one(_ sql: String) throws -> String {
        try database.run(sql).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func findings() throws -> [String] { try store.verify(module: Self.module).findings.map(\.description) }
}

/// Runs a test in a database of its own; nothing without a server.
func withTarget(
    _ name: String, promises: [PostgresTargetSpec.TableSpec] = [], _ body: (TargetFixture) throws -> Void
) throws {
    try PostgresTestServer.shared?.withDatabase(name) { try body(TargetFixture($0, promises: promises)) }
}
