internal import Model

/// Where a column chunk lies and how it is compressed.
struct ParquetChunkPlace {
    let codec: TargetSpec.Codec
    /// Its first page, the dictionary's if there is one, and what follows up to the last.
    let offset: Int64
    let byteCount: Int64
    let hasDictionary: Bool
    /// Entries: rows, or elements and empty lists of nested columns.
    let entryCount: Int
}

struct ParquetRowGroup {
    let rowCount: Int
    /// Of all columns, in the file's own reckoning.
    let uncompressedByteCount: Int
    /// One a leaf.
    let chunks: [ParquetChunkPlace]
}

/// What the end of a file says: columns, row groups, places. Everything is held against everything else before it is
/// believed; statistics are not read.
struct ParquetFileDescription {
    private static let metadataLimit = 64 << 20
    fileprivate static let elementLimit = 100_000
    private static let rowsPerRowGroupLimit = 1 << 26

    let fields: [Field]
    let schema: ParquetSchema
    let rowCount: Int64
    private(set) var rowGroups: [ParquetRowGroup] = []

    /// Reads the footer. Throws `FormatError` and whatever the file throws. Cost: two reads.
    init(_ file: any ByteRange) throws {
        let (metadata, start) = try Self.metadata(file)
        var reader = ThriftReader(metadata, range: 0..<metadata.count)
        var raw = Raw()
        do {
            try raw.read(&reader)
        } catch {
            throw FormatError.brokenParquet("its metadata cannot be read")
        }
        guard reader.offset == metadata.count, let version = raw.version, let rowCount = raw.rowCount, rowCount >= 0
        else {
            throw FormatError.brokenParquet("its metadata is incomplete")
        }
        guard version == 1 || version == 2 else {
            throw FormatError.unsupportedParquet("metadata of version \(version)", supported: "versions 1 and 2")
        }
        fields = try ParquetSchemaReader.fields(raw.elements)
        // The very schema that the writer would make: leaves, levels and paths come from there.
        schema = ParquetSchema(columns: fields.map { OutputColumn(name: $0.name, type: $0.type, isProtected: false) })
        self.rowCount = Int64(rowCount)
        for group in raw.groups { rowGroups.append(try checked(group, end: start)) }
        guard rowGroups.reduce(0, { $0 + Int64($1.rowCount) }) == self.rowCount else {
            throw FormatError.brokenParquet("its row groups have another number of rows than it says")
        }
    }

    /// The bytes of the metadata and where they begin.
    private static func metadata(_ file: any ByteRange) throws -> ([UInt8], Int64) {
        let size = file.byteCount
        guard size >= 12 else { throw FormatError.brokenParquet("it is too short") }
        guard try file.checked(offset: 0, count: 4) == ParquetFooter.magic else {
            throw FormatError.brokenParquet("it does not begin with PAR1")
        }
        // Most footers come with the first read.
        let guess = Int(min(size - 4, 64 << 10))
        var tail = try file.checked(offset: size - Int64(guess), count: guess)
        guard tail.suffix(4) == ParquetFooter.magic[...] else {
            throw FormatError.brokenParquet("it does not end with PAR1")
        }
        let length = tail.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= metadataLimit, Int64(length) + 12 <= size else {
            throw FormatError.brokenParquet("its metadata has an impossible length")
        }
        let start = size - 8 - Int64(length)
        if length + 8 > guess { tail = try file.checked(offset: start, count: length + 8) }
        return (Array(tail.suffix(length + 8).prefix(length)), start)
    }

    private func checked(_ group: RawGroup, end: Int64) throws(FormatError) -> ParquetRowGroup {
        guard group.rowCount >= 0, group.chunks.count == schema.leaves.count else {
            throw .brokenParquet("a row group has another number of columns than the schema")
        }
        guard group.rowCount <= Self.rowsPerRowGroupLimit else {
            throw .unsupportedParquet("row groups of more rows", supported: "\(Self.rowsPerRowGroupLimit)")
        }
        var chunks: [ParquetChunkPlace] = []
        for (chunk, shape) in zip(group.chunks, schema.leaves) {
            chunks.append(try checked(chunk, shape, rowCount: group.rowCount, end: end))
        }
        return ParquetRowGroup(
            rowCount: group.rowCount,
            uncompressedByteCount: group.chunks.reduce(0) { $0 &+ min(max($1.uncompressed, 0), 1 << 40) },
            chunks: chunks)
    }

    private func checked(
        _ chunk: RawChunk, _ shape: ParquetLeafShape, rowCount: Int, end: Int64
    ) throws(FormatError) -> ParquetChunkPlace {
        let column = shape.path[0]
        guard !chunk.isElsewhere else {
            throw .unsupportedParquet("a column in another file or encrypted", supported: "plain files", column: column)
        }
        guard chunk.path == shape.path, chunk.physical == shape.physical.rawValue else {
            throw .brokenParquet("a column chunk is not the schema's", column: column)
        }
        guard let codec = TargetSpec.Codec.allCases.first(where: { $0.parquetNumber == chunk.codec }) else {
            throw .unsupportedParquet(
                "compression \(chunk.codec ?? -1)", supported: "none (0), ZSTD (6) and LZ4_RAW (7)", column: column)
        }
        guard let data = chunk.dataOffset, let count = chunk.entryCount, let byteCount = chunk.compressed else {
            throw .brokenParquet("a column chunk is described incompletely", column: column)
        }
        let start = chunk.dictionaryOffset ?? data
        guard start >= 4, start <= data, byteCount >= 0, Int64(start) <= end, Int64(byteCount) <= end - Int64(start)
        else {
            throw .brokenParquet("a column chunk lies outside the file", column: column)
        }
        guard shape.maxRepetition == 0 ? count == rowCount : count >= rowCount, count <= Int(Int32.max) else {
            throw .brokenParquet("a column chunk has another number of rows than its row group", column: column)
        }
        return ParquetChunkPlace(
            codec: codec, offset: Int64(start), byteCount: Int64(byteCount),
            hasDictionary: chunk.dictionaryOffset != nil, entryCount: count)
    }

    // MARK: As it stands there

    private struct RawChunk {
        var isElsewhere = false
        var physical: Int?
        var path: [String] = []
        var codec: Int?
        var entryCount: Int?
        var uncompressed = 0
        var compressed: Int?
        var dataOffset: Int?
        var dictionaryOffset: Int?

        mutating func read(_ reader: inout ThriftReader) throws(ThriftReader.Fault) {
            var chunk = RawChunk()
            try reader.structure { (reader, field) throws(ThriftReader.Fault) in
                switch field.number {
                case 1, 8, 9:
                    chunk.isElsewhere = true
                    try reader.skip(field)
                case 3:
                    try reader.structure(of: field) { (reader, inner) throws(ThriftReader.Fault) in
                        try chunk.readMetadata(&reader, inner)
                    }
                default: try reader.skip(field)
                }
            }
            // What says nothing takes no memory: a few bytes of metadata must not stand for a great many chunks.
            guard chunk.isElsewhere || !chunk.path.isEmpty else { throw ThriftReader.Fault() }
            self = chunk
        }

        private mutating func readMetadata(
            _ reader: inout ThriftReader, _ field: ThriftReader.Header
        ) throws(ThriftReader.Fault) {
            switch field.number {
            case 1: physical = try reader.integer(of: field, .int32)
            case 3:
                var names: [String] = []
                try reader.list(of: field, .binary) { (reader) throws(ThriftReader.Fault) in
                    names.append(try reader.string())
                }
                path = names
            case 4: codec = try reader.integer(of: field, .int32)
            case 5: entryCount = try reader.integer(of: field, .int64)
            case 6: uncompressed = try reader.integer(of: field, .int64)
            case 7: compressed = try reader.integer(of: field, .int64)
            case 9: dataOffset = try reader.integer(of: field, .int64)
            case 11: dictionaryOffset = try reader.integer(of: field, .int64)
            default: try reader.skip(field)
            }
        }
    }

    private struct RawGroup {
        var chunks: [RawChunk] = []
        var rowCount = -1
    }

    private struct Raw {
        var version: Int?
        var rowCount: Int?
        var elements: [ParquetSchemaElement] = []
        var groups: [RawGroup] = []

        mutating func read(_ reader: inout ThriftReader) throws(ThriftReader.Fault) {
            var raw = Raw()
            try reader.structure { (reader, field) throws(ThriftReader.Fault) in
                switch field.number {
                case 1: raw.version = try reader.integer(of: field, .int32)
                case 2:
                    try reader.list(of: field, .structure) { (reader) throws(ThriftReader.Fault) in
                        guard raw.elements.count < ParquetFileDescription.elementLimit else {
                            throw ThriftReader.Fault()
                        }
                        raw.elements.append(try ParquetSchemaElement(&reader))
                    }
                case 3: raw.rowCount = try reader.integer(of: field, .int64)
                case 4:
                    try reader.list(of: field, .structure) { (reader) throws(ThriftReader.Fault) in
                        raw.groups.append(try Self.group(&reader))
                    }
                default: try reader.skip(field)
                }
            }
            self = raw
        }

        private static func group(_ reader: inout ThriftReader) throws(ThriftReader.Fault) -> RawGroup {
            var group = RawGroup()
            try reader.structure { (reader, field) throws(ThriftReader.Fault) in
                switch field.number {
                case 1:
                    try reader.list(of: field, .structure) { (reader) throws(ThriftReader.Fault) in
                        var chunk = RawChunk()
                        try chunk.read(&reader)
                        group.chunks.append(chunk)
                    }
                case 3: group.rowCount = try reader.integer(of: field, .int64)
                default: try reader.skip(field)
                }
            }
            return group
        }
    }
}

extension ByteRange {
    /// The bytes asked for; throws `brokenStream` where fewer come.
    func checked(offset: Int64, count: Int) throws -> [UInt8] {
        let bytes = try read(offset: offset, count: count)
        guard bytes.count == count else { throw FormatError.brokenParquet("it ends too early") }
        return bytes
    }
}
