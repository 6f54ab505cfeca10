/// Names of publish attempts: UUID version 7 (RFC 9562, 5.7), whose first 48 bits are the Unix time in milliseconds.
package enum AttemptID {
    package static func make(milliseconds: Int64, random: (UInt64, UInt64)) -> String {
        let time = UInt64(bitPattern: milliseconds) & 0xffff_ffff_ffff
        let high = time << 16 | 0x7000 | random.0 & 0x0fff
        let low = 0x8000_0000_0000_0000 | random.1 >> 2
        let digits = hexadecimal(high) + hexadecimal(low)
        var out = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { out += "-" }
            out.append(digit)
        }
        return out
    }

    /// When the attempt began, in milliseconds of Unix time; nil for a text that is no such id.
    package static func milliseconds(_ attempt: String) -> Int64? {
        let bytes = Array(attempt.utf8)
        guard bytes.count == 36, bytes[14] == UInt8(ascii: "7") else { return nil }
        for (index, byte) in bytes.enumerated() {
            let isDash = [8, 13, 18, 23].contains(index)
            let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            guard isDash ? byte == UInt8(ascii: "-") : isDigit else { return nil }
        }
        return Int64(String(attempt.prefix(8)) + String(attempt.dropFirst(9).prefix(4)), radix: 16)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
