internal import Columnar
internal import Extract
internal import Formats
internal import Model
internal import ModuleStore

/// The rows of one shard as chunks of the required columns.
protocol ChunkSource: AnyObject {
    /// The next chunk, or nil when the shard has been read whole and its end was checked.
    func next() throws -> Chunk?
    /// Rows read so far, dropped ones too.
    var rowsRead: Int64 { get }
    var dropped: Int64 { get }
    /// Of each required column: values that became NULL because the published type cannot hold them.
    var nulledSpecials: [Int64] { get }
    /// Bytes taken from the source so far.
    var bytesRead: Int64 { get }
}

/// A shard of a delimited file. At its end the bytes that were read are held against the plan: the chunks before are worth
/// nothing when that throws.
final class DelimitedChunks: ChunkSource {
    private let decoder: DelimitedDecoder
    private let reader: any ByteSource
    private let witness = Witness()
    private let planned: String?
    private let changed: ExtractError

    /// Sees what is read.
    private final class Witness {
        private let digest: FileDigest
        private let queue: HashingQueue
        private(set) var byteCount: Int64 = 0

        init() {
            let digest = FileDigest()
            self.digest = digest
            queue = HashingQueue { bytes in unsafe digest.add(bytes) }
        }

        func add(_ bytes: UnsafeRawBufferPointer) {
            unsafe queue.add(bytes)
            byteCount += Int64(bytes.count)
        }

        /// To be called once.
        func finish() -> String {
            queue.catchUp()
            return digest.finish()
        }
    }

    init(
        _ spec: DelimitedSpec, files: SourceFiles, file: SourceFile, piece: Shard.Piece, binding: TableBinding
    ) throws {
        guard case .bytes(file.path, let start, let end, let firstRecord, let sha256) = piece else {
            preconditionFailure("a file's shard is a range of bytes")
        }
        let witness = witness
        planned = sha256
        changed = files.changed(file)
        reader = try files.open(file, range: start..<end, observe: { bytes in unsafe witness.add(bytes) })
        decoder = try DelimitedDecoder(
            spec, file: file.path, start: start, firstRecord: firstRecord, fieldCount: binding.inputs.count,
            columns: binding.required.map { index in
                let input = binding.inputs[index]
                return DelimitedColumn(
                    fieldIndex: index, name: input.column.name, type: input.type, nullsSpecials: input.nullsSpecials)
            }, bytes: reader)
    }

    func next() throws -> Chunk? {
        do {
            if let chunk = try decoder.next() { return chunk }
        } catch let error as FormatError {
            // A file that is written to may look malformed: then that is what is wrong with it.
            try check()
            throw error
        }
        try check()
        return nil
    }

    /// Reads what is left, and holds all of it against the plan. To be called once.
    private func check() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { unsafe memory.deallocate() }
        while unsafe try reader.read(into: memory) > 0 {}
        guard witness.finish() == planned else { throw changed }
    }

    var rowsRead: Int64 { decoder.counts.recordsRead }
    var dropped: Int64 { decoder.counts.dropped }
    var nulledSpecials: [Int64] { decoder.counts.nulledSpecials }
    var bytesRead: Int64 { witness.byteCount }
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

    var dropped: Int64 { 0 }
    var nulledSpecials: [Int64] { decoder.nulledSpecials }
}
