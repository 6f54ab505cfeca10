package import Columnar
package import Model

/// Writes chunks as CSV (RFC 4180): UTF-8 without a byte-order mark, a header, commas, lines that end in CR LF.
///
/// - Cells: see `CellTexts`. A NULL is nothing between two commas, an empty text is `""`; in a table of one column a NULL is
///   an empty line, which many readers pass over.
/// - Throws: `sinkFailed` when the sink throws; the writer is then of no further use.
/// - Memory: the text of one chunk.
package final class CSVWriter: TableWriter {
    private let fields: [Field]
    private let output: CheckedSink
    private let texts: [CellTexts]
    private let rows = CellTexts()
    private let prefixes: [[UInt8]]
    private var hasHeader = false

    package init(fields: [Field], sink: any ByteSink) {
        precondition(!fields.isEmpty, "a table has columns")
        self.fields = fields
        output = CheckedSink.export(sink)
        texts = fields.map { _ in CellTexts() }
        prefixes = fields.indices.map { $0 == 0 ? [] : Array(",".utf8) }
    }

    package func append(_ chunk: Chunk) throws(FormatError) {
        precondition(chunk.columns.map(\.type) == fields.map(\.type), "a chunk has the table's columns")
        try writeHeader()
        for (texts, column) in zip(texts, chunk.columns) { texts.render(column, as: .csv) }
        unsafe rows.join(
            texts, prefixes: prefixes, suffix: Array("\r\n".utf8), validity: nil, rows: chunk.rowCount)
        try unsafe output.write(rows.bytes.bytes)
    }

    package func finish() throws(FormatError) { try writeHeader() }

    private func writeHeader() throws(FormatError) {
        guard !hasHeader else { return }
        hasHeader = true
        try output.write(Array((fields.map { Self.quoted($0.name) }.joined(separator: ",") + "\r\n").utf8))
    }

    private static func quoted(_ name: String) -> String {
        let isPlain = !name.isEmpty && !name.utf8.contains { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }
        if isPlain { return name }
        return "\"" + name.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }
}
