internal import CKernels
import Columnar
import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Splits a file's UTF-8 into records, batch by batch. Planning and decoding both read through it, so that they agree on
/// every record.
///
/// A record's number counts from one at the first record after the header; malformed records have numbers too, blank
/// lines and comments have none.
///
/// - Cost: one block in memory, which grows to hold the longest record; no allocation per row.
@safe final class RecordReader {
    let file: String
    private(set) var dialect: kernel_csv_dialect
    private let input: DelimitedInput
    private let limits: DelimitedLimits

    // The block: bytes begin ..< end are read, begin ..< valid are UTF-8.
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var begin = 0
    private var valid = 0
    private var end = 0
    private var isAtEnd = false
    /// The byte at `valid` is not UTF-8.
    private var isInvalid = false
    /// Offset in the file, as decompressed, of the input's first byte of text.
    private let fileStart: Int64
    /// UTF-8 bytes before `begin`.
    private var offset: Int64 = 0
    /// Bytes of the file before `begin`, while the input is seekable.
    private(set) var fileOffset: Int64
    /// Records before the current batch.
    private(set) var recordNumber: Int64

    // The current batch.
    private var result = kernel_csv_split_result()
    private(set) var fields: UnsafeMutablePointer<kernel_csv_field>
    private var fieldCapacity: Int
    private var rowRecords: [UInt32] = []
    private var rowEnds: [UInt32] = []
    private var bad = [kernel_csv_bad](repeating: kernel_csv_bad(), count: 256)

    /// - Parameters:
    ///   - start: offset in the file of the input's first byte.
    ///   - firstRecord: records of the file before it.
    init(
        _ input: DelimitedInput, file: String, dialect: DelimitedDialect, limits: DelimitedLimits, start: Int64,
        firstRecord: Int64
    ) {
        self.input = input
        self.file = file
        self.dialect = dialect.kernel
        self.limits = limits
        fileStart = start + Int64(input.markLength)
        fileOffset = fileStart
        recordNumber = firstRecord
        capacity = max(limits.bytesPerBlock, 4)  // a scalar fits
        unsafe memory = .allocate(capacity: capacity + Int(KERNEL_CSV_PADDING))
        unsafe memory.initialize(repeating: 0, count: capacity + Int(KERNEL_CSV_PADDING))
        fieldCapacity = max(limits.fieldsPerBatch, 16)
        unsafe fields = .allocate(capacity: fieldCapacity)
    }

    deinit {
        unsafe memory.deallocate()
        unsafe fields.deallocate()
    }

    // MARK: the current batch

    /// What the fields' starts count from.
    var block: UnsafePointer<UInt8> { unsafe UnsafePointer(memory + begin) }
    /// Sound records.
    var rowCount: Int { result.rows }
    /// All records.
    var recordCount: Int { result.records }
    var badCount: Int { result.bad }

    /// The number of a row's record.
    func number(ofRow row: Int) -> Int64 { recordNumber + Int64(rowRecords[row]) + 1 }

    func malformed(_ index: Int, fieldCount: Int) -> MalformedRecord {
        MalformedRecord(
            file: file, record: recordNumber + Int64(bad[index].record) + 1,
            reason: Self.reason(bad[index].reason, found: Int(bad[index].width), expected: fieldCount),
            isUnterminated: Int(bad[index].reason) == KERNEL_CSV_UNTERMINATED, spansLines: spansLines(bad[index]))
    }

    /// A line ends within the row's record.
    func spansLines(row: Int, fieldCount: Int) -> Bool {
        let (first, last) = unsafe (fields[row * fieldCount], fields[(row + 1) * fieldCount - 1])
        let end = last.start + (last.size & UInt32(KERNEL_CSV_LENGTH))
        return hasLineEnd(Int(first.start)..<Int(end))
    }

    /// A line ends within the record.
    private func spansLines(_ bad: kernel_csv_bad) -> Bool { hasLineEnd(Int(bad.start)..<Int(bad.end)) }

    private func hasLineEnd(_ range: Range<Int>) -> Bool {
        var bytes = unsafe UnsafeBufferPointer(start: block + range.lowerBound, count: range.count)[...]
        // Its own end is none.
        if unsafe bytes.last == UInt8(ascii: "\n") { unsafe bytes.removeLast() }
        if unsafe bytes.last == UInt8(ascii: "\r") { unsafe bytes.removeLast() }
        return unsafe bytes.contains { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    }

    /// File offset of the batch's end.
    var batchEnd: Int64 { fileOffset + sourceLength(0..<result.consumed) }

    /// File offsets of the ends of rows `rows`, in order.
    func forEachRowEnd(_ body: (_ row: Int, _ end: Int64) -> Void) {
        var last = 0
        var place = fileOffset
        for row in 0..<result.rows {
            place += sourceLength(last..<Int(rowEnds[row]))
            last = Int(rowEnds[row])
            body(row, place)
        }
    }

    /// Bytes in the file of a part of the block.
    private func sourceLength(_ range: Range<Int>) -> Int64 {
        guard input.isSingleByte else { return Int64(range.count) }
        return unsafe Int64(kernel_csv_count_scalars(block + range.lowerBound, range.count))
    }

    // MARK: reading

    /// Passes `count` lines.
    func skipLines(_ count: Int) throws {
        for _ in 0..<count {
            while true {
                // SIZE_MAX, for a line without end here, arrives as -1.
                let length = unsafe kernel_csv_line(block, valid - begin, isLast ? 1 : 0)
                if length >= 0 {
                    consume(length)
                    break
                }
                try refill()
            }
        }
    }

    /// Looks at how the next record ends: where a CR does without an LF, one ends the others too. To be called before the
    /// first record. Whoever begins in a file's middle need not know, for files of lone CRs are not cut.
    func learnLineEnds() throws {
        dialect.cr_ends = 1
        var reason: UInt32 = 0
        while true {
            let count = unsafe kernel_csv_split_one(
                &dialect, block, valid - begin, isLast ? 1 : 0, fields, fieldCapacity, &reason, &result)
            if count > 0 || isLast { break }
            try refill()
        }
        let consumed = result.consumed
        result = kernel_csv_split_result()
        let isCR = unsafe consumed > 0 && block[consumed - 1] == UInt8(ascii: "\r")
        dialect.cr_ends = isCR ? 1 : 0
    }

    var endsWithLoneCR: Bool { dialect.cr_ends != 0 }

    /// The fields of the next record, or nil when there is none. `passes`: the batches begin after it, and it has no
    /// number; otherwise nothing is passed.
    func header(passes: Bool) throws -> [String]? {
        while true {
            var reason: UInt32 = 0
            let count = unsafe kernel_csv_split_one(
                &dialect, block, valid - begin, isLast ? 1 : 0, fields, fieldCapacity, &reason, &result)
            if count > fieldCapacity {
                unsafe fields.deallocate()
                fieldCapacity = count
                unsafe fields = .allocate(capacity: count)
                continue
            }
            if result.records > 0 {
                guard reason == 0 || !passes else { throw malformedHeader(reason) }
                try checkLengths(count: count)
                let texts = (0..<count).map { unsafe text(fields[$0]) }
                if passes { consume(result.consumed) }
                result = kernel_csv_split_result()
                return texts
            }
            if passes { consume(result.consumed) }
            result = kernel_csv_split_result()
            if isLast { return nil }
            try refill()
        }
    }

    /// Splits the next records, `rowLimit` sound ones at most; false when there are none.
    /// - Throws: `FormatError.invalidEncoding` and `.cellTooLarge`. Malformed records are no error here.
    func next(fieldCount: Int, rowLimit: Int) throws -> Bool {
        let rowLimit = min(rowLimit, max(1, fieldCapacity / fieldCount))
        if fieldCount > fieldCapacity {
            unsafe fields.deallocate()
            fieldCapacity = fieldCount
            unsafe fields = .allocate(capacity: fieldCount)
        }
        if rowRecords.count < rowLimit {
            rowRecords = [UInt32](repeating: 0, count: rowLimit)
            rowEnds = rowRecords
        }
        dialect.keeps_blank = fieldCount == 1 ? 1 : 0
        while true {
            let isExhausted = result.needs_more != 0
            let badLimit = bad.count
            finishBatch()
            if isExhausted { try refill() }
            unsafe kernel_csv_split(
                &dialect, block, valid - begin, isLast ? 1 : 0, fieldCount, rowLimit, fields, &rowRecords, &rowEnds,
                &bad, badLimit, &result)
            if result.records > 0 {
                if result.longest > limits.bytesPerCell { throw tooLarge(fieldCount: fieldCount) }
                return true
            }
            if isLast { return false }
            // Blank lines and comments alone, or a record's beginning.
            result.needs_more = 1
        }
    }

    private var isLast: Bool { isAtEnd && valid == end }

    private func finishBatch() {
        consume(result.consumed)
        recordNumber += Int64(result.records)
        result = kernel_csv_split_result()
    }

    private func consume(_ count: Int) {
        fileOffset += sourceLength(0..<count)
        offset += Int64(count)
        begin += count
    }

    /// Reads more behind what is there; the block grows when that fills it.
    private func refill() throws {
        if isInvalid { throw invalidEncoding() }
        precondition(!isAtEnd, "nothing follows the end")
        unsafe memmove(memory, memory + begin, end - begin)
        valid -= begin
        end -= begin
        begin = 0
        if end == capacity {
            guard capacity < limits.bytesPerRecord else {
                throw FormatError(
                    .cellTooLarge, row: recordNumber + 1, file: file,
                    reason: "the record does not end within \(limits.bytesPerRecord) bytes",
                    remedy: "look for a quote that is never closed")
            }
            grow()
        }
        while end < capacity {
            let rest = unsafe UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end)
            let count = unsafe try input.bytes.read(into: rest)
            end += count
            if count == 0 {
                isAtEnd = true
                break
            }
        }
        unsafe valid += kernel_csv_valid_utf8(memory + valid, end - valid)
        let isPartial = unsafe kernel_csv_is_partial_utf8(memory + valid, end - valid) != 0
        isInvalid = valid < end && (isAtEnd || !isPartial)
    }

    private func grow() {
        let grown = min(2 * capacity, limits.bytesPerRecord)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: grown + Int(KERNEL_CSV_PADDING))
        unsafe larger.initialize(repeating: 0, count: grown + Int(KERNEL_CSV_PADDING))
        unsafe memcpy(larger, memory, end)
        unsafe memory.deallocate()
        unsafe memory = unsafe larger
        capacity = grown
    }

    // MARK: what is wrong

    private func checkLengths(count: Int) throws(FormatError) {
        if result.longest > limits.bytesPerCell { throw tooLarge(fieldCount: count) }
    }

    private func tooLarge(fieldCount: Int) -> FormatError {
        let row = (0..<result.rows).first { row in
            (0..<fieldCount).contains { field in
                unsafe Int(fields[row * fieldCount + field].size & UInt32(KERNEL_CSV_LENGTH)) > limits.bytesPerCell
            }
        }
        return FormatError(
            .cellTooLarge, row: row.map { number(ofRow: $0) }, file: file,
            reason: "a field holds more than \(limits.bytesPerCell) bytes")
    }

    private func invalidEncoding() -> FormatError {
        // Without transcoding the place in the file is the place in the UTF-8.
        let place = input.transcoder.flatMap(\.invalidOffset) ?? offset + Int64(valid - begin)
        return FormatError(
            .invalidEncoding, row: recordNumber + 1, file: file,
            reason:
                "byte \(fileStart + place) of the \(input.isCompressed ? "decompressed " : "")file is not \(input.encoding.rawValue)",
            remedy: "declare the right `encoding:`")
    }

    private func malformedHeader(_ reason: UInt32) -> FormatError {
        FormatError(
            .malformedRecord, row: 0, file: file, reason: "the header: " + Self.reason(reason, found: 0, expected: 0))
    }

    private static func reason(_ code: UInt32, found: Int, expected: Int) -> String {
        switch Int(code) {
        case KERNEL_CSV_WRONG_WIDTH: "the record has \(found) fields, the header \(expected)"
        case KERNEL_CSV_TEXT_AFTER_QUOTE: "text follows a closing quote"
        case KERNEL_CSV_LONE_CR: "a carriage return without line feed stands outside quotes"
        case KERNEL_CSV_MARK_INSIDE: "a byte-order mark stands before it, as where files were joined"
        default: "the file ends inside quotes"
        }
    }

    private func text(_ field: kernel_csv_field) -> String {
        let length = Int(field.size & UInt32(KERNEL_CSV_LENGTH))
        let start = unsafe block + Int(field.start)
        let raw = unsafe UnsafeBufferPointer(start: start, count: length)
        guard field.size & UInt32(KERNEL_CSV_ESCAPED) != 0 else { return unsafe String(decoding: raw, as: UTF8.self) }
        var bytes: [UInt8] = []
        var index = 0
        while index < length {
            let isEscape =
                unsafe raw[index] == dialect.quote || (dialect.has_escape != 0 && raw[index] == dialect.escape)
            if isEscape, index + 1 < length { index += 1 }
            unsafe bytes.append(raw[index])
            index += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A record that breaks the dialect.
package struct MalformedRecord: Sendable, Equatable {
    package let file: String
    /// From one, in its file.
    package let record: Int64
    /// In fixed words.
    package let reason: String
    let isUnterminated: Bool
    let spansLines: Bool

    /// It is one record and no more. Behind a stray quote other records, up to the rest of the file, are text of this one:
    /// they would be dropped and nobody would count them.
    package var mayBeDropped: Bool { !isUnterminated && !spansLines }

    static let neverDropped =
        "repair the file: a stray quote may hide other records, so this one is never dropped"

    package var error: FormatError {
        FormatError(
            .malformedRecord, row: record, file: file,
            reason: isUnterminated || !spansLines ? reason : reason + ", over several lines",
            remedy: mayBeDropped
                ? "repair the file, or set `on_malformed: drop`"
                : Self.neverDropped)
    }
}
