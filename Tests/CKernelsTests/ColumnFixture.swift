import CKernels

/// SplitMix64: small, seeded, the same on every machine.
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(_ seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// A column of bytes in Arrow layout, as a test builds it.
struct ColumnFixture {
    var bytes: [UInt8] = []
    var offsets: [Int32] = [0]
    /// LSB-first; nil where no row is null.
    var validity: [UInt8]?

    var rowCount: Int { offsets.count - 1 }

    func value(_ row: Int) -> [UInt8] { Array(bytes[Int(offsets[row])..<Int(offsets[row + 1])]) }
    func isValid(_ row: Int) -> Bool { validity.map { $0[row / 8] >> UInt8(row % 8) & 1 == 1 } ?? true }

    init(lengths: [Int], nulls: Set<Int>? = nil, firstOffset: Int = 0, random: inout Seeded) {
        offsets = [Int32(firstOffset)]
        for length in lengths { offsets.append(offsets.last! + Int32(length)) }
        bytes = random.bytes(Int(offsets.last!))
        if let nulls {
            var bits = [UInt8](repeating: 0xFF, count: (lengths.count + 7) / 8)
            for row in nulls { bits[row / 8] &= ~(1 << UInt8(row % 8)) }
            validity = bits
        }
    }
}

/// A keyed hash of a column with 32-bit offsets; `digestBytes` bytes a row.
typealias ColumnHash = (
    _ bytes: UnsafePointer<UInt8>?, _ offsets: UnsafePointer<Int32>?, _ validity: UnsafePointer<UInt8>?,
    _ rows: Int, _ out: UnsafeMutablePointer<UInt8>?
) -> Void

/// Runs a hash over buffers that end (or, with `distance`, end that many bytes before) a protected page, so that a read
/// or write beyond them stops the process.
func digests(of column: ColumnFixture, digestBytes: Int, distance: Int = 0, by hash: ColumnHash) -> [UInt8] {
    let bytes = ProtectedBytes(column.bytes, distance: distance)
    let offsets = unsafe column.offsets.withUnsafeBytes { unsafe ProtectedBytes(Array($0)) }
    let validity = column.validity.map { ProtectedBytes($0) }
    let out = ProtectedBytes([UInt8](repeating: 0xA5, count: digestBytes * column.rowCount))
    unsafe hash(
        bytes.start, offsets.start.assumingMemoryBound(to: Int32.self, count: column.offsets.count),
        validity?.start, column.rowCount, out.start)
    return out.contents
}

extension UnsafeMutablePointer<UInt8> {
    fileprivate func assumingMemoryBound<T>(to type: T.Type, count: Int) -> UnsafePointer<T> {
        unsafe UnsafePointer(UnsafeMutableRawPointer(self).assumingMemoryBound(to: type))
    }
}
