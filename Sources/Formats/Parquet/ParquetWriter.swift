package import Columnar
package import Model

/// What a finished Parquet part holds.
package struct ParquetSummary: Sendable, Equatable {
    package let rowCount: Int64
    package let byteCount: Int64
    package let rowGroupCount: Int

    package init(rowCount: Int64, byteCount: Int64, rowGroupCount: Int) {
        self.rowCount = rowCount
        self.byteCount = byteCount
        self.rowGroupCount = rowGroupCount
    }
}

/// Writes chunks as one Parquet file that pyarrow, DuckDB, polars and Spark all read.
///
/// File: `PAR1`, row groups (column chunks in the order of the schema: dictionary page if any, then data pages), metadata,
/// its length, `PAR1`. Data pages are version 1, each with a checksum; the codec is `LZ4_RAW`, `ZSTD` or none.
///
/// The same rows give the same bytes, whatever chunks they come in: pages and row groups end at the ends of stripes alone
/// (`ParquetStripes`), and nothing is hashed with a seed or stamped with a time.
///
/// - Shape: chunks have the columns of `columns` in their order and of their types; a chunk may have no rows.
/// - Nulls: every column is optional.
/// - Privacy: a protected column has no statistics.
/// - Throws: `sinkFailed` when the sink throws; the writer is then of no further use.
/// - Memory: one row group's compressed pages and dictionaries, and the pages in progress, both bounded over all leaves.
///   A huge cell is never copied.
/// - Source: apache/parquet-format 2.13.
package final class ParquetWriter {
    /// When stripes, pages and row groups end. Tests use smaller ones.
    struct Bounds {
        var rowsPerRowGroup = Limits.rowsPerRowGroup
        var bytesPerRowGroup = Limits.bytesPerRowGroup
        var bufferedBytesPerRowGroup = Limits.bufferedBytesPerRowGroup
        /// Of a table with very many columns; see `endStripe`.
        var bytesOfOpenPages = Limits.bytesOfOpenPages
        var bytesOfDictionaryIndexes = Limits.bytesOfDictionaryIndexes
        var rowsPerPage = Limits.rowsPerPage
        var bytesPerPage = Limits.bytesPerPage
        var bytesPerDictionary = Limits.bytesPerDictionary
        /// A fifth of a page: small enough for pages near their size, large enough that loops are long.
        var rowsPerStripe = Limits.rowsPerPage / 5
        /// Of one column.
        var bytesPerStripe = Limits.bytesPerPage
        /// Of all columns together.
        var bytesPerWideStripe = 8 << 20
        /// A larger cell is written from where it lies.
        var bytesPerGiantCell = 4 << 20
    }

    private let columns: [OutputColumn]
    private let nodes: [ParquetNode]
    private let bounds: Bounds
    private let output: ParquetOutput
    private let leaves: [ParquetLeaf]
    private let levels = ParquetLevels()
    private var footer: ParquetFooter
    private var stripes: ParquetStripes
    private var groupRowCount = 0
    private var groupByteCount = 0
    private var isFinished = false

    package convenience init(columns: [OutputColumn], codec: TargetSpec.Codec, sink: any ByteSink) {
        self.init(columns: columns, codec: codec, sink: sink, bounds: Bounds())
    }

    init(columns: [OutputColumn], codec: TargetSpec.Codec, sink: any ByteSink, bounds: Bounds) {
        self.columns = columns
        self.bounds = bounds
        output = ParquetOutput(sink: sink)
        let schema = ParquetSchema(columns: columns)
        nodes = schema.nodes
        let scratch = ParquetScratch(codec: codec)
        leaves = schema.leaves.map { ParquetLeaf(shape: $0, bounds: bounds, scratch: scratch) }
        footer = ParquetFooter(schema: schema, codec: codec)
        stripes = ParquetStripes(bounds: bounds, columnCount: columns.count)
    }

    /// Appends the chunk's rows. Keeps no reference to it.
    package func append(_ chunk: Chunk) throws(FormatError) {
        precondition(!isFinished, "a finished part takes no more rows")
        precondition(chunk.columns.map(\.type) == columns.map(\.type), "a chunk has the part's columns")
        var row = 0
        while row < chunk.rowCount {
            let step = stripes.take(chunk, from: row, rowsLeft: bounds.rowsPerRowGroup - groupRowCount)
            shred(chunk, row..<step.end, isGiant: step.isGiant)
            row = step.end
            if step.isComplete { try endStripe(isGiant: step.isGiant) }
        }
    }

    /// Writes what is left and the footer.
    package func finish() throws(FormatError) -> ParquetSummary {
        precondition(!isFinished, "a part is finished once")
        try endStripe(isGiant: false)
        if groupRowCount > 0 { try flushRowGroup() }
        try beginFile()
        try output.write(footer.encoded)
        isFinished = true
        return ParquetSummary(
            rowCount: footer.rowCount, byteCount: output.position, rowGroupCount: footer.rowGroupCount)
    }

    private func shred(_ chunk: Chunk, _ rows: Range<Int>, isGiant: Bool) {
        guard !rows.isEmpty else { return }
        for (node, column) in zip(nodes, chunk.columns) {
            if case .leaf(let leaf) = node {
                leaves[leaf].append(column, rows: rows, isGiant: isGiant)
            } else {
                levels.shred(node, column, rows: rows, into: leaves, isGiant: isGiant)
            }
        }
    }

    private func endStripe(isGiant: Bool) throws(FormatError) {
        groupByteCount += stripes.byteCount
        let rowCount = stripes.begin()
        guard rowCount > 0 else { return }
        groupRowCount += rowCount
        for leaf in leaves { leaf.endStripe(rowCount: rowCount) }
        // Each leaf keeps to its own bounds; a thousand of them together would not fit.
        if leaves.reduce(0, { $0 + $1.openByteCount }) >= bounds.bytesOfOpenPages {
            for leaf in leaves { leaf.endPage() }
        }
        let buffered = leaves.reduce(0) { $0 + $1.bufferedByteCount }
        let indexed = leaves.reduce(0) { $0 + $1.dictionaryIndexByteCount }
        if indexed >= bounds.bytesOfDictionaryIndexes || isGiant || groupRowCount >= bounds.rowsPerRowGroup
            || groupByteCount >= bounds.bytesPerRowGroup
            || buffered >= bounds.bufferedBytesPerRowGroup
        {
            try flushRowGroup()
        }
    }

    private func flushRowGroup() throws(FormatError) {
        try beginFile()
        let start = output.position
        var chunks: [ParquetColumnChunk] = []
        for leaf in leaves { chunks.append(try leaf.finishChunk(output)) }
        footer.addRowGroup(chunks, rowCount: groupRowCount, start: start)
        groupRowCount = 0
        groupByteCount = 0
    }

    /// Nothing is written before there is something to say.
    private func beginFile() throws(FormatError) {
        if output.position == 0 { try output.write(ParquetFooter.magic) }
    }
}
