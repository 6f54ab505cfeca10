internal import CKernels
internal import Model

/// Smallest and largest value of one column chunk, as its statistics state them.
///
/// A reader skips a row group by them, so a wrong bound loses rows without a word. Where no honest bound can be given,
/// both are left out. Orders: integers and decimals by value, text and binary by unsigned bytes, floating point by value,
/// where a zero is -0.0 below and +0.0 above.
///
/// A chunk with a NaN has no bounds. The format would allow those of its other values, but readers that find equal bounds
/// (DuckDB, pyarrow) then take every row for that value, and those that order NaN above all numbers skip rows.
struct ParquetBounds {
    /// Bounds of text and binary are cut off here.
    static let byteLimit = Int(KERNEL_PARQUET_BOUND_BYTES)

    struct Encoded: Equatable {
        var low: [UInt8]
        var high: [UInt8]
        var isLowExact = true
        var isHighExact = true
    }

    private let shape: ParquetLeafShape
    private var valueCount = 0
    /// NaN among the values; stated for floating point.
    private(set) var nanCount = 0
    private var low = Int64.max
    private var high = Int64.min
    private var lowFloat = Double.infinity
    private var highFloat = -Double.infinity
    private var lowDecimal: [UInt8]
    private var highDecimal: [UInt8]
    private var strings = kernel_parquet_byte_bounds()

    init(shape: ParquetLeafShape) {
        self.shape = shape
        lowDecimal = [0x7f] + [UInt8](repeating: 0xff, count: 15)
        highDecimal = [0x80] + [UInt8](repeating: 0, count: 15)
    }

    var isFloatingPoint: Bool { shape.physical == .float || shape.physical == .double }

    /// Takes in `count` PLAIN values (booleans: a byte each), behind which 16 bytes are readable.
    mutating func fold(_ values: UnsafeRawPointer, count: Int) {
        let source = unsafe values.assumingMemoryBound(to: UInt8.self)
        valueCount += count
        switch shape.physical {
        case .boolean: unsafe kernel_parquet_bounds_flags(source, count, &low, &high)
        case .int32: unsafe kernel_parquet_bounds_int32(source, count, &low, &high)
        case .int64: unsafe kernel_parquet_bounds_int64(source, count, &low, &high)
        case .float: nanCount += unsafe kernel_parquet_bounds_float(source, count, &lowFloat, &highFloat)
        case .double: nanCount += unsafe kernel_parquet_bounds_double(source, count, &lowFloat, &highFloat)
        case .fixed:
            unsafe kernel_parquet_bounds_decimal(source, count, Int32(shape.width), &lowDecimal, &highDecimal)
        case .byteArray: unsafe kernel_parquet_bounds_bytes(source, count, &strings)
        }
    }

    /// Takes in one byte string where it lies.
    mutating func fold(one value: UnsafeRawBufferPointer) {
        guard let base = value.baseAddress else { preconditionFailure("the value has bytes") }
        valueCount += 1
        unsafe kernel_parquet_bounds_one(base.assumingMemoryBound(to: UInt8.self), value.count, &strings)
    }

    /// Both bounds as the statistics hold them, or nil: no values, a NaN, or text without a larger short one.
    var encoded: Encoded? {
        guard valueCount > 0, nanCount == 0 else { return nil }
        switch shape.physical {
        case .boolean: return Encoded(low: [UInt8(low)], high: [UInt8(high)])
        case .int32: return Encoded(low: littleEndian(Int32(low)), high: littleEndian(Int32(high)))
        case .int64: return Encoded(low: littleEndian(low), high: littleEndian(high))
        case .float:
            return Encoded(
                low: littleEndian(Float(below(lowFloat)).bitPattern),
                high: littleEndian(Float(above(highFloat)).bitPattern))
        case .double:
            return Encoded(
                low: littleEndian(below(lowFloat).bitPattern), high: littleEndian(above(highFloat).bitPattern))
        case .fixed:
            return Encoded(low: Array(lowDecimal.prefix(shape.width)), high: Array(highDecimal.prefix(shape.width)))
        case .byteArray: return encodedStrings
        }
    }

    private var encodedStrings: Encoded? {
        let (lowLength, highLength) = (Int(strings.low_length), Int(strings.high_length))
        let lowBytes = unsafe withUnsafeBytes(of: strings.low) { unsafe Array($0.prefix(lowLength)) }
        let highBytes = unsafe withUnsafeBytes(of: strings.high) { unsafe Array($0.prefix(highLength)) }
        let isText = shape.type == .text
        var result = Encoded(low: lowBytes, high: highBytes)
        if lowLength > Self.byteLimit {
            result.low = Array(lowBytes.prefix(isText ? Self.wholeScalars(lowBytes) : Self.byteLimit))
            result.isLowExact = false
        }
        if highLength > Self.byteLimit {
            guard let larger = isText ? Self.incremented(text: highBytes) : Self.incremented(binary: highBytes)
            else { return nil }
            result.high = larger
            result.isHighExact = false
        }
        return result
    }

    private func below(_ value: Double) -> Double { value == 0 ? -0.0 : value }
    private func above(_ value: Double) -> Double { value == 0 ? 0.0 : value }

    private func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe Array($0) }
    }
}

/// Cutting off without lying.
extension ParquetBounds {
    /// How many bytes of a prefix of longer text are whole scalars.
    static func wholeScalars(_ prefix: [UInt8]) -> Int {
        guard let start = lastScalar(prefix, end: prefix.count) else { return 0 }
        return start + scalarLength(prefix[start]) > prefix.count ? start : prefix.count
    }

    /// The smallest text of at most the prefix's length that is above all text beginning with it and is made by raising
    /// one scalar to the next of equal length; nil when there is none.
    static func incremented(text prefix: [UInt8]) -> [UInt8]? {
        var end = wholeScalars(prefix)
        while let start = lastScalar(prefix, end: end), start + scalarLength(prefix[start]) == end {
            var scalar = prefix[start + 1..<end].reduce(scalarHead(prefix[start])) { $0 << 6 | UInt32($1 & 0x3f) }
            scalar += 1
            if scalar == 0xd800 { scalar = 0xe000 }  // surrogates are no text
            if let next = Unicode.Scalar(scalar), UTF8.width(next) == end - start {
                return prefix[..<start] + Array(String(Character(next)).utf8)
            }
            end = start
        }
        return nil
    }

    /// The smallest binary above all that begins with the prefix and is not longer; nil when all its bytes are 0xff.
    static func incremented(binary prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 != 0xff }) else { return nil }
        return prefix[..<last] + [prefix[last] + 1]
    }

    private static func lastScalar(_ bytes: [UInt8], end: Int) -> Int? {
        bytes[..<end].lastIndex { $0 & 0xc0 != 0x80 }
    }

    private static func scalarLength(_ lead: UInt8) -> Int {
        switch lead {
        case 0..<0x80: 1
        case 0xc0..<0xe0: 2
        case 0xe0..<0xf0: 3
        default: 4
        }
    }

    private static func scalarHead(_ lead: UInt8) -> UInt32 {
        switch scalarLength(lead) {
        case 1: UInt32(lead)
        case 2: UInt32(lead & 0x1f)
        case 3: UInt32(lead & 0x0f)
        default: UInt32(lead & 0x07)
        }
    }
}
