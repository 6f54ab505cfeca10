import Extract
import Foundation
import Model
import TestKit

/// A database of a test and what a run does with it.
struct PostgresScenario {
    let database: PostgresTestDatabase
    let url: Secret

    static func run(_ sql: String, _ body: (PostgresScenario) throws -> Void) throws {
        try PostgresTestServer.shared!.withDatabase("extract") { database in
            try database.run(sql)
            try body(PostgresScenario(database: database, url: Secret(database.url, written: "${env:URL}")))
        }
    }

    func connect(_ url: Secret? = nil) throws -> PostgresConnection {
        try PostgresConnection(source: "test", url: url ?? self.url)
    }

    func describe(_ schema: String, _ name: String, as url: Secret? = nil) throws -> PostgresRelation {
        var catalog = PostgresCatalog(try connect(url))
        return try catalog.describe(schema: schema, relation: name)
    }

    func keeper(
        _ relations: PostgresRelation..., statements: [SnapshotKeeper.Statement] = [], patience: Duration = .seconds(2)
    ) throws -> SnapshotKeeper {
        try SnapshotKeeper(
            source: "test", url: url, relations: relations, statements: statements, patience: patience)
    }

    /// All rows of a relation, its columns as text, by shards of `bytesPerShard`.
    func read(
        _ relation: PostgresRelation, _ identity: PostgresIdentity, columns: [String], filter: String? = nil,
        bytesPerShard: Int? = nil, reader: PostgresShardReader? = nil
    ) throws -> [[String?]] {
        let reader = reader ?? PostgresShardReader(url: url, identity: identity)
        let selection = PostgresSelection(
            origin: relation.origin, expressions: columns.map { "(\(PostgresName.quoted($0)))::text" }, filter: filter)
        var rows: [[String?]] = []
        for shard in PostgresShards.plan(relation, bytesPerShard: bytesPerShard) {
            try reader.open(shard, of: selection) { $0 == relation.fingerprintText }
            let before = rows.count
            rows += try Self.rows(reader)
            precondition(Int(reader.rowCount) == rows.count - before, "the reader counts rows")
        }
        return rows
    }

    /// A statement's answer within a run's snapshot, by a connection of its own.
    func ask(_ identity: PostgresIdentity, _ sql: String) throws -> [[String?]] {
        let connection = try connect()
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.execute("SET TRANSACTION SNAPSHOT '\(identity.snapshots[0])'")
        return try connection.query(sql)
    }

    /// The fields of a binary COPY stream of texts.
    static func rows(_ reader: PostgresShardReader) throws -> [[String?]] {
        var rows: [[String?]] = []
        var isFirst = true
        while let message = unsafe try reader.nextRow() {
            var bytes = unsafe [UInt8](message)[...]
            if isFirst { bytes = bytes.dropFirst(19) }
            isFirst = false
            func number(_ count: Int) -> Int {
                let value = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
                bytes = bytes.dropFirst(count)
                return value
            }
            guard !bytes.isEmpty else { continue }
            let fieldCount = number(2)
            if fieldCount == 0xffff { continue }
            rows.append(
                (0..<fieldCount).map { _ in
                    let length = number(4)
                    if length == 0xffff_ffff { return nil }
                    defer { bytes = bytes.dropFirst(length) }
                    return String(decoding: bytes.prefix(length), as: UTF8.self)
                })
        }
        return rows
    }

    /// Ends backends of the product that sit on a snapshot, oldest first, and waits until they are gone.
    func terminateKeepers(count: Int) throws {
        let killed = try database.run(
            """
            SELECT pg_terminate_backend(pid, 10000) FROM (
                SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'etl-express'
                AND state = 'idle in transaction' ORDER BY backend_start LIMIT \(count)) p
            """)
        precondition(killed.split(separator: "\n") == Array(repeating: "t", count: count), "backends to end were there")
    }
}

/// The error that a call throws, or nil.
func extractError(_ body: () throws -> Void) throws -> ExtractError? {
    do {
        try body()
        return nil
    } catch let error as ExtractError {
        return error
    }
}
