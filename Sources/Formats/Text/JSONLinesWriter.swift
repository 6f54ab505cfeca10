package import Columnar
package import Model

/// Writes chunks as JSON Lines: an object a row, UTF-8, lines that end in LF. Members stand in the order of the columns; a NULL
/// is `null`, never left out.
///
/// - Cells: see `CellTexts`. Numbers have all their digits: a reader that takes every number for a double loses those of
///   64-bit integers and decimals, and has to be told (Python: `parse_float=decimal.Decimal`).
/// - Throws: `sinkFailed` when the sink throws; the writer is then of no further use.
/// - Memory: the text of one chunk.
package final class JSONLinesWriter: TableWriter {
    private let fields: [Field]
    private let output: CheckedSink
    private let texts: [CellTexts]
    private let rows = CellTexts()
    private let prefixes: [[UInt8]]

    package init(fields: [Field], sink: any ByteSink) {
        precondition(!fields.isEmpty, "a table has columns")
        self.fields = fields
        output = CheckedSink.export(sink)
        texts = fields.map { _ in CellTexts() }
        prefixes = CellTexts.prefixes(fields)
    }

    package func append(_ chunk: Chunk) throws(FormatError) {
        precondition(chunk.columns.map(\.type) == fields.map(\.type), "a chunk has the table's columns")
        for (texts, column) in zip(texts, chunk.columns) { texts.render(column, as: .json) }
        unsafe rows.join(
            texts, prefixes: prefixes, suffix: Array("}\n".utf8), validity: nil, rows: chunk.rowCount)
        try unsafe output.write(rows.bytes.bytes)
    }

    package func finish() throws(FormatError) {}
}
