import Model

/// Identifiers that table formats ask to be unique, made from what is described: equal inputs give equal identifiers.
struct DerivedIdentifiers {
    /// SHA-256 over the format, the run and the table.
    private let digest: [UInt8]

    init(format: String, run: String, table: String) {
        let digits = Array(SHA256.hexadecimal("\(format)\n\(run)\n\(table)"))
        digest = stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8((digits[index].hexDigitValue ?? 0) << 4 | (digits[index + 1].hexDigitValue ?? 0))
        }
    }

    /// A UUID of version 8 (RFC 9562, section 5.8) from the first 16 bytes.
    var uuid: String {
        var bytes = digest[..<16]
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
    }

    /// 16 bytes that the UUID does not show.
    var marker: [UInt8] { Array(digest[16...]) }

    /// A positive number of 63 bits.
    var number: Int64 {
        let bits = digest[16..<24].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return max(1, Int64(bits >> 1))
    }
}
