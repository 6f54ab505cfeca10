internal import Columnar
internal import Model

/// A value as a profile keeps it.
enum ProfileValue: Hashable, Sendable {
    /// Integers, decimals in units of their last place, days, microseconds, booleans as 0 and 1.
    case integer(Int128)
    /// One NaN and one zero stand for all.
    case number(Double)
    /// Text and binary.
    case bytes([UInt8])

    /// An order within one type; bytes unsigned.
    static func precedes(_ one: ProfileValue, _ other: ProfileValue) -> Bool {
        switch (one, other) {
        case (.integer(let one), .integer(let other)): one < other
        case (.number(let one), .number(let other)): one < other || (other.isNaN && !one.isNaN)
        case (.bytes(let one), .bytes(let other)): one.lexicographicallyPrecedes(other)
        default: false
        }
    }

    /// 64 well-mixed bits, the same on every machine.
    var hash: UInt64 {
        switch self {
        case .integer(let value): Self.hash(value)
        case .number(let value): Self.mix(value.bitPattern)
        case .bytes(let bytes): unsafe bytes.withUnsafeBytes { unsafe Self.hash($0) }
        }
    }

    static func hash(_ value: Int128) -> UInt64 {
        let low = mix(UInt64(truncatingIfNeeded: value))
        // What fits in 64 bits, nearly everything, takes one round.
        return value == Int128(Int64(truncatingIfNeeded: value))
            ? low : mix(low ^ UInt64(truncatingIfNeeded: value >> 64))
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = mix(UInt64(bytes.count))
        var offset = 0
        while offset + 8 <= bytes.count {
            state = unsafe mix(
                state ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < bytes.count {
            rest = unsafe rest << 8 | UInt64(bytes[offset])
            offset += 1
        }
        return mix(state ^ rest)
    }

    /// The output function of SplitMix64 (Steele, Lea, Flood 2014).
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// JSON for values of `type`: integers and floats as numbers, everything else as the text that exports spell it with.
    static func json(_ values: [ProfileValue], type: DataType) -> [JSON] {
        switch type {
        case .int16, .int32, .int64:
            return values.map {
                if case .integer(let value) = $0 { .integer(Int64(truncatingIfNeeded: value)) } else { .null }
            }
        case .float32, .float64:
            return values.map { value in
                guard case .number(let number) = value else { return .null }
                return number.isFinite
                    ? .number(number) : .text(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
            }
        case .text:
            return values.map {
                if case .bytes(let bytes) = $0 { .text(String(decoding: bytes, as: UTF8.self)) } else { .null }
            }
        default:
            let texts = CellTexts()
            texts.render(column(values, type), as: .csv)
            let bytes = unsafe Array(texts.bytes.bytes)
            var start = 0
            return values.indices.map { row in
                let end = unsafe Int(texts.ends.pointer(Int64.self)[row])
                defer { start = end }
                return .text(String(decoding: bytes[start..<end], as: UTF8.self))
            }
        }
    }

    private static func column(_ values: [ProfileValue], _ type: DataType) -> Column {
        func whole(_ value: ProfileValue) -> Int128 { if case .integer(let whole) = value { whole } else { 0 } }
        switch type {
        case .boolean:
            var builder = BooleanBuilder()
            for value in values { builder.append(whole(value) != 0) }
            return builder.finish()
        case .date:
            var builder = FixedBuilder<Int32>(rows: values.count)
            for value in values { builder.append(Int32(truncatingIfNeeded: whole(value))) }
            return builder.finish(type: type)
        case .timestamp:
            var builder = FixedBuilder<Int64>(rows: values.count)
            for value in values { builder.append(Int64(truncatingIfNeeded: whole(value))) }
            return builder.finish(type: type)
        case .decimal:
            var builder = FixedBuilder<Int128>(rows: values.count)
            for value in values { builder.append(whole(value)) }
            return builder.finish(type: type)
        default:
            var builder = VariableBuilder(rows: values.count, bytes: 64)
            for value in values {
                if case .bytes(let bytes) = value {
                    unsafe bytes.withUnsafeBytes { unsafe builder.append($0) }
                } else {
                    builder.appendNull()
                }
            }
            return builder.finish(type: .binary)
        }
    }
}
