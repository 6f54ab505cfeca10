internal import CKernels
internal import Columnar
internal import Model

/// The values of one leaf as they come out of its pages: without nulls, in the width of the column, dense.
///
/// - Shape: `values` holds `count` elements of `width` bytes (booleans: bytes of 0 and 1), or the bytes of strings, which
///   end at the numbers of `ends` behind its first, 0.
/// - Errors: `brokenStream` for values that the page has no bytes for, that the type cannot hold, and text that is no UTF-8.
final class ParquetValueReader {
    let shape: ParquetLeafShape
    /// Bytes of an element; 0: strings.
    let width: Int
    let values = GrowingBytes()
    /// For strings: 32-bit numbers, one more than there are values.
    let ends = GrowingBytes()
    private(set) var count = 0

    // The dictionary of the column chunk, in the column's form.
    private let entries = GrowingBytes()
    private let entryEnds = GrowingBytes()
    private(set) var entryCount = 0

    init(shape: ParquetLeafShape) {
        self.shape = shape
        width =
            switch shape.type {
            case .boolean: 1
            case .text, .binary: 0
            default: shape.type.fixedWidth ?? 0
            }
        reset()
    }

    private var column: String { shape.path[0] }

    /// Forgets the values that were taken.
    func reset() {
        count = 0
        values.removeAll()
        guard width == 0 else { return }
        ends.removeAll()
        ends.append([0, 0, 0, 0])
    }

    var heldByteCount: Int { values.count + ends.count }

    // MARK: Values

    /// Appends `count` PLAIN values that begin at `offset` of the page; returns where they end.
    /// Booleans are bits: their offset counts bits from the first value on, which `offset` of the call is.
    func appendPlain(_ body: GrowingBytes, from offset: Int, count: Int) throws(FormatError) -> Int {
        if width == 0 {
            try checkSize(body.count - offset)
            let start = values.count
            let size = try appendStrings(body, from: offset, count, values, ends)
            try checkText(values, from: start, ends, count: count)
            self.count += count
            return offset + size
        }
        let (size, isTooLong) = count.multipliedReportingOverflow(by: shape.width)
        guard !isTooLong, size <= body.count - offset else { throw tooFew }
        try checkSize(count * width)
        unsafe _ = values.reserve(count * width)
        try widen(body, from: offset, count, values)
        self.count += count
        return offset + size
    }

    /// Appends `count` booleans, the bits of `body` behind `offset` from number `first` on.
    func appendBits(_ body: GrowingBytes, from offset: Int, first: Int, count: Int) throws(FormatError) {
        guard (first + count + 7) / 8 <= body.count - offset else { throw tooFew }
        let out = unsafe values.reserve(count).assumingMemoryBound(to: UInt8.self)
        unsafe kernel_parquet_bits_to_bytes(body.pointer(UInt8.self) + offset, first, count, out)
        values.count += count
        self.count += count
    }

    /// Appends the dictionary's entries `indexes[first ..< first + count]`, which were held against `entryCount`.
    func append(_ indexes: GrowingBytes, first: Int, count: Int) throws(FormatError) {
        let numbers = unsafe indexes.pointer(UInt32.self) + first
        if width > 0 {
            try checkSize(count * width)
            let out = unsafe values.reserve(count * width).assumingMemoryBound(to: UInt8.self)
            unsafe kernel_parquet_pick(entries.pointer(UInt8.self), Int32(width), numbers, count, out)
            values.count += count * width
        } else {
            let size = unsafe kernel_parquet_picked_size(entryEnds.pointer(Int32.self), numbers, count)
            try checkSize(Int(clamping: size))
            let out = unsafe values.reserve(Int(size)).assumingMemoryBound(to: UInt8.self)
            let newEnds = unsafe ends.reserve(4 * count).assumingMemoryBound(to: Int32.self)
            unsafe kernel_parquet_pick_bytes(
                entryEnds.pointer(Int32.self), entries.pointer(UInt8.self), numbers, count, Int32(values.count),
                newEnds,
                out)
            values.count += Int(size)
            ends.count += 4 * count
        }
        self.count += count
    }

    // MARK: The dictionary

    /// Takes over a dictionary page.
    func takeDictionary(_ body: GrowingBytes, count: Int) throws(FormatError) {
        dropDictionary()
        if width == 0 {
            let size = try appendStrings(body, from: 0, count, entries, entryEnds)
            guard size == body.count else { throw tooMany }
            try checkText(entries, from: 0, entryEnds, count: count)
        } else {
            let (size, isTooLong) = count.multipliedReportingOverflow(by: shape.width)
            guard !isTooLong, size == body.count else { throw tooFew }
            unsafe _ = entries.reserve(count * width)
            try widen(body, from: 0, count, entries)
        }
        entryCount = count
    }

    func dropDictionary() {
        entryCount = 0
        entries.removeAll()
        entryEnds.removeAll()
    }

    // MARK: Forms

    /// PLAIN elements to the column's; there is room for them.
    private func widen(_ body: GrowingBytes, from offset: Int, _ count: Int, _ target: GrowingBytes) throws(FormatError)
    {
        let source = unsafe body.pointer(UInt8.self) + offset
        let out = unsafe target.pointer(UInt8.self) + target.count
        var isGood = true
        switch (shape.type, shape.physical) {
        case (.int16, _): isGood = unsafe kernel_parquet_read_int16(source, count, out) != 0
        case (.decimal, .int64): unsafe kernel_parquet_read_decimal_8(source, count, out)
        case (.decimal, _): unsafe kernel_parquet_read_decimal_fixed(source, count, Int32(shape.width), out)
        default: unsafe UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: count * width)
        }
        guard isGood else { throw .brokenParquet("a number is too large for its type", column: column) }
        target.count += count * width
    }

    /// Appends `count` PLAIN strings to `bytes` and their ends to `ends`; returns the bytes that they take in the page.
    private func appendStrings(
        _ body: GrowingBytes, from offset: Int, _ count: Int, _ bytes: GrowingBytes, _ ends: GrowingBytes
    ) throws(FormatError) -> Int {
        let size = body.count - offset
        // Four bytes a string at least: no memory for what cannot be.
        guard count <= size / 4 else { throw tooFew }
        let out = unsafe bytes.reserve(size).assumingMemoryBound(to: UInt8.self)
        let newEnds = unsafe ends.reserve(4 * count).assumingMemoryBound(to: Int32.self)
        let taken = unsafe kernel_parquet_read_bytes(
            body.pointer(UInt8.self) + offset, size, count, Int32(bytes.count), newEnds, out)
        guard taken <= size else { throw tooFew }
        bytes.count += taken - 4 * count
        ends.count += 4 * count
        return taken
    }

    /// The last `count` strings are text: all of their bytes together, and each begins a character.
    private func checkText(
        _ bytes: GrowingBytes, from start: Int, _ ends: GrowingBytes, count: Int
    ) throws(FormatError) {
        guard shape.type == .text, count > 0 else { return }
        let first = unsafe bytes.pointer(UInt8.self) + start
        let newEnds = unsafe ends.pointer(Int32.self) + (ends.count / 4 - count)
        guard unsafe kernel_csv_valid_utf8(first, bytes.count - start) == bytes.count - start,
            unsafe kernel_parquet_begin_characters(first, Int32(start), newEnds, count) != 0
        else { throw .brokenParquet("a text is not UTF-8", column: column) }
    }

    private func checkSize(_ more: Int) throws(FormatError) {
        guard more <= Int(Int32.max) - values.count else {
            throw .unsupportedParquet(
                "too many bytes in few rows", supported: "2 GiB of a column at a time", column: column)
        }
    }

    private var tooFew: FormatError { .brokenParquet("a page holds fewer values than it says", column: column) }
    private var tooMany: FormatError { .brokenParquet("a page holds more values than it says", column: column) }
}
