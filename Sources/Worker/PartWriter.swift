internal import Columnar
internal import Formats
internal import Model
internal import ModuleStore

/// Chunks into a staged part, in the form that its place keeps. Used by one thread.
protocol PartWriter: AnyObject {
    func append(_ chunk: Chunk) throws
    /// Rows written. The part itself is finished by its owner.
    func finish() throws -> Int64
}

enum PartWriters {
    static func writer(into part: any StagedPart, columns: [OutputColumn], codec: TargetSpec.Codec) throws
        -> any PartWriter
    {
        if let part = part as? any TablePart { return try TableWriter(part, columns: columns, codec: codec) }
        return FileWriter(part, columns: columns, codec: codec)
    }
}

/// A Parquet file.
private final class FileWriter: PartWriter {
    private let sink: PartSink
    private let writer: ParquetWriter

    init(_ part: any StagedPart, columns: [OutputColumn], codec: TargetSpec.Codec) {
        sink = PartSink(part)
        writer = ParquetWriter(columns: columns, codec: codec, sink: sink)
    }

    func append(_ chunk: Chunk) throws { try naming { try writer.append(chunk) } }
    func finish() throws -> Int64 { try naming { try writer.finish().rowCount } }

    /// A full disk is called a full disk.
    private func naming<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw sink.refusal ?? error }
    }
}

/// Rows of a table, and beside them the Parquet file that the table stands for: it is measured and not kept.
private final class TableWriter: PartWriter {
    private let part: any TablePart
    private let file: FileWriter
    private let encoder: PostgresCopyEncoder

    init(_ part: any TablePart, columns: [OutputColumn], codec: TargetSpec.Codec) throws {
        self.part = part
        file = FileWriter(part, columns: columns, codec: codec)
        encoder = PostgresCopyEncoder(columns: columns)
        try part.begin(columns: columns, codec: codec)
        try write(PostgresCopyEncoder.header)
    }

    func append(_ chunk: Chunk) throws {
        try file.append(chunk)
        try unsafe encoder.encode(chunk) { rows in unsafe try part.writeRows(rows) }
    }

    func finish() throws -> Int64 {
        try write(PostgresCopyEncoder.trailer)
        return try file.finish()
    }

    private func write(_ bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBytes { unsafe try part.writeRows($0) }
    }
}
