package import Columnar
package import Model

/// Writes chunks of one table in a format for other programs.
package protocol TableWriter: AnyObject {
    /// Appends the chunk's rows. Keeps no reference to it.
    func append(_ chunk: Chunk) throws(FormatError)
    /// Writes what the format ends with. The sink stays the caller's.
    func finish() throws(FormatError)
}

/// The formats that tables are given out in.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// Arrow's IPC stream, LZ4.
    case arrow
    /// RFC 4180 with a header.
    case csv
    /// A JSON object a line.
    case jsonl

    package func writer(fields: [Field], sink: any ByteSink) -> any TableWriter {
        switch self {
        case .arrow: ArrowStreamWriter(fields: fields, sink: sink)
        case .csv: CSVWriter(fields: fields, sink: sink)
        case .jsonl: JSONLinesWriter(fields: fields, sink: sink)
        }
    }
}
