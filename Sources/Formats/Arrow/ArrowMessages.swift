internal import Model

/// The metadata of Arrow's messages: `Message` tables in a FlatBuffer, version V5.
///
/// Source: apache/arrow, `format/Message.fbs` and `format/Schema.fbs`; numbers of unions and fields are theirs.
enum ArrowMessages {
    /// A buffer's place in the body.
    struct BufferPlace {
        var offset: Int64
        var byteCount: Int64
    }

    /// Rows and nulls of a column, or of one within it.
    struct Node {
        var rowCount: Int64
        var nullCount: Int64
    }

    private static let version: Int16 = 4  // V5
    private static let schemaHeader: Int8 = 1
    private static let recordBatchHeader: Int8 = 3

    static func schema(_ fields: [Field]) -> [UInt8] {
        var buffer = FlatBuffer()
        let places = fields.map { field($0, &buffer) }
        let list = buffer.vector(of: places)
        let schema = buffer.table([.int16(0), .reference(list)])  // little endian
        return message(schemaHeader, schema, bodyByteCount: 0, buffer)
    }

    static func recordBatch(
        rowCount: Int, nodes: [Node], buffers: [BufferPlace], isCompressed: Bool, bodyByteCount: Int
    ) -> [UInt8] {
        var buffer = FlatBuffer()
        let places = buffer.vector(of: buffers.flatMap { [$0.offset, $0.byteCount] }, width: 2)
        let counts = buffer.vector(of: nodes.flatMap { [$0.rowCount, $0.nullCount] }, width: 2)
        // Codec 0: LZ4_FRAME; method 0: buffer by buffer.
        let compression = isCompressed ? buffer.table([.int8(0), .int8(0)]) : nil
        let batch = buffer.table([
            .int64(Int64(rowCount)), .reference(counts), .reference(places), compression.map { .reference($0) },
        ])
        return message(recordBatchHeader, batch, bodyByteCount: bodyByteCount, buffer)
    }

    private static func message(
        _ type: Int8, _ header: FlatBuffer.Place, bodyByteCount: Int, _ buffer: consuming FlatBuffer
    ) -> [UInt8] {
        let root = buffer.table([
            .int16(version), .int8(type), .reference(header), .int64(Int64(bodyByteCount)),
        ])
        return buffer.finished(root: root)
    }

    private static func field(_ field: Field, _ buffer: inout FlatBuffer) -> FlatBuffer.Place {
        let members: [Field] =
            switch field.type {
            case .list(let element): [Field(name: "element", type: element)]
            case .structure(let fields): fields
            default: []
            }
        let children = members.map { Self.field($0, &buffer) }
        let list = buffer.vector(of: children)
        let (number, type) = type(field.type, &buffer)
        let name = buffer.string(field.name)
        return buffer.table([
            .reference(name), .bool(true), .int8(number), .reference(type), nil, .reference(list),
        ])
    }

    /// The type's number in the union `Type`, and its table.
    private static func type(_ type: DataType, _ buffer: inout FlatBuffer) -> (Int8, FlatBuffer.Place) {
        switch type {
        case .boolean: return (6, buffer.table([]))
        case .int16: return (2, buffer.table([.int32(16), .bool(true)]))
        case .int32: return (2, buffer.table([.int32(32), .bool(true)]))
        case .int64: return (2, buffer.table([.int32(64), .bool(true)]))
        case .float32: return (3, buffer.table([.int16(1)]))
        case .float64: return (3, buffer.table([.int16(2)]))
        case .decimal(let precision, let scale):
            return (7, buffer.table([.int32(Int32(precision)), .int32(Int32(scale)), .int32(128)]))
        case .text: return (5, buffer.table([]))
        case .binary: return (4, buffer.table([]))
        case .date: return (8, buffer.table([.int16(0)]))  // days
        case .timestamp(let isUTC):
            let zone = isUTC ? buffer.string("UTC") : nil
            return (10, buffer.table([.int16(2), zone.map { .reference($0) }]))  // microseconds
        case .list: return (12, buffer.table([]))
        case .structure: return (13, buffer.table([]))
        }
    }
}
