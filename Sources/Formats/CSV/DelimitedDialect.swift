internal import CKernels
package import Model

/// How the files of a source are written, checked.
///
/// - Records end with LF or CRLF outside quotes; a file may mix them. In a file whose first record ends with a CR alone,
///   such CRs end the others too; elsewhere outside quotes one makes its record malformed.
/// - A byte-order mark before any but a file's first byte makes its record malformed: files were joined.
/// - A quote opens a quoted field as the field's first byte only; elsewhere in an unquoted field it is text.
/// - Blank lines are no records, except in files of one column: there a blank line is a record whose field is empty
///   (NULL by default), because it is how such files write it.
/// - NUL bytes are text like any other.
struct DelimitedDialect {
    let kernel: kernel_csv_dialect

    /// - Throws: `FormatError.malformedRecord` when two of the dialect's bytes are the same or one is not ASCII.
    init(_ spec: DelimitedSpec, source: String) throws(FormatError) {
        // An escape equal to the quote says what doubling says already.
        let escape = spec.escape == spec.quote ? nil : spec.escape
        let bytes = [spec.delimiter] + [spec.quote, escape, spec.comment].compactMap { $0 }
        let isPlain = bytes.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard isPlain, Set(bytes).count == bytes.count else {
            throw FormatError(
                .malformedRecord, file: source,
                reason: "delimiter, quote, escape and comment must be different ASCII characters, no line ends")
        }
        kernel = kernel_csv_dialect(
            delimiter: spec.delimiter, quote: spec.quote ?? 0, escape: escape ?? 0, comment: spec.comment ?? 0,
            has_quote: spec.quote == nil ? 0 : 1, has_escape: escape == nil || spec.quote == nil ? 0 : 1,
            has_comment: spec.comment == nil ? 0 : 1, keeps_blank: 0, cr_ends: 0)
    }

    /// The dialect of records with `fieldCount` fields.
    func kernel(fieldCount: Int) -> kernel_csv_dialect {
        var kernel = kernel
        kernel.keeps_blank = fieldCount == 1 ? 1 : 0
        return kernel
    }
}

extension DelimitedSpec {
    /// The dialect in words, for plans and metadata: `delimiter ",", quote "\"", header, utf-8`.
    package func dialectDescription(encodings: [Encoding], isCompressed: Bool) -> String {
        func shown(_ byte: UInt8) -> String { JSON.text(String(UnicodeScalar(byte))).text() }
        var parts = ["delimiter \(shown(delimiter))", quote.map { "quote \(shown($0))" } ?? "no quotes"]
        if let escape { parts.append("escape \(shown(escape))") }
        if let comment { parts.append("comments \(shown(comment))") }
        if skippedLines > 0 { parts.append("\(skippedLines) lines skipped") }
        parts.append(hasHeader ? "header" : "no header")
        parts.append(encodings.map(\.rawValue).joined(separator: " and "))
        if isCompressed { parts.append("gzip") }
        if nullTexts != [""] { parts.append("NULL as \(JSON.texts(nullTexts).text())") }
        return parts.joined(separator: ", ")
    }
}

/// The texts that mean NULL, laid out for the kernels.
@safe final class NullTexts {
    private let isEmptyNull: Bool
    private let bytes: UnsafeMutablePointer<UInt8>
    private let ends: UnsafeMutablePointer<UInt32>
    private let count: Int

    init(_ texts: [String]) {
        isEmptyNull = texts.contains("")
        let others = texts.filter { !$0.isEmpty }.map { Array($0.utf8) }
        count = others.count
        unsafe bytes = .allocate(capacity: others.reduce(1) { $0 + $1.count })
        unsafe ends = .allocate(capacity: others.count + 1)
        var end = 0
        for (index, text) in others.enumerated() {
            for byte in text {
                unsafe bytes[end] = byte
                end += 1
            }
            unsafe ends[index] = UInt32(end)
        }
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe ends.deallocate()
    }

    /// The kernels' view of one column of a split block.
    func column(of batch: RecordReader, field: Int, fieldCount: Int) -> kernel_csv_column {
        unsafe kernel_csv_column(
            bytes: batch.block, fields: UnsafePointer(batch.fields + field), stride: fieldCount, rows: batch.rowCount,
            quote: batch.dialect.quote, escape: batch.dialect.escape, has_escape: batch.dialect.has_escape,
            empty_is_null: isEmptyNull ? 1 : 0, null_bytes: UnsafePointer(bytes), null_ends: UnsafePointer(ends),
            null_count: count)
    }
}
