import Columnar
import Extract
import Formats
import Foundation
import Model
import TestKit

/// The way of a table from server to chunks, as a worker goes it.
struct PostgresPublishing {
    let database: PostgresTestDatabase
    let url: Secret

    init(_ database: PostgresTestDatabase, url: String? = nil) {
        self.database = database
        self.url = Secret(url ?? database.url, written: "${env:X}")
    }

    enum Outcome {
        /// Column names, then cells as PostgreSQL prints them, and what was selected.
        case published(
            names: [String], rows: [[String?]], selection: PostgresSelection, mappings: [PostgresColumnMapping])
        case refused([String])
        case stopped(FormatError)
    }

    func describe(_ origin: PostgresOrigin) throws -> PostgresRelation {
        var catalog = PostgresCatalog(try PostgresConnection(source: "test", url: url))
        return try catalog.describe(origin)
    }

    func keeper(_ relations: [PostgresRelation]) throws -> SnapshotKeeper {
        try SnapshotKeeper(source: "test", url: url, relations: relations, statements: [])
    }

    /// Maps and reads all shards of a relation in the keeper's snapshot.
    func publish(
        _ relation: PostgresRelation, in keeper: SnapshotKeeper, readAs: [String: ReadAs] = [:], filter: String? = nil,
        bytesPerShard: Int? = nil
    ) throws -> Outcome {
        if relation.columns.isEmpty { return .refused([PostgresMapping.noColumns.reason]) }
        var inputs: [PostgresCopyDecoder.Input] = []
        var refusals: [String] = []
        for column in relation.columns {
            let wish = readAs[column.name] ?? readAs["*"] ?? ReadAs()
            switch PostgresMapping.map(column: column, as: wish) {
            case .success(let mapping):
                inputs.append(.init(name: column.name, mapping: mapping, nullsSpecials: wish.nullsSpecials))
            case .failure(let refusal):
                refusals.append("\(column.name): \(refusal.reason); \(refusal.waysOut.joined(separator: ", "))")
            }
        }
        if !refusals.isEmpty { return .refused(refusals) }
        let selection = PostgresSelection(
            origin: relation.origin, expressions: inputs.map { $0.mapping.expression(column: $0.name) }, filter: filter)
        let reader = PostgresShardReader(url: url, identity: keeper.identity)
        var rows: [[String?]] = []
        do {
            for shard in PostgresShards.plan(relation, bytesPerShard: bytesPerShard) {
                try reader.open(shard, of: selection) { $0 == relation.fingerprintText }
                rows += try Self.decode(reader, inputs)
            }
        } catch let error as FormatError {
            return .stopped(error)
        }
        return .published(
            names: inputs.map(\.name), rows: rows, selection: selection, mappings: inputs.map(\.mapping))
    }

    static func decode(_ reader: PostgresShardReader, _ inputs: [PostgresCopyDecoder.Input]) throws -> [[String?]] {
        var rows: [[String?]] = []
        var decoder = PostgresCopyDecoder(columns: inputs)
        func add(_ chunk: Chunk) {
            for row in 0..<chunk.rowCount { rows.append(chunk.columns.map { CopyText.cell($0, row) }) }
        }
        while let message = unsafe try reader.nextRow() {
            unsafe try decoder.append(row: message)
            if decoder.isFull { add(decoder.finishChunk()) }
        }
        try decoder.finishStream()
        add(decoder.finishChunk())
        return rows
    }

    /// The same rows by `COPY … (FORMAT text)` of psql, in the same snapshot.
    func copyText(_ relation: PostgresRelation, in keeper: SnapshotKeeper, filter: String? = nil) throws -> [[String?]]
    {
        guard case .relation(let schema, let name) = relation.origin else { return [] }
        let columns = relation.columns.map { PostgresName.quoted($0.name) }.joined(separator: ", ")
        let sql = """
            BEGIN ISOLATION LEVEL REPEATABLE READ;
            SET TRANSACTION SNAPSHOT '\(keeper.identity.snapshots[0])';
            SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
            SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL search_path = '';
            COPY (SELECT \(columns) FROM \(PostgresName.qualified(schema, name))\(filter.map { " WHERE (\($0))" } ?? "")) TO STDOUT;
            COMMIT;
            """
        return CopyText.rows(
            try database.shell("psql \"$DATABASE\" -X -q -A -t -v ON_ERROR_STOP=1 -f -", input: sql))
    }
}
