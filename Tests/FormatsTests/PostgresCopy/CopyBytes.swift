import Columnar
import Formats
import Model

/// Hand-made binary COPY streams.
struct CopyBytes {
    var bytes: [UInt8] = []

    static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00] + [0, 0, 0, 0] + [0, 0, 0, 0]
    static let trailer: [UInt8] = [0xff, 0xff]

    static func big<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) }
    }

    /// A tuple; nil is NULL.
    static func tuple(_ fields: [[UInt8]?]) -> [UInt8] {
        big(Int16(fields.count)) + fields.flatMap(field)
    }

    static func field(_ value: [UInt8]?) -> [UInt8] {
        guard let value else { return big(Int32(-1)) }
        return big(Int32(value.count)) + value
    }

    static func array(_ elements: [[UInt8]?], lowerBound: Int32 = 1, dimensions: Int32 = 1) -> [UInt8] {
        if elements.isEmpty { return big(Int32(0)) + big(Int32(0)) + big(UInt32(25)) }
        return big(dimensions) + big(Int32(0)) + big(UInt32(25))
            + (0..<dimensions).flatMap { _ in big(Int32(elements.count)) + big(lowerBound) } + elements.flatMap(field)
    }

    static func composite(_ members: [[UInt8]?]) -> [UInt8] {
        big(Int32(members.count)) + members.flatMap { big(UInt32(25)) + field($0) }
    }

    static func numeric(_ digits: [Int16], weight: Int16, sign: UInt16 = 0, scale: UInt16 = 0) -> [UInt8] {
        big(Int16(digits.count)) + big(weight) + big(sign) + big(scale) + digits.flatMap { big($0) }
    }
}

/// A type by the name of its built-in base, as a catalogue describes it.
func builtin(_ base: String, oid: UInt32 = 1, typmod: Int32 = -1) -> PostgresType {
    .scalar(oid: oid, base: base, typmod: typmod, extensionName: nil, name: base)
}

func numericType(_ precision: Int32, _ scale: Int32) -> PostgresType {
    .scalar(
        oid: 1700, base: "numeric", typmod: (precision << 16 | scale & 0x7ff) + 4, extensionName: nil,
        name: "numeric(\(precision),\(scale))")
}

func decoderInput(_ name: String, _ type: PostgresType, nullsSpecials: Bool = false, as wish: DataType? = nil)
    -> PostgresCopyDecoder.Input
{
    guard case .success(let mapping) = PostgresMapping.map(type, as: ReadAs(type: wish, nullsSpecials: nullsSpecials))
    else {
        preconditionFailure("a type that maps")
    }
    return .init(name: name, mapping: mapping, nullsSpecials: nullsSpecials)
}

/// Decodes messages to the end; cells as text.
func decode(_ inputs: [PostgresCopyDecoder.Input], _ messages: [[UInt8]]) throws(FormatError) -> [[String?]] {
    var decoder = PostgresCopyDecoder(columns: inputs)
    for message in messages { try append(message, to: &decoder) }
    try decoder.finishStream()
    let chunk = decoder.finishChunk()
    return (0..<chunk.rowCount).map { row in chunk.columns.map { CopyText.cell($0, row) } }
}

func append(_ message: [UInt8], to decoder: inout PostgresCopyDecoder) throws(FormatError) {
    // A copy of exactly this size, so that reading past it is seen by a memory checker.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count, alignment: 1)
    defer { unsafe memory.deallocate() }
    unsafe memory.copyBytes(from: message)
    unsafe try decoder.append(row: UnsafeRawBufferPointer(memory))
}
