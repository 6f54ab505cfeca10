internal import CKernels
internal import Columnar
internal import Model

/// One leaf of the schema while a row group is being read: the page at hand, and the levels and values of the rows that
/// were asked for and not yet taken.
///
/// - Memory: a page, its levels and indexes, a dictionary, and the rows asked for.
final class ParquetLeafReader {
    let shape: ParquetLeafShape
    private let file: any ByteRange
    private let decompressor: BlockDecompressor
    private let values: ParquetValueReader

    // The column chunk.
    private var pages: ParquetPageStream?
    private var entriesLeft = 0
    private var hasDictionary = false

    // The page at hand.
    private let body = GrowingBytes()
    private let pageDefinition = GrowingBytes()
    private let pageRepetition = GrowingBytes()
    private let indexes = GrowingBytes()
    private var encoding = ParquetEncoding.plain
    private var pageEntryCount = 0
    private var entry = 0
    private var pageValueCount = 0
    private var value = 0
    /// Where the values begin, and where the next PLAIN one is.
    private var valueStart = 0
    private var valueOffset = 0

    // Rows asked for.
    let definition = GrowingBytes()
    let repetition = GrowingBytes()
    private(set) var rowCount = 0
    /// The definition that an entry within list number k has at least.
    private let elementLevels: [UInt8]

    init(shape: ParquetLeafShape, elementLevels: [UInt8], file: any ByteRange, decompressor: BlockDecompressor) {
        precondition(elementLevels.count == shape.maxRepetition + 1, "a level for each list, and one for none")
        self.shape = shape
        self.elementLevels = elementLevels
        self.file = file
        self.decompressor = decompressor
        values = ParquetValueReader(shape: shape)
    }

    private var column: String { shape.path[0] }

    /// Bytes of the rows that wait.
    var heldByteCount: Int { values.heldByteCount + definition.count + repetition.count }

    // MARK: Rows in

    /// Goes to the start of a column chunk.
    func begin(_ place: ParquetChunkPlace) throws {
        pages = ParquetPageStream(file, place: place, column: column, decompressor: decompressor)
        entriesLeft = place.entryCount
        hasDictionary = place.hasDictionary
        (pageEntryCount, entry, pageValueCount, value) = (0, 0, 0, 0)
        values.dropDictionary()
        guard hasDictionary, let pages else { return }
        let header = try pages.next(.dictionary, into: body)
        guard shape.physical != .boolean else {
            throw FormatError.unsupportedParquet("a dictionary of booleans", supported: "plain ones", column: column)
        }
        try values.takeDictionary(body, count: header.valueCount)
    }

    /// Asks for `rows` more rows, which the column chunk has.
    func read(rows: Int) throws {
        var left = rows
        while left > 0 {
            if entry == pageEntryCount { try nextPage() }
            left -= try take(rows: left)
        }
    }

    /// The column chunk is over: nothing is left of it.
    func end() throws(FormatError) {
        guard entriesLeft == 0, entry == pageEntryCount, pages?.isAtEnd ?? true else {
            throw .brokenParquet("a column chunk holds more than its row group", column: column)
        }
        pages = nil
    }

    /// The rows that wait were taken.
    func reset() {
        definition.removeAll()
        repetition.removeAll()
        values.reset()
        rowCount = 0
    }

    private func take(rows: Int) throws(FormatError) -> Int {
        let left = pageEntryCount - entry
        var (entries, found) = (min(rows, left), min(rows, left))
        if shape.maxRepetition > 0 {
            entries = unsafe kernel_parquet_rows(pageRepetition.pointer(UInt8.self) + entry, left, rows, &found)
            unsafe repetition.append(pageRepetition[entry..<entry + entries])
        }
        guard definition.count + entries < Int(Int32.max) else {
            throw .unsupportedParquet("too many elements in few rows", supported: "2^31 at a time", column: column)
        }
        unsafe definition.append(pageDefinition[entry..<entry + entries])
        let count = unsafe kernel_parquet_count_level(
            pageDefinition.pointer(UInt8.self) + entry, entries, UInt8(shape.maxDefinition))
        if count > 0 { try take(values: count) }
        entry += entries
        rowCount += found
        if entry == pageEntryCount { try endPage() }
        return found
    }

    private func take(values count: Int) throws(FormatError) {
        if encoding == .rleDictionary {
            try values.append(indexes, first: value, count: count)
        } else if shape.physical == .boolean {
            try values.appendBits(body, from: valueStart, first: value, count: count)
        } else {
            valueOffset = try values.appendPlain(body, from: valueOffset, count: count)
        }
        value += count
    }

    // MARK: Pages

    private func nextPage() throws {
        guard entriesLeft > 0, let pages else {
            throw FormatError.brokenParquet("a column chunk ends before its row group", column: column)
        }
        let header = try pages.next(.data, into: body)
        guard header.valueCount <= entriesLeft else {
            throw FormatError.brokenParquet("pages hold more values than their column chunk", column: column)
        }
        (pageEntryCount, entry, value) = (header.valueCount, 0, 0)
        entriesLeft -= header.valueCount
        encoding = header.encoding
        var offset = 0
        if shape.maxRepetition > 0 { try readLevels(pageRepetition, shape.maxRepetition, &offset) }
        try readLevels(pageDefinition, shape.maxDefinition, &offset)
        if shape.maxRepetition > 0 {
            guard
                unsafe kernel_parquet_levels_agree(
                    pageDefinition.pointer(UInt8.self), pageRepetition.pointer(UInt8.self), pageEntryCount,
                    elementLevels) != 0
            else { throw FormatError.brokenParquet("levels of a page form no rows", column: column) }
        }
        pageValueCount = unsafe kernel_parquet_count_level(
            pageDefinition.pointer(UInt8.self), pageEntryCount, UInt8(shape.maxDefinition))
        (valueStart, valueOffset) = (offset, offset)
        if encoding == .rleDictionary { try readIndexes(from: offset) }
    }

    private func readLevels(_ target: GrowingBytes, _ largest: Int, _ offset: inout Int) throws(FormatError) {
        guard body.count - offset >= 4 else { throw brokenLevels }
        let size = unsafe Int(body.base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        offset += 4
        guard size <= body.count - offset else { throw brokenLevels }
        target.removeAll()
        let out = unsafe target.reserve(pageEntryCount).assumingMemoryBound(to: UInt8.self)
        let taken = unsafe kernel_parquet_read_levels(
            body.pointer(UInt8.self) + offset, size, Int32(Int.bitWidth - largest.leadingZeroBitCount), UInt8(largest),
            pageEntryCount, out)
        guard taken == size else { throw brokenLevels }
        target.count = pageEntryCount
        offset += size
    }

    private func readIndexes(from offset: Int) throws(FormatError) {
        guard hasDictionary, values.entryCount > 0, offset < body.count else { throw brokenIndexes }
        let width = unsafe Int32(body.pointer(UInt8.self)[offset])
        guard (1...32).contains(width) else { throw brokenIndexes }
        indexes.removeAll()
        let out = unsafe indexes.reserve(4 * pageValueCount).assumingMemoryBound(to: UInt32.self)
        let size = body.count - offset - 1
        let taken = unsafe kernel_parquet_read_indexes(
            body.pointer(UInt8.self) + offset + 1, size, width, UInt32(values.entryCount - 1), pageValueCount, out)
        guard taken == size else { throw brokenIndexes }
        indexes.count = 4 * pageValueCount
    }

    /// Every byte of the page was a value's.
    private func endPage() throws(FormatError) {
        guard encoding == .plain else { return }
        let end = shape.physical == .boolean ? valueStart + (pageValueCount + 7) / 8 : valueOffset
        guard end == body.count else {
            throw .brokenParquet("a page holds more values than it says", column: column)
        }
    }

    private var brokenLevels: FormatError { .brokenParquet("levels of a page cannot be read", column: column) }
    private var brokenIndexes: FormatError { .brokenParquet("indexes of a page cannot be read", column: column) }
}

/// Rows out: what `ParquetAssembly` asks a leaf for.
extension ParquetLeafReader {
    /// Flags of a node above the leaf, or of the leaf, a byte a row of the node.
    func flags(_ level: ParquetNodeLevel, into flags: GrowingBytes) {
        flags.removeAll()
        let out = unsafe flags.reserve(definition.count).assumingMemoryBound(to: UInt8.self)
        flags.count = unsafe kernel_parquet_slots(
            definition.pointer(UInt8.self), repetitions, definition.count, level.repetition, level.slot, level.valid,
            out)
    }

    /// Offsets of a list above the leaf: 32-bit numbers.
    func offsets(_ level: ParquetNodeLevel, into offsets: GrowingBytes) {
        precondition(shape.maxRepetition > 0, "the leaf lies in a list")
        offsets.removeAll()
        let out = unsafe offsets.reserve(4 * (definition.count + 1)).assumingMemoryBound(to: Int32.self)
        let rows = unsafe kernel_parquet_list_offsets(
            definition.pointer(UInt8.self), repetition.pointer(UInt8.self), definition.count, level.repetition,
            level.slot,
            level.valid, out)
        offsets.count = 4 * (rows + 1)
    }

    /// The leaf's own column; `flags` are its. Takes the values.
    func storage(_ flags: GrowingBytes) -> Column.Storage {
        let rows = flags.count
        let bits = unsafe flags.pointer(UInt8.self)
        let hasNulls = values.count < rows
        if values.width == 0 {
            guard hasNulls else { return .variable(offsets: values.ends.take(), bytes: values.values.take()) }
            let offsets = unsafe Buffer(adopting: allocate(4 * (rows + 1)), byteCount: 4 * (rows + 1))
            unsafe kernel_parquet_spread_ends(
                values.ends.pointer(Int32.self) + 1, bits, rows, offsets.base.assumingMemoryBound(to: Int32.self))
            return .variable(offsets: offsets, bytes: values.values.take())
        }
        let dense = values.values
        if hasNulls {
            unsafe _ = dense.reserve((rows - values.count) * values.width)
            unsafe kernel_parquet_spread(dense.pointer(UInt8.self), Int32(values.width), bits, rows)
            dense.count = rows * values.width
        }
        return .fixed(shape.physical == .boolean ? Self.packed(dense) : dense.take())
    }

    /// Bits of bytes of 0 and 1.
    static func packed(_ flags: GrowingBytes) -> Buffer {
        let byteCount = (flags.count + 7) / 8
        let buffer = unsafe Buffer(adopting: allocate(byteCount), byteCount: byteCount)
        unsafe _ = kernel_parquet_pack_bits(
            flags.pointer(UInt8.self), flags.count, buffer.base.assumingMemoryBound(to: UInt8.self))
        return buffer
    }

    private var repetitions: UnsafePointer<UInt8>? {
        shape.maxRepetition > 0 ? unsafe UnsafePointer(repetition.pointer(UInt8.self)) : nil
    }
}
