internal import Model

/// What the footer says of one column chunk.
struct ParquetColumnChunk {
    var valueCount = 0
    var nullCount = 0
    /// With page headers and the dictionary page.
    var uncompressedByteCount = 0
    var compressedByteCount = 0
    var plainPages = 0
    var dictionaryPages = 0
    var dataPageOffset: Int64 = 0
    var dictionaryPageOffset: Int64?
    var bounds: ParquetBounds.Encoded?
    /// For floating point alone.
    var nanCount: Int?

    var pageCount: Int { plainPages + dictionaryPages + (dictionaryPages > 0 ? 1 : 0) }

    mutating func addPage(
        _ encoding: ParquetEncoding, values: Int, nulls: Int, uncompressed: Int, compressed: Int
    ) {
        valueCount += values
        nullCount += nulls
        uncompressedByteCount += uncompressed
        compressedByteCount += compressed
        if encoding == .plain { plainPages += 1 } else { dictionaryPages += 1 }
    }
}

/// Collects the row groups and writes the file's end: metadata, its length in four bytes, `PAR1`.
///
/// Version 1 of the metadata, which every reader knows. A statistic is written for columns that are not protected alone:
/// a smallest value of a protected column is a value of a person. `column_orders` is there for each leaf, since bounds
/// mean nothing without it.
///
/// Source: apache/parquet-format, `parquet.thrift` 2.13.
struct ParquetFooter {
    static let magic = Array("PAR1".utf8)

    private let schema: ParquetSchema
    private let codec: TargetSpec.Codec
    private var rowGroups = ThriftWriter()
    private(set) var rowGroupCount = 0
    private(set) var rowCount: Int64 = 0

    init(schema: ParquetSchema, codec: TargetSpec.Codec) {
        self.schema = schema
        self.codec = codec
    }

    /// `start`: the offset of the row group's first byte; `chunks` in the order of the leaves.
    mutating func addRowGroup(_ chunks: [ParquetColumnChunk], rowCount rows: Int, start: Int64) {
        precondition(rowGroupCount < Int(Int16.max), "a file has less than 32,767 row groups")
        let (ordinal, codec, leaves) = (rowGroupCount, codec, schema.leaves)
        rowGroups.structure { group in
            group.list(1, of: .structure, count: chunks.count) { list in
                for (chunk, shape) in zip(chunks, leaves) {
                    list.structure {
                        $0.field(2, int64: 0)
                        $0.field(3) { Self.describe(chunk, shape, codec, &$0) }
                    }
                }
            }
            group.field(2, int64: chunks.reduce(0) { $0 + $1.uncompressedByteCount })
            group.field(3, int64: rows)
            group.field(5, int64: Int(start))
            group.field(6, int64: chunks.reduce(0) { $0 + $1.compressedByteCount })
            group.field(7, int16: ordinal)
        }
        rowGroupCount += 1
        rowCount += Int64(rows)
    }

    private static func describe(
        _ chunk: ParquetColumnChunk, _ shape: ParquetLeafShape, _ codec: TargetSpec.Codec, _ writer: inout ThriftWriter
    ) {
        let hasDictionary = chunk.dictionaryPageOffset != nil
        // The dictionary page itself is PLAIN.
        let encodings: [ParquetEncoding] = hasDictionary ? [.plain, .rle, .rleDictionary] : [.plain, .rle]
        writer.field(1, int32: shape.physical.rawValue)
        writer.list(2, of: .int32, count: encodings.count) { list in
            for encoding in encodings { list.element(int32: encoding.rawValue) }
        }
        writer.list(3, of: .binary, count: shape.path.count) { list in
            for name in shape.path { list.element(Array(name.utf8)) }
        }
        writer.field(4, int32: codec.parquetNumber)
        writer.field(5, int64: chunk.valueCount)
        writer.field(6, int64: chunk.uncompressedByteCount)
        writer.field(7, int64: chunk.compressedByteCount)
        writer.field(9, int64: Int(chunk.dataPageOffset))
        if let offset = chunk.dictionaryPageOffset { writer.field(11, int64: Int(offset)) }
        if !shape.isProtected { writer.field(12) { describeStatistics(chunk, &$0) } }
        describePages(chunk, &writer)
    }

    private static func describeStatistics(_ chunk: ParquetColumnChunk, _ writer: inout ThriftWriter) {
        writer.field(3, int64: chunk.nullCount)
        if let bounds = chunk.bounds {
            writer.field(5, bounds.high)
            writer.field(6, bounds.low)
            writer.field(7, bounds.isHighExact)
            writer.field(8, bounds.isLowExact)
        }
        if let nanCount = chunk.nanCount { writer.field(9, int64: nanCount) }
    }

    /// How many pages there are of which kind: tells readers whether the dictionary holds every value.
    private static func describePages(_ chunk: ParquetColumnChunk, _ writer: inout ThriftWriter) {
        var kinds: [(ParquetPageType, ParquetEncoding, Int)] = []
        if chunk.dictionaryPageOffset != nil { kinds.append((.dictionary, .plain, 1)) }
        if chunk.plainPages > 0 { kinds.append((.data, .plain, chunk.plainPages)) }
        if chunk.dictionaryPages > 0 { kinds.append((.data, .rleDictionary, chunk.dictionaryPages)) }
        writer.list(13, of: .structure, count: kinds.count) { list in
            for (type, encoding, count) in kinds {
                list.structure {
                    $0.field(1, int32: type.rawValue)
                    $0.field(2, int32: encoding.rawValue)
                    $0.field(3, int32: count)
                }
            }
        }
    }

    /// The file's last bytes.
    var encoded: [UInt8] {
        var writer = ThriftWriter()
        writer.structure { file in
            file.field(1, int32: 1)
            file.list(2, of: .structure, count: schema.elementCount) { $0.append(encoded: schema.elements.bytes) }
            file.field(3, int64: Int(rowCount))
            file.list(4, of: .structure, count: rowGroupCount) { $0.append(encoded: rowGroups.bytes) }
            file.field(6, ProductVersion.parquetCreator)
            file.list(7, of: .structure, count: schema.leaves.count) { list in
                for _ in schema.leaves { list.structure { $0.field(1) { _ in } } }
            }
        }
        let length = UInt32(writer.bytes.count)
        return writer.bytes + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + Self.magic
    }
}
