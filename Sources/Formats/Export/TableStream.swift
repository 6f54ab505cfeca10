package import Columnar
package import Model

/// The Parquet parts of a table as one stream of chunks, in the order of the parts.
///
/// - Shape: as of `ParquetReader`; `firstRow` counts on from part to part.
/// - Throws: as `ParquetReader`; `unsupportedForm` where a part has other columns than the first.
/// - Memory: one part's reader at a time.
package final class TableStream {
    package let fields: [Field]
    private var parts: ArraySlice<any ByteRange>
    private let columns: [String]?
    private var reader: ParquetReader
    private var rowsBefore: Int64 = 0

    /// Opens the first part. At least one part; `columns` as of `ParquetReader`.
    package init(parts: [any ByteRange], columns: [String]? = nil) throws {
        guard let first = parts.first else {
            throw FormatError(.unsupportedForm, reason: "the table has no parts, so its columns are not known")
        }
        self.parts = parts.dropFirst()
        self.columns = columns
        reader = try ParquetReader(first, columns: columns)
        fields = reader.fields
    }

    /// The next chunk, with one row at least; nil at the end.
    package func next() throws -> Chunk? {
        while true {
            if let chunk = try reader.next() {
                return Chunk(
                    columns: chunk.columns, rowCount: chunk.rowCount, firstRow: rowsBefore + chunk.firstRow)
            }
            guard let part = parts.popFirst() else { return nil }
            rowsBefore += reader.rowCount
            reader = try ParquetReader(part, columns: columns)
            guard reader.fields == fields else {
                throw FormatError(
                    .unsupportedForm, reason: "a part of the table has other columns than the first",
                    remedy: "compare the version with its digests (etlx modules STORE verify)")
            }
        }
    }
}

/// A table given out in a format for other programs.
package enum TableExport {
    /// Writes the rows of `parts` in order and returns how many.
    ///
    /// - Parameters:
    ///   - parts: the Parquet parts of one table; at least one.
    ///   - columns: names, in the order wanted; nil: all.
    ///   - limit: rows at most; nil: all. No more of the parts is read than that takes.
    /// - Throws: `FormatError` (`sinkFailed` where the sink refuses), and what the parts throw.
    package static func write(
        parts: [any ByteRange], format: ExportFormat, into sink: any ByteSink, columns: [String]? = nil,
        limit: Int64? = nil
    ) throws -> Int64 {
        let stream = try TableStream(parts: parts, columns: columns)
        let writer = format.writer(fields: stream.fields, sink: sink)
        var rows: Int64 = 0
        while rows < limit ?? .max, let chunk = try stream.next() {
            let taken = chunk.prefix(limit.map { $0 - rows } ?? .max)
            try writer.append(taken)
            rows += Int64(taken.rowCount)
        }
        try writer.finish()
        return rows
    }
}

extension Chunk {
    /// The first `rows` rows, or all.
    fileprivate func prefix(_ rows: Int64) -> Chunk {
        guard rows < Int64(rowCount) else { return self }
        let keep = (0..<rowCount).map { Int64($0) < rows }
        return Chunk(columns: columns.map { $0.selecting(keep) }, rowCount: Int(rows), firstRow: firstRow)
    }
}
