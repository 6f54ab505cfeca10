/// Writes structures in Thrift's compact protocol, as far as Parquet's metadata needs it.
///
/// A structure is a list of fields, ascending by number, and a zero byte. A field starts with one byte: the distance to
/// the field before it (1 ... 15) in the high half, the type in the low half; a larger distance is zero there and the
/// number follows as a zigzag varint. Integers are zigzag varints, except `i8`, which is one byte; binary is a varint
/// length and the bytes; a boolean field is its type alone. A list starts with its length (0 ... 14) and element type in
/// one byte, or with 15 and the length as a varint.
///
/// Source: Apache Thrift, `thrift-compact-protocol.md`.
struct ThriftWriter {
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case int8 = 3
        case int16 = 4
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    private(set) var bytes: [UInt8] = []
    private var lastField = 0

    mutating func field(_ number: Int, _ value: Bool) { begin(number, value ? .yes : .no) }

    mutating func field(_ number: Int, int8 value: Int8) {
        begin(number, .int8)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func field(_ number: Int, int16 value: Int) { integer(number, .int16, value) }
    mutating func field(_ number: Int, int32 value: Int) { integer(number, .int32, value) }
    mutating func field(_ number: Int, int64 value: Int) { integer(number, .int64, value) }

    mutating func field(_ number: Int, _ value: [UInt8]) {
        begin(number, .binary)
        element(value)
    }

    mutating func field(_ number: Int, _ value: String) { field(number, Array(value.utf8)) }

    /// A structure as a field; `body` writes its fields.
    mutating func field(_ number: Int, _ body: (inout ThriftWriter) -> Void) {
        begin(number, .structure)
        structure(body)
    }

    /// A list of `count` elements, which `body` writes.
    mutating func list(_ number: Int, of kind: Kind, count: Int, _ body: (inout ThriftWriter) -> Void) {
        begin(number, .list)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xf0 | kind.rawValue)
            varint(UInt64(count))
        }
        body(&self)
    }

    /// A structure by itself: the outermost one, or an element of a list.
    mutating func structure(_ body: (inout ThriftWriter) -> Void) {
        let outer = lastField
        lastField = 0
        body(&self)
        bytes.append(0)
        lastField = outer
    }

    mutating func element(int32 value: Int) { zigzag(value) }

    mutating func element(_ value: [UInt8]) {
        varint(UInt64(value.count))
        bytes += value
    }

    /// Elements that were encoded earlier.
    mutating func append(encoded: [UInt8]) { bytes += encoded }

    private mutating func integer(_ number: Int, _ kind: Kind, _ value: Int) {
        begin(number, kind)
        zigzag(value)
    }

    private mutating func begin(_ number: Int, _ kind: Kind) {
        let distance = number - lastField
        precondition(distance > 0, "fields are written in ascending order")
        if distance <= 15 {
            bytes.append(UInt8(distance) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            zigzag(number)
        }
        lastField = number
    }

    private mutating func zigzag(_ value: Int) { varint(UInt64(bitPattern: Int64(value << 1 ^ value >> 63))) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
