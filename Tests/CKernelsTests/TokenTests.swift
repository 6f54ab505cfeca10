import CKernels
import Foundation
import Testing

extension KernelTests {
    /// Text forms against the obvious way to write them.
    @Suite("token text")
    struct TokenTests {
        private static func bits(_ digest: [UInt8]) -> [UInt8] {
            digest.flatMap { byte in (0..<8).map { byte >> UInt8(7 - $0) & 1 } }
        }

        /// Characters of `width` bits each, most significant first, zeros behind the end.
        private static func text(_ digest: [UInt8], width: Int, alphabet: String, length: Int) -> String {
            let bits = bits(digest) + [UInt8](repeating: 0, count: 8)
            let letters = Array(alphabet)
            return String(
                (0..<length).map { i in
                    letters[bits[(width * i)..<(width * i + width)].reduce(0) { 2 * $0 + Int($1) }]
                })
        }

        private typealias TextRows = (
            UnsafePointer<UInt8>?, Int, UnsafePointer<UInt8>?, Int, Int, UnsafeMutablePointer<UInt8>?,
            UnsafeMutablePointer<Int32>?
        ) -> Void

        /// The texts of all rows, nil for a null, from buffers that end at protected pages.
        private static func rows(
            _ digests: [UInt8], stride: Int, validity: [UInt8]?, rows: Int, length: Int, by form: TextRows
        ) -> [String?] {
            let input = ProtectedBytes(digests)
            let bits = validity.map { ProtectedBytes($0) }
            let valid = (0..<rows).filter { row in validity.map { $0[row / 8] >> UInt8(row % 8) & 1 == 1 } ?? true }
            let out = ProtectedBytes([UInt8](repeating: 0, count: valid.count * length))
            var offsets = [Int32](repeating: -1, count: rows + 1)
            unsafe form(input.start, stride, bits?.start, rows, length, out.start, &offsets)
            let text = out.contents
            return (0..<rows).map { row in
                let range = Int(offsets[row])..<Int(offsets[row + 1])
                guard valid.contains(row) else { return range.isEmpty ? nil : "text for a null" }
                return String(decoding: text[range], as: UTF8.self)
            }
        }

        @Test("base32 and hexadecimal of every length, for digests of 16 and 32 bytes, nulls left out")
        func everyLength() {
            var random = Seeded(0x5EED_0021)
            for stride in [16, 32] {
                let rowCount = 19
                let digests = random.bytes(stride * rowCount)
                for validity: [UInt8]? in [nil, [0b1011_0110, 0xFF, 0b0000_0101]] {
                    let digest = { (row: Int) in Array(digests[(stride * row)..<(stride * row + stride)]) }
                    let isValid = { (row: Int) in validity.map { $0[row / 8] >> UInt8(row % 8) & 1 == 1 } ?? true }
                    for length in 1...(2 * stride) {
                        let hex = (0..<rowCount).map { row in
                            isValid(row)
                                ? Self.text(digest(row), width: 4, alphabet: "0123456789abcdef", length: length) : nil
                        }
                        let base32 = (0..<rowCount).map { row in
                            isValid(row) && 5 * length < 8 * stride + 5
                                ? Self.text(
                                    Array(digest(row).prefix(5 * length / 8)), width: 5,
                                    alphabet: "abcdefghijklmnopqrstuvwxyz234567", length: length)
                                : nil
                        }
                        atEachLevel { level in
                            let asHex = unsafe Self.rows(
                                digests, stride: stride, validity: validity, rows: rowCount, length: length,
                                by: { unsafe kernel_hex_rows($0, $1, $2, $3, $4, $5, $6) })
                            #expect(asHex == hex, "\(level), \(length), seed \(random.seed)")
                            guard 5 * length < 8 * stride + 5 else { return }
                            let asBase32 = unsafe Self.rows(
                                digests, stride: stride, validity: validity, rows: rowCount, length: length,
                                by: { unsafe kernel_base32_rows($0, $1, $2, $3, $4, $5, $6) })
                            #expect(asBase32 == base32, "\(level), \(length), seed \(random.seed)")
                        }
                    }
                }
            }
        }

        @Test("a UUID keeps 122 bits of the digest and says version 8")
        func uuid() {
            let digest: [UInt8] = [
                0x2F, 0xC1, 0x06, 0xAE, 0x3D, 0xFF, 0xF9, 0x1A, 0xFB, 0x54, 0x00, 0x13, 0xC4, 0x3A, 0x9B, 0x7E, 1, 2, 3,
                4,
            ]
            let texts = unsafe Self.rows(
                digest + digest, stride: 20, validity: [0b10], rows: 2, length: 36,
                by: { digests, stride, validity, rows, _, out, offsets in
                    unsafe kernel_uuid8_rows(digests, stride, validity, rows, out, offsets)
                })
            #expect(texts == [nil, "2fc106ae-3dff-891a-bb54-0013c43a9b7e"])
            #expect(UUID(uuidString: texts[1] ?? "") != nil)
        }

        @Test("numbers are the leftmost 63 bits, zero for a null")
        func numbers() {
            let digests =
                [UInt8](repeating: 0xFF, count: 16) + (0..<16).map { UInt8($0) } + [UInt8](repeating: 9, count: 16)
            var numbers = [Int64](repeating: -1, count: 3)
            unsafe kernel_int63_rows(digests, 16, [0b011], 3, &numbers)
            #expect(numbers == [Int64.max, 0x0001_0203_0405_0607 >> 1, 0])
        }
    }
}
