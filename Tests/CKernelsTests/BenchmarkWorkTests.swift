import CKernels
import Testing

extension KernelTests {
    /// What `benchmarks` times, in small: the same columns and the same calls, a few thousand rows, results instead of times.
    @Suite("the benchmark's work")
    struct BenchmarkWorkTests {
        private static let rows = 4096
        private static let key = (0..<32).map { UInt8($0) }

        /// Values of `width` bytes, each from `alphabet`.
        private static func column(width: Int, alphabet: String, seed: UInt64) -> ColumnFixture {
            var random = Seeded(seed)
            let letters = Array(alphabet.utf8)
            return ColumnFixture(
                values: (0..<rows).map { _ in random.bytes(width).map { letters[Int($0) % letters.count] } })
        }

        private static let identifiers = column(
            width: 24, alphabet: "abcdefghijklmnopqrstuvwxyz0123456789.@", seed: 0x5EED_0061)
        private static let cards = column(width: 16, alphabet: "0123456789", seed: 0x5EED_0062)

        private static func hmacKey() -> kernel_hmac_key {
            var made = kernel_hmac_key()
            unsafe kernel_hmac_sha256_key(&made, key, key.count)
            return made
        }

        @Test("HMAC-SHA-256 of identifiers is OpenSSL's at every level")
        func hmac() {
            var key = Self.hmacKey()
            let expected = (0..<Self.rows).flatMap {
                Oracle.hmacSHA256(key: Self.key, message: Self.identifiers.value($0))
            }
            atEachLevel { level in
                let found = unsafe digests(of: Self.identifiers, digestBytes: 32) {
                    unsafe kernel_hmac_sha256_i32(&key, $0, $1, $2, $3, $4)
                }
                #expect(found == expected, "\(level)")
            }
        }

        @Test("HMAC-SHA-256 and base32, two thousand rows at a time, are OpenSSL's digests as text at every level")
        func tokens() {
            var key = Self.hmacKey()
            let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
            let expected = (0..<Self.rows).flatMap { row -> [UInt8] in
                let digest = Oracle.hmacSHA256(key: Self.key, message: Self.identifiers.value(row)).prefix(16)
                var text: [UInt8] = []
                var bits = 0
                var bitCount = 0
                for byte in digest {
                    bits = bits << 8 | Int(byte)
                    bitCount += 8
                    while bitCount >= 5 {
                        bitCount -= 5
                        text.append(letters[bits >> bitCount & 31])
                    }
                }
                return text + [letters[bits << (5 - bitCount) & 31]]
            }
            atEachLevel { level in
                var text: [UInt8] = []
                for start in stride(from: 0, to: Self.rows, by: 2048) {
                    let values = (start..<(start + 2048)).map(Self.identifiers.value)
                    let leading = unsafe digests(of: ColumnFixture(values: values), digestBytes: 32) {
                        unsafe kernel_hmac_sha256_i32(&key, $0, $1, $2, $3, $4)
                    }
                    var out = [UInt8](repeating: 0, count: 26 * 2048)
                    var offsets = [Int32](repeating: 0, count: 2049)
                    unsafe kernel_base32_rows(leading, 32, nil, 2048, 26, &out, &offsets)
                    text += out
                }
                #expect(text == expected, "\(level)")
            }
        }

        @Test("AES-256-CMAC of identifiers is OpenSSL's at every level")
        func cmac() throws {
            var key = kernel_cmac_key()
            try #require(unsafe kernel_cmac_aes_key(&key, Self.key, 32))
            let expected = (0..<Self.rows).flatMap {
                Oracle.cmacAES(key: Self.key, message: Self.identifiers.value($0))
            }
            atEachLevel { level in
                let found = unsafe digests(of: Self.identifiers, digestBytes: 16) {
                    unsafe kernel_cmac_aes_i32(&key, $0, $1, $2, $3, $4)
                }
                #expect(found == expected, "\(level)")
            }
        }

        @Test("FF1 of card numbers is the step-by-step version's at every level, and goes back")
        func ff1() throws {
            let cipher = try #require(FF1Fixture(key: Self.key, alphabet: Array("0123456789".utf8), tweak: [1]))
            let expected = cipher.run(.referenceEncrypt, Self.cards)
            #expect(expected.refused == 0)
            var encrypted = Self.cards
            encrypted.bytes = expected.text
            atEachLevel { level in
                #expect(cipher.run(.encrypt, Self.cards).text == expected.text, "\(level)")
                #expect(cipher.run(.decrypt, encrypted).text == Self.cards.bytes, "\(level)")
            }
        }

        @Test("AES-256-SIV of identifiers is RFC 5297's, computed with OpenSSL, at every level")
        func siv() throws {
            var key = kernel_siv_key()
            try #require(unsafe kernel_siv_key_make(&key, Self.key + Self.key, 64, [1], 1))
            let expected = (0..<Self.rows).flatMap {
                Oracle.sealSIV(key: Self.key + Self.key, context: [1], message: Self.identifiers.value($0))
            }
            atEachLevel { level in
                var out = [UInt8](repeating: 0, count: 40 * Self.rows)
                var offsets = [Int32](repeating: 0, count: Self.rows + 1)
                unsafe kernel_siv_seal_i32(
                    &key, Self.identifiers.bytes, Self.identifiers.offsets, nil, Self.rows, &out, &offsets)
                #expect(out == expected, "\(level)")
                #expect(offsets == (0...Self.rows).map { Int32(40 * $0) }, "\(level)")
            }
        }
    }
}
