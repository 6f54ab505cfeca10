#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// About how many different values there are, in 4 KiB: HyperLogLog with 2^12 registers.
///
/// - Error: 1.6 % (one standard deviation); small numbers by linear counting.
/// - Source: Flajolet, Fusy, Gandouet, Meunier 2007, with 64-bit hashes, so without a correction for large numbers.
struct DistinctSketch: Sendable, Equatable {
    private static let bits = 12
    private var registers = [UInt8](repeating: 0, count: 1 << bits)

    /// `hash`: 64 well-mixed bits of a value.
    mutating func add(_ hash: UInt64) {
        let register = Int(hash >> UInt64(64 - Self.bits))
        let rank = UInt8(min((hash << UInt64(Self.bits)).leadingZeroBitCount, 64 - Self.bits) + 1)
        if rank > registers[register] { registers[register] = rank }
    }

    mutating func merge(_ other: DistinctSketch) {
        for index in registers.indices { registers[index] = max(registers[index], other.registers[index]) }
    }

    var estimate: Int64 {
        let count = Double(registers.count)
        let sum = registers.reduce(0.0) { $0 + 1 / Double(UInt64(1) << UInt64($1)) }
        let raw = 0.7213 / (1 + 1.079 / count) * count * count / sum
        let zeros = registers.count { $0 == 0 }
        if raw <= 2.5 * count, zeros > 0 { return Int64((count * log(count / Double(zeros))).rounded()) }
        return Int64(raw.rounded())
    }
}
