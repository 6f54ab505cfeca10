internal import CLZ4
package import Columnar
package import Model

/// Writes chunks as Arrow's IPC stream, which pyarrow, polars, DuckDB, R and others read without parsing.
///
/// Stream: a schema message, a record batch message a chunk, the end mark. A message is `FF FF FF FF`, the metadata's length
/// (32 bits), the metadata (`ArrowMessages`), padding, and the body: for each column, depth first, validity (absent without
/// nulls), then offsets, then values. Each buffer of a body is its length (64 bits) and an LZ4 frame of it, or -1 and the
/// bytes as they are where they do not shrink. Everything begins at a multiple of 64 bytes.
///
/// - Types: `decimal` is decimal128, `timestamp` microseconds with the zone `UTC` or none, `date` date32, `text` utf8; a list's
///   element is called `element`, as in Parquet. Everything is nullable.
/// - Throws: `sinkFailed` when the sink throws; the writer is then of no further use.
/// - Memory: the body of one chunk.
/// - Source: arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess Communication".
package final class ArrowStreamWriter: TableWriter {
    private static let alignment = 64

    private let fields: [Field]
    private let isCompressed: Bool
    private let output: CheckedSink
    private let body = GrowingBytes()
    private var nodes: [ArrowMessages.Node] = []
    private var buffers: [ArrowMessages.BufferPlace] = []
    private var hasSchema = false

    package init(fields: [Field], sink: any ByteSink, isCompressed: Bool = true) {
        self.fields = fields
        self.isCompressed = isCompressed
        output = CheckedSink.export(sink)
    }

    package func append(_ chunk: Chunk) throws(FormatError) {
        precondition(chunk.columns.map(\.type) == fields.map(\.type), "a chunk has the table's columns")
        try writeSchema()
        body.removeAll()
        nodes.removeAll(keepingCapacity: true)
        buffers.removeAll(keepingCapacity: true)
        for column in chunk.columns { add(column) }
        try writeMessage(
            ArrowMessages.recordBatch(
                rowCount: chunk.rowCount, nodes: nodes, buffers: buffers, isCompressed: isCompressed,
                bodyByteCount: body.count))
        try unsafe output.write(body.bytes)
    }

    package func finish() throws(FormatError) {
        try writeSchema()
        try output.write([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    }

    private func writeSchema() throws(FormatError) {
        guard !hasSchema else { return }
        hasSchema = true
        try writeMessage(ArrowMessages.schema(fields))
    }

    private func writeMessage(_ metadata: [UInt8]) throws(FormatError) {
        let padding = (Self.alignment - (metadata.count + 8) % Self.alignment) % Self.alignment
        let length = UInt32(metadata.count + padding)
        let head = [0xff, 0xff, 0xff, 0xff] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) }
        try output.write(head + metadata + [UInt8](repeating: 0, count: padding))
    }

    // MARK: The body

    private func add(_ column: Column) {
        let rows = column.rowCount
        nodes.append(.init(rowCount: Int64(rows), nullCount: Int64(column.nullCount)))
        if let validity = column.validity { add(validity, (rows + 7) / 8) } else { add(nil, 0) }
        switch column.storage {
        case .fixed(let values): add(values, column.type.fixedWidth.map { $0 * rows } ?? (rows + 7) / 8)
        case .variable(let offsets, let bytes):
            add(offsets, 4 * (rows + 1))
            add(bytes, unsafe Int(offsets.elements(Int32.self)[rows]))
        case .list(let offsets, let elements):
            add(offsets, 4 * (rows + 1))
            add(elements)
        case .structure(let members):
            for member in members { add(member) }
        }
    }

    /// The first `byteCount` bytes of a buffer. No bytes take no place.
    private func add(_ buffer: Buffer?, _ byteCount: Int) {
        let start = body.count
        if let buffer, byteCount > 0 {
            let bytes = unsafe UnsafeRawBufferPointer(start: buffer.base, count: byteCount)
            if isCompressed { unsafe compress(bytes) } else { unsafe body.append(bytes) }
        }
        buffers.append(.init(offset: Int64(start), byteCount: Int64(body.count - start)))
        body.append(repeating: 0, times: (Self.alignment - body.count % Self.alignment) % Self.alignment)
    }

    private func compress(_ bytes: UnsafeRawBufferPointer) {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.contentSize = UInt64(bytes.count)
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        let room = unsafe LZ4F_compressFrameBound(bytes.count, &preferences)
        let start = unsafe body.reserve(8 + room)
        let size = unsafe LZ4F_compressFrame(start + 8, room, bytes.baseAddress, bytes.count, &preferences)
        precondition(LZ4F_isError(size) == 0, "a frame of the bound's size always fits")
        if size < bytes.count {
            unsafe start.storeBytes(of: Int64(bytes.count).littleEndian, as: Int64.self)
            body.count += 8 + size
        } else {
            unsafe start.storeBytes(of: Int64(-1), as: Int64.self)
            body.count += 8
            unsafe body.append(bytes)
        }
    }
}
