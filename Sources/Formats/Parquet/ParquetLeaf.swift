internal import CKernels
internal import Columnar
internal import Model

/// Memory that the leaves of a file use in turn.
final class ParquetScratch {
    let compressor: BlockCompressor
    /// Numbers of the rows that hold values.
    let rows = GrowingBytes()
    /// A page before compression.
    let body = GrowingBytes()
    /// A dictionary page after it.
    let compressed = GrowingBytes()

    init(codec: TargetSpec.Codec) { compressor = BlockCompressor(codec: codec) }
}

/// One leaf of the schema while a row group is being filled: the page in progress, the pages that are done, the
/// dictionary, the statistics.
///
/// Pages end at the end of a stripe alone (see `ParquetWriter`), so they depend on the rows and not on how rows came in.
///
/// - Nulls: in the definition levels; values hold none.
/// - Encoding: a dictionary is tried on each chunk of a type other than boolean. It is kept while it pays; from the page on
///   where it does not, values are PLAIN. A page without values is PLAIN.
/// - Cost: one copy of the values into the page, one into its body, one compression.
final class ParquetLeaf {
    let shape: ParquetLeafShape
    private let bounds: ParquetWriter.Bounds
    private let scratch: ParquetScratch

    // The page in progress.
    private let definition = GrowingBytes()
    private let repetition = GrowingBytes()
    /// PLAIN values (booleans: a byte each).
    private let values = GrowingBytes()
    /// The values' entry numbers while there is a dictionary.
    private let indexes = GrowingBytes()
    private var pageRowCount = 0
    private var pageValueCount = 0

    // The column chunk so far.
    private var chunk = ParquetColumnChunk()
    /// Headers and compressed bodies; each page is one range.
    private let pages = GrowingBytes()
    private var pageRanges: [Range<Int>] = []
    private var literalPage: (header: [UInt8], block: LiteralBlock)?
    private var literalColumn: Column?
    private let dictionary: ParquetDictionary?
    private var usesDictionary: Bool
    private var statistics: ParquetBounds?

    init(shape: ParquetLeafShape, bounds: ParquetWriter.Bounds, scratch: ParquetScratch) {
        self.shape = shape
        self.bounds = bounds
        self.scratch = scratch
        dictionary =
            shape.physical == .boolean
            ? nil : ParquetDictionary(width: shape.width, byteLimit: bounds.bytesPerDictionary)
        usesDictionary = dictionary != nil
        statistics = shape.isProtected ? nil : ParquetBounds(shape: shape)
    }

    // MARK: Rows in

    /// Appends rows of a column that is the leaf itself.
    func append(_ column: Column, rows: Range<Int>, isGiant: Bool) {
        if let validity = unsafe column.validityBits {
            let levels = unsafe definition.reserve(rows.count).assumingMemoryBound(to: UInt8.self)
            unsafe kernel_parquet_bits_to_bytes(validity, rows.lowerBound, rows.count, levels)
            definition.count += rows.count
            scratch.rows.removeAll()
            let picked = unsafe scratch.rows.reserve(4 * rows.count).assumingMemoryBound(to: Int32.self)
            let count = unsafe kernel_parquet_select(validity, rows.lowerBound, rows.count, picked)
            unsafe append(column, picked: picked, first: rows.lowerBound, count: count, isGiant: isGiant)
        } else {
            definition.append(repeating: 1, times: rows.count)
            unsafe append(column, picked: nil, first: rows.lowerBound, count: rows.count, isGiant: isGiant)
        }
    }

    /// Appends the entries of a frame; `column` is the leaf's, somewhere below an output column.
    func append(_ frame: ParquetFrame, _ column: Column, isGiant: Bool) {
        let levels = unsafe definition.reserve(frame.count).assumingMemoryBound(to: UInt8.self)
        scratch.rows.removeAll()
        let picked = unsafe scratch.rows.reserve(4 * frame.count).assumingMemoryBound(to: Int32.self)
        let count = unsafe kernel_parquet_frame_leaf(
            frame.definition.pointer(UInt8.self), frame.index.pointer(Int32.self), frame.count, column.validityBits,
            levels, picked)
        definition.count += frame.count
        if shape.maxRepetition > 0 { unsafe repetition.append(frame.repetition.bytes) }
        unsafe append(column, picked: picked, first: 0, count: count, isGiant: isGiant)
    }

    /// Appends the values of `count` rows: those `picked`, or as many from `first` on.
    private func append(
        _ column: Column, picked: UnsafeMutablePointer<Int32>?, first: Int, count: Int, isGiant: Bool
    ) {
        guard count > 0 else { return }
        if isGiant, count == 1, shape.maxRepetition == 0, case .variable = column.storage {
            let value = unsafe column.variableBytes(picked.map { unsafe Int($0[0]) } ?? first)
            if value.count > bounds.bytesPerGiantCell {
                unsafe appendGiant(value, of: column)
                return
            }
        }
        let start = values.count
        unsafe gather(column, picked, first, count)
        pageValueCount += count
        if usesDictionary, let dictionary {
            let added = unsafe values[start..<values.count]
            if unsafe !dictionary.add(added, count: count, to: indexes) { abandonDictionary() }
            // Bounds of strings are taken from the dictionary when it is done; other types are quicker directly.
            if shape.physical == .byteArray { return }
        }
        unsafe statistics?.fold(values.base + start, count: count)
    }

    /// The values of the picked rows, appended to `values`.
    private func gather(_ column: Column, _ picked: UnsafeMutablePointer<Int32>?, _ first: Int, _ count: Int) {
        let byteCount: Int
        switch column.storage {
        case .variable(let offsets, let bytes):
            let bounds = unsafe offsets.elements(Int32.self).baseAddress!
            let last = unsafe picked.map { unsafe Int($0[count - 1]) } ?? (first + count - 1)
            let from = unsafe picked.map { unsafe Int($0[0]) } ?? first
            let out = unsafe values.reserve(Int(bounds[last + 1] - bounds[from]) + 4 * count)
                .assumingMemoryBound(to: UInt8.self)
            byteCount = unsafe kernel_parquet_plain_bytes(
                bounds, bytes.base.assumingMemoryBound(to: UInt8.self), bytes.byteCount, picked, first, count, out)
        case .fixed(let buffer):
            byteCount = count * shape.width
            let out = unsafe values.reserve(byteCount).assumingMemoryBound(to: UInt8.self)
            let source = unsafe buffer.base.assumingMemoryBound(to: UInt8.self)
            switch shape.type {
            case .boolean: unsafe kernel_parquet_plain_boolean(source, picked, first, count, out)
            case .int16:
                unsafe kernel_parquet_plain_int16(
                    buffer.base.assumingMemoryBound(to: Int16.self), picked, first, count, out)
            case .decimal where shape.physical == .int64:
                unsafe kernel_parquet_plain_decimal_8(source, picked, first, count, out)
            case .decimal:
                unsafe kernel_parquet_plain_decimal_fixed(source, picked, first, count, Int32(shape.width), out)
            default:
                if shape.width == 4 {
                    unsafe kernel_parquet_plain_4(source, picked, first, count, out)
                } else {
                    unsafe kernel_parquet_plain_8(source, picked, first, count, out)
                }
            }
        default: preconditionFailure("a leaf's storage is fixed or variable")
        }
        values.count += byteCount
    }

    /// A page of one huge value, which stays in its column's memory until the row group is written, right after its row.
    private func appendGiant(_ value: UnsafeRawBufferPointer, of column: Column) {
        let levels = definition.count
        definition.count = levels - 1
        flushPage()
        let length = unsafe withUnsafeBytes(of: UInt32(value.count).littleEndian) { unsafe Array($0) }
        // Definition levels: two bytes, one run of one value of the highest level.
        let prefix = [2, 0, 0, 0, 2, UInt8(shape.maxDefinition)] + length
        let block = unsafe LiteralBlock(codec: scratch.compressor.codec, prefix: prefix, value: value)
        var checksum = ParquetChecksum()
        unsafe block.forEachPiece { unsafe checksum.update($0) }
        let header = ParquetPageHeader(
            type: .data, uncompressedByteCount: block.contentByteCount, compressedByteCount: block.byteCount,
            checksum: checksum.value, valueCount: 1, encoding: .plain
        ).encoded
        chunk.addPage(
            .plain, values: 1, nulls: 0, uncompressed: header.count + block.contentByteCount,
            compressed: header.count + block.byteCount)
        literalPage = (header, block)
        literalColumn = column
        unsafe statistics?.fold(one: value)
        definition.removeAll()
    }

    // MARK: Pages

    /// A stripe of `rowCount` rows is complete: judges the dictionary and ends the page when it is full.
    func endStripe(rowCount: Int) {
        pageRowCount += rowCount
        if usesDictionary, let dictionary, dictionary.isHopeless { abandonDictionary() }
        if pageRowCount >= bounds.rowsPerPage || values.count + repetition.count >= bounds.bytesPerPage {
            flushPage()
        }
    }

    func endPage() { flushPage() }

    /// Bytes of the page in progress.
    var openByteCount: Int { values.count + indexes.count + definition.count + repetition.count }

    /// About what the dictionary's table takes, whatever it grew by: places of entries and slots to find them.
    var dictionaryIndexByteCount: Int { dictionary.map { 32 * $0.entryCount } ?? 0 }

    /// Bytes that wait for the row group's end.
    var bufferedByteCount: Int {
        chunk.compressedByteCount + (usesDictionary ? dictionary.map(\.entryByteCount) ?? 0 : 0)
    }

    private func abandonDictionary() {
        guard let dictionary else { return }
        usesDictionary = false
        dictionary.truncateToMark()
        if shape.physical == .byteArray, pageValueCount > 0 {
            // Strings so far were left to the dictionary.
            unsafe statistics?.fold(values.base, count: pageValueCount)
        }
        indexes.removeAll()
    }

    private func flushPage() {
        defer { pageRowCount = 0 }
        guard definition.count > 0 else { return }
        if usesDictionary, chunk.dictionaryPages == 0, pageValueCount > 0, let dictionary, !dictionary.pays {
            abandonDictionary()
        }
        let body = scratch.body
        body.removeAll()
        if shape.maxRepetition > 0 { appendLevels(repetition, max: shape.maxRepetition) }
        appendLevels(definition, max: shape.maxDefinition)
        var encoding = ParquetEncoding.plain
        if usesDictionary, pageValueCount > 0, let dictionary {
            encoding = .rleDictionary
            appendIndexes(width: dictionary.indexWidth)
            dictionary.mark()
        } else if shape.physical == .boolean {
            let out = unsafe body.reserve(pageValueCount / 8 + 1).assumingMemoryBound(to: UInt8.self)
            body.count += unsafe kernel_parquet_pack_bits(values.pointer(UInt8.self), pageValueCount, out)
        } else {
            unsafe body.append(values.bytes)
        }
        store(encoding)
        for memory in [definition, repetition, values, indexes] { memory.removeAll() }
        pageValueCount = 0
    }

    private func appendLevels(_ levels: GrowingBytes, max level: Int) {
        let body = scratch.body
        let width = Int.bitWidth - level.leadingZeroBitCount
        let out = unsafe body.reserve(4 + kernel_parquet_hybrid_bound(levels.count, Int32(width)))
        let written = unsafe kernel_parquet_hybrid_levels(
            levels.pointer(UInt8.self), levels.count, Int32(width),
            (out + 4).assumingMemoryBound(to: UInt8.self))
        unsafe out.storeBytes(of: UInt32(written).littleEndian, as: UInt32.self)
        body.count += 4 + written
    }

    private func appendIndexes(width: Int) {
        let body = scratch.body
        let out = unsafe body.reserve(1 + kernel_parquet_hybrid_bound(pageValueCount, Int32(width)))
        unsafe out.storeBytes(of: UInt8(width), as: UInt8.self)
        body.count +=
            unsafe 1
            + kernel_parquet_hybrid_indexes(
                indexes.pointer(UInt32.self), pageValueCount, Int32(width),
                (out + 1).assumingMemoryBound(to: UInt8.self))
    }

    /// Compresses the body behind the pages that are done. Room for the header is left in front of it, whose length is
    /// known only when the body's is.
    private func store(_ encoding: ParquetEncoding) {
        let body = scratch.body
        let room = ParquetPageHeader.byteLimit
        let target = unsafe pages.reserve(room + scratch.compressor.bound(body.count)) + room
        let size = unsafe scratch.compressor.compress(body.bytes, into: target)
        let compressed = unsafe UnsafeRawBufferPointer(start: target, count: size)
        let header = ParquetPageHeader(
            type: .data, uncompressedByteCount: body.count, compressedByteCount: size,
            checksum: unsafe .init(ParquetChecksum.of(compressed)), valueCount: definition.count, encoding: encoding
        ).encoded
        precondition(header.count <= room, "a page header is small")
        unsafe (target - header.count).copyMemory(from: header, byteCount: header.count)
        let end = pages.count + room + size
        pageRanges.append(end - size - header.count..<end)
        pages.count = end
        chunk.addPage(
            encoding, values: definition.count, nulls: definition.count - pageValueCount,
            uncompressed: header.count + body.count, compressed: header.count + size)
    }

    // MARK: The row group's end

    /// Writes the column chunk and returns what the footer says of it; the leaf is then ready for the next row group.
    func finishChunk(_ output: ParquetOutput) throws(FormatError) -> ParquetColumnChunk {
        flushPage()
        if chunk.dictionaryPages > 0, let dictionary { try writeDictionary(dictionary, output) }
        chunk.dataPageOffset = output.position
        for range in pageRanges { try unsafe output.write(pages[range]) }
        if let literalPage {
            try output.write(literalPage.header)
            try unsafe literalPage.block.forEachPiece { (piece) throws(FormatError) in try unsafe output.write(piece) }
        }
        precondition(chunk.pageCount < Int(Int16.max), "a column chunk has less than 32,767 pages")
        precondition(
            max(chunk.compressedByteCount, chunk.uncompressedByteCount) <= Int(Int32.max),
            "a column chunk is below 2 GiB")
        chunk.bounds = statistics?.encoded
        chunk.nanCount = statistics.flatMap { $0.isFloatingPoint ? $0.nanCount : nil }
        defer { reset() }
        return chunk
    }

    private func writeDictionary(_ dictionary: ParquetDictionary, _ output: ParquetOutput) throws(FormatError) {
        if !usesDictionary { dictionary.truncateToMark() }
        let entries = unsafe dictionary.entryBytes
        if shape.physical == .byteArray {
            unsafe statistics?.fold(entries.baseAddress!, count: dictionary.entryCount)
        }
        let target = scratch.compressed
        target.removeAll()
        let out = unsafe target.reserve(scratch.compressor.bound(entries.count))
        target.count = unsafe scratch.compressor.compress(entries, into: out)
        let header = ParquetPageHeader(
            type: .dictionary, uncompressedByteCount: entries.count, compressedByteCount: target.count,
            checksum: unsafe ParquetChecksum.of(target.bytes), valueCount: dictionary.entryCount, encoding: .plain
        ).encoded
        chunk.dictionaryPageOffset = output.position
        chunk.uncompressedByteCount += header.count + entries.count
        chunk.compressedByteCount += header.count + target.count
        try output.write(header)
        try unsafe output.write(target.bytes)
    }

    private func reset() {
        chunk = ParquetColumnChunk()
        pages.removeAll(keeping: 8 << 20)
        pageRanges.removeAll(keepingCapacity: true)
        literalPage = nil
        literalColumn = nil
        dictionary?.reset()
        usesDictionary = dictionary != nil
        statistics = shape.isProtected ? nil : ParquetBounds(shape: shape)
    }
}
