internal import Columnar
internal import Extract
internal import Formats
internal import Model

/// The rows of one shard as chunks of the required columns.
protocol ChunkSource: AnyObject {
    /// The next chunk, or nil when the shard has been read whole and its end was checked.
    func next() throws -> Chunk?
    /// Rows read so far, those in quarantine too.
    var rowsRead: Int64 { get }
    var quarantined: Int64 { get }
    /// Of each required column: values that became NULL because the published type cannot hold them.
    var nulledSpecials: [Int64] { get }
    /// Bytes taken from the source so far.
    var bytesRead: Int64 { get }
}

/// A shard of a delimited file.
final class DelimitedChunks: ChunkSource {
    private let decoder: DelimitedDecoder
    private let counter = ByteCounter()

    private final class ByteCounter { var count: Int64 = 0 }

    init(
        _ spec: DelimitedSpec, files: SourceFiles, file: SourceFile, piece: Shard.Piece, binding: TableBinding
    ) throws {
        guard case .bytes(file.path, let start, let end, let firstRecord) = piece else {
            preconditionFailure("a file's shard is a range of bytes")
        }
        let counter = counter
        let reader = try files.open(
            file, range: start..<end, observe: { bytes in counter.count += Int64(bytes.count) })
        decoder = try DelimitedDecoder(
            spec, file: file.path, start: start, firstRecord: firstRecord, fieldCount: binding.inputs.count,
            columns: binding.required.map { index in
                let input = binding.inputs[index]
                return DelimitedColumn(
                    fieldIndex: index, name: input.column.name, type: input.type, nullsSpecials: input.nullsSpecials)
            }, bytes: reader)
    }

    func next() throws -> Chunk? { try decoder.next() }
    var rowsRead: Int64 { decoder.counts.recordsRead }
    var quarantined: Int64 { decoder.counts.quarantined }
    var nulledSpecials: [Int64] { decoder.counts.nulledSpecials }
    var bytesRead: Int64 { counter.count }
}

/// A shard of a PostgreSQL table or query.
final class PostgresChunks: ChunkSource {
    private let reader: PostgresShardReader
    private var decoder: PostgresCopyDecoder
    private(set) var rowsRead: Int64 = 0
    private(set) var bytesRead: Int64 = 0
    private var isAtEnd = false

    /// - `fingerprint`: SHA-256 of the table's shape as it was planned.
    init(
        _ reader: PostgresShardReader, selection: PostgresSelection, shard: Shard, fingerprint: String,
        binding: TableBinding
    ) throws {
        self.reader = reader
        decoder = PostgresCopyDecoder(
            columns: binding.required.map { index in
                let input = binding.inputs[index]
                guard let mapping = input.postgres else { preconditionFailure("a required column is mapped") }
                return .init(name: input.column.name, mapping: mapping, nullsSpecials: input.nullsSpecials)
            }, takesMessages: true)
        try reader.open(shard, of: selection) { DocumentCheck.sha256($0) == fingerprint }
    }

    func next() throws -> Chunk? {
        while !isAtEnd, !decoder.isFull {
            guard let row = unsafe try reader.nextRow() else {
                try decoder.finishStream()
                isAtEnd = true
                break
            }
            bytesRead += Int64(row.count)
            unsafe try decoder.append(row: row)
        }
        guard decoder.rowCount > 0 else { return nil }
        rowsRead += Int64(decoder.rowCount)
        // A large row is not held while its chunk is encoded.
        reader.releaseRow()
        return decoder.finishChunk()
    }

    var quarantined: Int64 { 0 }
    var nulledSpecials: [Int64] { decoder.nulledSpecials }
}
