/// Writes a FlatBuffer, back to front as the format wants it: what is referred to is written before what refers to it.
///
/// Scalars are little endian and lie at multiples of their size, counted from the end of the buffer, which the whole is
/// padded for. A reference is a 32-bit distance forward. A table is a 32-bit distance back to its vtable and its fields; the
/// vtable is its own size, the table's size and, for each field, where it lies in the table (0: absent), 16 bits each.
/// A vector is a 32-bit count and the elements, a string one of bytes with a zero behind them.
///
/// Source: flatbuffers.dev, "FlatBuffer Internals".
struct FlatBuffer {
    /// Where something begins, as its distance from the buffer's end.
    typealias Place = Int

    /// A field of a table. Fields are always written, equal to their default or not.
    enum FieldValue {
        case bool(Bool)
        case int8(Int8)
        case int16(Int16)
        case int32(Int32)
        case int64(Int64)
        case reference(Place)
    }

    /// The last byte first.
    private var reversed: [UInt8] = []
    private var largestAlignment = 1

    mutating func string(_ text: String) -> Place {
        let bytes = Array(text.utf8)
        align(4, before: bytes.count + 1 + 4)
        reversed.append(0)
        reversed += bytes.reversed()
        scalar(UInt32(bytes.count))
        return reversed.count
    }

    mutating func vector(of references: [Place]) -> Place {
        align(4, before: 4 * references.count)
        for place in references.reversed() { reference(place) }
        scalar(UInt32(references.count))
        return reversed.count
    }

    /// Structures of 64-bit numbers, `width` of them each.
    mutating func vector(of numbers: [Int64], width: Int) -> Place {
        precondition(numbers.count % width == 0, "structures are whole")
        // The elements lie at multiples of eight; the count in front of them at whatever is four before.
        align(8, before: 8 * numbers.count)
        for number in numbers.reversed() { scalar(number) }
        scalar(UInt32(numbers.count / width))
        return reversed.count
    }

    /// Fields by their number in the schema, without gaps; nil: absent.
    mutating func table(_ fields: [FieldValue?]) -> Place {
        let end = reversed.count
        var places = [Place](repeating: 0, count: fields.count)
        for (number, field) in fields.enumerated() {
            switch field {
            case nil: continue
            case .bool(let value): aligned(UInt8(value ? 1 : 0))
            case .int8(let value): aligned(value)
            case .int16(let value): aligned(value)
            case .int32(let value): aligned(value)
            case .int64(let value): aligned(value)
            case .reference(let place):
                align(4, before: 4)
                reference(place)
            }
            places[number] = reversed.count
        }
        align(4, before: 4)
        scalar(Int32(0))
        let table = reversed.count
        align(2, before: 0)
        for place in places.reversed() { scalar(UInt16(place == 0 ? 0 : table - place)) }
        scalar(UInt16(table - end))
        scalar(UInt16(2 * fields.count + 4))
        // The distance from the table back to its vtable, into the place that was kept for it.
        let distance = UInt32(reversed.count - table)
        for byte in 0..<4 { reversed[table - 1 - byte] = UInt8(truncatingIfNeeded: distance >> (8 * UInt32(byte))) }
        return table
    }

    /// The whole buffer with `root` as what it is about.
    consuming func finished(root: Place) -> [UInt8] {
        align(max(largestAlignment, 4), before: 4)
        reference(root)
        return reversed.reversed()
    }

    /// Pads so that what follows, `byteCount` bytes, begins at a multiple of `size`.
    private mutating func align(_ size: Int, before byteCount: Int) {
        largestAlignment = max(largestAlignment, size)
        while (reversed.count + byteCount) % size != 0 { reversed.append(0) }
    }

    private mutating func aligned<Value: FixedWidthInteger>(_ value: Value) {
        align(Value.bitWidth / 8, before: Value.bitWidth / 8)
        scalar(value)
    }

    private mutating func scalar<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            reversed.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    private mutating func reference(_ place: Place) { scalar(UInt32(reversed.count + 4 - place)) }
}
