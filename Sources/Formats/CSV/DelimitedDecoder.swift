internal import CKernels
package import Columnar
package import Model

/// What decoding a shard did to its records.
package struct DelimitedCounts: Sendable, Equatable {
    /// All records, dropped ones too.
    package var recordsRead: Int64 = 0
    package var dropped: Int64 = 0
    /// The first of them, counted from one in their file, ascending.
    package var droppedRecords: [Int64] = []
    /// Of each asked-for column: values without counterpart that became NULL.
    package var nulledSpecials: [Int64]
}

/// Turns the bytes of one shard of a delimited file into chunks of the columns that are asked for.
///
/// - Shape: one row for every sound record, in order; chunks of at most `Limits.rowsPerChunk` rows, handed on when they
///   hold `Limits.bytesPerChunk`. Which rows meet in a chunk depends on the shard's bytes alone.
/// - Nulls: unquoted fields with one of the spec's null texts. A quoted empty field is the empty string, which only text
///   columns can hold.
/// - Declared numbers may have a plus sign and leading zeros, declared booleans may be t/f, yes/no, on/off, 1/0;
///   otherwise the forms are those of `TypeInference`. Blanks around a value are part of it.
/// - Errors: `malformedRecord`, `wrongType`, `specialValue`, `invalidEncoding`, `cellTooLarge`, `brokenStream`, with file
///   and record number, never the value. With `onMalformed: .drop` the first three leave the record out and
///   count it, but for a malformed record that may hide others.
/// - Cost: no allocation per row; one block of bytes and one chunk in memory.
package final class DelimitedDecoder {
    private let spec: DelimitedSpec
    private let limits: DelimitedLimits
    private let fieldCount: Int
    private let nulls: NullTexts
    private let reader: RecordReader
    private let fields: [FieldColumn]
    private var statuses: [UInt8] = []
    /// Rows of the chunk being built that are left out.
    private var excluded: [Int] = []
    private var chunkRows = 0
    private var rowsHandedOn: Int64 = 0
    package private(set) var counts: DelimitedCounts

    /// - Parameters:
    ///   - file: its name in messages.
    ///   - start: the piece's first byte. At 0 the decoder passes byte-order mark, skipped lines and header itself.
    ///   - firstRecord: records of the file before the piece.
    ///   - fieldCount: fields of a record.
    ///   - bytes: the file's bytes from `start` to the piece's end.
    package init(
        _ spec: DelimitedSpec, file: String, start: Int64, firstRecord: Int64, fieldCount: Int,
        columns: [DelimitedColumn], bytes: any ByteSource, limits: DelimitedLimits = DelimitedLimits()
    ) throws {
        precondition(columns.allSatisfy { $0.fieldIndex < fieldCount }, "columns are fields")
        self.spec = spec
        self.limits = limits
        self.fieldCount = fieldCount
        nulls = NullTexts(spec.nullTexts)
        fields = columns.map { FieldColumn($0) }
        counts = DelimitedCounts(nulledSpecials: columns.map { _ in 0 })
        let input = try DelimitedInput(spec, source: bytes, file: file, isAtStart: start == 0)
        reader = RecordReader(
            input, file: file, dialect: try DelimitedDialect(spec, source: file), limits: limits, start: start,
            firstRecord: firstRecord)
        if start == 0 { try passHeader() }
    }

    private func passHeader() throws {
        try reader.skipLines(spec.skippedLines)
        try reader.learnLineEnds()
        guard spec.hasHeader, let header = try reader.header(passes: true) else { return }
        guard header.count == fieldCount else {
            throw FormatError(
                .malformedRecord, row: 0, file: reader.file,
                reason: "the header has \(header.count) fields where \(fieldCount) were planned",
                remedy: "the file has changed: plan again")
        }
    }

    /// The next chunk, or nil after the last.
    package func next() throws -> Chunk? {
        while true {
            while chunkRows < limits.rowsPerChunk, heldBytes < limits.bytesPerChunk {
                guard try reader.next(fieldCount: fieldCount, rowLimit: limits.rowsPerChunk - chunkRows) else { break }
                try take()
            }
            if chunkRows == 0 { return nil }
            // A chunk of dropped records alone is none.
            if let chunk = finishChunk() { return chunk }
        }
    }

    private var heldBytes: Int { fields.reduce(0) { $0 + $1.byteCount } }

    /// Reads the batch's columns into the chunk.
    private func take() throws(FormatError) {
        counts.recordsRead += Int64(reader.recordCount)
        let rows = reader.rowCount
        if statuses.count < rows { statuses = [UInt8](repeating: 0, count: rows) }
        var failures: [(row: Int, column: Int, status: UInt8)] = []
        for (index, field) in fields.enumerated() where rows > 0 {
            let view = unsafe nulls.column(of: reader, field: field.column.fieldIndex, fieldCount: fieldCount)
            let failed = unsafe statuses.withUnsafeMutableBufferPointer {
                unsafe field.append(view, statuses: $0.baseAddress!)
            }
            if failed > 0 { failures += takeFailures(ofColumn: index, rows: rows) }
        }
        if reader.badCount > 0 || !failures.isEmpty { try leaveOut(failures) }
        chunkRows += rows
    }

    /// The rows that failed, except special values that become NULL.
    private func takeFailures(ofColumn index: Int, rows: Int) -> [(row: Int, column: Int, status: UInt8)] {
        var failures: [(row: Int, column: Int, status: UInt8)] = []
        for row in 0..<rows where statuses[row] != 0 {
            let status = statuses[row]
            statuses[row] = 0
            if Int(status) == KERNEL_CSV_SPECIAL, fields[index].column.nullsSpecials {
                counts.nulledSpecials[index] += 1
            } else {
                failures.append((row, index, status))
            }
        }
        return failures
    }

    /// Leaves records out, or throws for the first of them.
    private func leaveOut(_ failures: [(row: Int, column: Int, status: UInt8)]) throws(FormatError) {
        let first = failures.min { ($0.row, $0.column) < ($1.row, $1.column) }
        let malformed = (0..<reader.badCount).map { reader.malformed($0, fieldCount: fieldCount) }
        if let bad = malformed.first(where: { !$0.mayBeDropped }), spec.onMalformed == .drop { throw bad.error }
        if spec.onMalformed == .stop {
            if let bad = malformed.first, first.map({ bad.record < reader.number(ofRow: $0.row) }) ?? true {
                throw bad.error
            }
            if let first { throw error(first.row, fields[first.column].column, first.status) }
        }
        // As of records that break the dialect: others may be text of this one, and nobody would count them.
        if let failure = failures.filter({ reader.spansLines(row: $0.row, fieldCount: fieldCount) })
            .min(by: { ($0.row, $0.column) < ($1.row, $1.column) })
        {
            let error = error(failure.row, fields[failure.column].column, failure.status)
            throw FormatError(
                error.code, column: error.column, row: error.row, file: error.file,
                reason: error.reason + ", over several lines", remedy: MalformedRecord.neverDropped)
        }
        let rows = Set(failures.map(\.row)).sorted()
        excluded += rows.map { chunkRows + $0 }
        let records = (malformed.map(\.record) + rows.map { reader.number(ofRow: $0) }).sorted()
        counts.dropped += Int64(records.count)
        counts.droppedRecords += records.prefix(max(0, limits.listedRecords - counts.droppedRecords.count))
    }

    private func finishChunk() -> Chunk? {
        var columns = fields.map { $0.finish() }
        var rows = chunkRows
        if !excluded.isEmpty {
            var keep = [Bool](repeating: true, count: rows)
            for row in excluded { keep[row] = false }
            columns = columns.map { $0.selecting(keep) }
            rows -= excluded.count
            excluded = []
        }
        chunkRows = 0
        defer { rowsHandedOn += Int64(rows) }
        return rows == 0 ? nil : Chunk(columns: columns, rowCount: rows, firstRow: rowsHandedOn)
    }

    private func error(_ row: Int, _ column: DelimitedColumn, _ status: UInt8) -> FormatError {
        let number = reader.number(ofRow: row)
        switch Int(status) {
        case KERNEL_CSV_SPECIAL:
            return FormatError(
                .specialValue, column: column.name, row: number, file: reader.file,
                reason: "a value without counterpart in \(column.type)",
                remedy: "`{cast: text}` publishes it as written, `{on_special: null}` makes it NULL")
        case KERNEL_CSV_NO_ROOM:
            return FormatError(
                .wrongType, column: column.name, row: number, file: reader.file,
                reason: "a number that \(column.type) does not hold", remedy: "declare a wider type, or text")
        default:
            return FormatError(
                .wrongType, column: column.name, row: number, file: reader.file,
                reason: "the field is not written as \(column.type) is",
                remedy: "declare the column as text, or set `on_malformed: drop`")
        }
    }
}
