internal import CKernels
internal import Columnar
internal import Model

extension ParquetPageHeader {
    /// Reads a header from the world. Throws `Fault` where it is broken, nil for a page in a form that is not read here.
    static func read(_ reader: inout ThriftReader) throws(ThriftReader.Fault) -> ParquetPageHeader? {
        var type: Int?
        var sizes: [Int] = [-1, -1]
        var checksum: Int?
        var valueCount = -1
        var encodings: [Int] = [-1, ParquetEncoding.rle.rawValue, ParquetEncoding.rle.rawValue]
        try reader.structure { (reader, field) throws(ThriftReader.Fault) in
            switch field.number {
            case 1: type = try reader.integer(of: field, .int32)
            case 2, 3: sizes[field.number - 2] = try reader.integer(of: field, .int32)
            case 4: checksum = try reader.integer(of: field, .int32)
            case 5, 7:
                try reader.structure(of: field) { (reader, inner) throws(ThriftReader.Fault) in
                    switch inner.number {
                    case 1: valueCount = try reader.integer(of: inner, .int32)
                    case 2: encodings[0] = try reader.integer(of: inner, .int32)
                    case 3 where field.number == 5, 4 where field.number == 5:
                        encodings[inner.number - 2] = try reader.integer(of: inner, .int32)
                    default: try reader.skip(inner)
                    }
                }
            default: try reader.skip(field)
            }
        }
        guard let type = type.flatMap(ParquetPageType.init), let encoding = ParquetEncoding(rawValue: encodings[0]),
            encoding == .plain || (encoding == .rleDictionary && type == .data),
            encodings[1...].allSatisfy({ $0 == ParquetEncoding.rle.rawValue }), let checksum
        else { return nil }
        guard sizes[0] >= 0, sizes[1] >= 0, valueCount >= 0 else { throw ThriftReader.Fault() }
        return ParquetPageHeader(
            type: type, uncompressedByteCount: sizes[0], compressedByteCount: sizes[1],
            checksum: UInt32(bitPattern: Int32(checksum)), valueCount: valueCount, encoding: encoding)
    }
}

/// The pages of one column chunk, one after the other: read, checked against their checksum and decompressed.
///
/// - Memory: the bytes that are read ahead (about `readAhead`, or a page if that is more) and one page.
final class ParquetPageStream {
    private static let readAhead = 1 << 20
    /// No header is longer that has no statistics.
    private static let headerLimit = 1024
    /// A page holds one cell at least, and a row of lists with whatever they hold.
    private static let pageLimit = 2 * Limits.bytesPerCell

    private let file: any ByteRange
    private let column: String
    private let decompressor: BlockDecompressor
    private let place: ParquetChunkPlace
    /// Bytes of the chunk from `consumed` on.
    private var window: [UInt8] = []
    private var windowStart = 0
    private var consumed: Int64 = 0

    init(_ file: any ByteRange, place: ParquetChunkPlace, column: String, decompressor: BlockDecompressor) {
        self.file = file
        self.place = place
        self.column = column
        self.decompressor = decompressor
    }

    var isAtEnd: Bool { consumed == place.byteCount }

    /// The next page, whose bytes replace those in `body`. `wanted`: the kind that comes here.
    func next(_ wanted: ParquetPageType, into body: GrowingBytes) throws -> ParquetPageHeader {
        guard !isAtEnd else { throw FormatError.brokenParquet("a column chunk ends too early", column: column) }
        let most = Int(min(Int64(Self.headerLimit), place.byteCount - consumed))
        try fill(most)
        var reader = ThriftReader(window, range: windowStart..<windowStart + most)
        let found: ParquetPageHeader?
        do {
            found = try ParquetPageHeader.read(&reader)
        } catch {
            throw FormatError.brokenParquet("a page header cannot be read", column: column)
        }
        guard let header = found else {
            throw FormatError.unsupportedParquet(
                "another kind of page, encoding, or no checksum",
                supported: "data pages of version 1 and dictionary pages, plain or by dictionary, with checksums",
                column: column)
        }
        guard header.type == wanted else { throw FormatError.brokenParquet("a page is out of place", column: column) }
        advance(reader.offset - windowStart)
        try load(header, into: body)
        return header
    }

    private func load(_ header: ParquetPageHeader, into body: GrowingBytes) throws {
        let (packed, size) = (header.compressedByteCount, header.uncompressedByteCount)
        guard Int64(packed) <= place.byteCount - consumed else {
            throw FormatError.brokenParquet("a page ends outside its column chunk", column: column)
        }
        guard size <= Self.pageLimit else {
            throw FormatError.unsupportedParquet(
                "a larger page", supported: "pages of \(Self.pageLimit >> 20) MiB at most", column: column)
        }
        // LZ4 makes 255 bytes of one at most: no memory for what cannot be.
        guard place.codec != .lz4 || size / 255 <= packed else {
            throw FormatError.brokenParquet("a page states an impossible size", column: column)
        }
        try fill(packed)
        body.removeAll()
        unsafe _ = body.reserve(size)
        let isGood = unsafe window.withUnsafeBytes { window in
            let source = unsafe UnsafeRawBufferPointer(rebasing: window[windowStart..<windowStart + packed])
            return unsafe ParquetChecksum.of(source) == header.checksum
                && decompressor.decompress(source, codec: place.codec, into: body.base, byteCount: size)
        }
        guard isGood else {
            throw FormatError.brokenParquet("a page is not what its checksum says", column: column)
        }
        body.count = size
        advance(packed)
    }

    private func advance(_ count: Int) {
        windowStart += count
        consumed += Int64(count)
    }

    /// Makes the window hold `count` bytes, which the chunk has.
    private func fill(_ count: Int) throws {
        let held = window.count - windowStart
        guard held < count else { return }
        let rest = place.byteCount - consumed - Int64(held)
        let more = max(count - held, Int(min(Int64(Self.readAhead), rest)))
        let read = try file.checked(offset: place.offset + consumed + Int64(held), count: more)
        window = held == 0 ? read : Array(window[windowStart...]) + read
        windowStart = 0
    }
}
