import CKernels
import Testing

extension KernelTests {
    /// HMAC-SHA-256 columns of each level against OpenSSL, and against the plain version where there is much to compare.
    @Suite("HMAC-SHA-256 columns")
    struct HashTests {
        private static func key(_ bytes: [UInt8]) -> kernel_hmac_key {
            var key = kernel_hmac_key()
            unsafe kernel_hmac_sha256_key(&key, bytes, bytes.count)
            return key
        }

        private static func hash(_ column: ColumnFixture, _ key: kernel_hmac_key, distance: Int = 0) -> [UInt8] {
            var key = key
            return unsafe digests(of: column, digestBytes: 32, distance: distance) {
                unsafe kernel_hmac_sha256_i32(&key, $0, $1, $2, $3, $4)
            }
        }

        private static func reference(_ column: ColumnFixture, _ key: kernel_hmac_key) -> [UInt8] {
            var key = key
            return unsafe digests(of: column, digestBytes: 32) {
                unsafe reference_hmac_sha256_i32(&key, $0, $1, $2, $3, $4)
            }
        }

        @Test("lengths 0 to 200, each in a column of its own length and all in one column, equal OpenSSL")
        func everyLength() {
            var random = Seeded(0x5EED_0001)
            let keyBytes = random.bytes(32)
            let key = Self.key(keyBytes)
            var columns = [ColumnFixture(lengths: Array(0...200), random: &random)]
            for length in 0...200 { columns.append(ColumnFixture(lengths: [length, length, length], random: &random)) }
            let expected = columns.map { column in
                (0..<column.rowCount).flatMap { Oracle.hmacSHA256(key: keyBytes, message: column.value($0)) }
            }
            atEachLevel { level in
                for (column, expected) in zip(columns, expected) {
                    #expect(Self.hash(column, key) == expected, "\(level), seed \(random.seed), \(column.offsets)")
                }
            }
        }

        @Test("0 to 40 values of one and of mixed lengths, nulls in every second column, equal the plain version")
        func everyCount() {
            var random = Seeded(0x5EED_0002)
            let key = Self.key(random.bytes(17))
            var columns: [ColumnFixture] = []
            for count in 0...40 {
                for longest in [0, 24, 55, 56, 130, 700] {
                    let lengths = (0..<count).map { _ in
                        longest == 24 ? 24 : Int.random(in: 0...longest, using: &random)
                    }
                    let nulls = count % 2 == 0 ? nil : Set((0..<count).filter { _ in Bool.random(using: &random) })
                    columns.append(
                        ColumnFixture(lengths: lengths, nulls: nulls, firstOffset: count % 3, random: &random))
                }
            }
            let expected = columns.map { Self.reference($0, key) }
            atEachLevel { level in
                for (column, expected) in zip(columns, expected) {
                    #expect(Self.hash(column, key) == expected, "\(level), seed \(random.seed), \(column.offsets)")
                }
            }
        }

        @Test("64 alignments of the bytes give the same digests")
        func everyAlignment() {
            var random = Seeded(0x5EED_0003)
            let key = Self.key(random.bytes(64))
            let column = ColumnFixture(lengths: (0..<37).map { 7 * $0 % 90 }, random: &random)
            let expected = Self.reference(column, key)
            atEachLevel { level in
                for distance in 0..<64 {
                    #expect(Self.hash(column, key, distance: distance) == expected, "\(level), \(distance)")
                }
            }
        }

        @Test("all 512 null patterns of nine rows: nulls give zero bytes, values their digest")
        func everyNullPattern() {
            var random = Seeded(0x5EED_0004)
            let keyBytes = random.bytes(32)
            let key = Self.key(keyBytes)
            var column = ColumnFixture(lengths: [0, 3, 24, 24, 55, 56, 64, 119, 600], nulls: [], random: &random)
            let digestOf = (0..<9).map { Oracle.hmacSHA256(key: keyBytes, message: column.value($0)) }
            let zero = [UInt8](repeating: 0, count: 32)
            atEachLevel { level in
                for pattern in 0..<512 {
                    column.validity = [UInt8(pattern & 0xFF), UInt8(pattern >> 8) | 0xFE]
                    let expected = (0..<9).flatMap { pattern >> $0 & 1 == 1 ? digestOf[$0] : zero }
                    #expect(Self.hash(column, key) == expected, "\(level), \(pattern)")
                }
            }
        }

        @Test("columns longer than a batch, with nulls, and a value of 1 MiB equal OpenSSL")
        func largeColumns() {
            var random = Seeded(0x5EED_0005)
            let keyBytes = random.bytes(100)
            let key = Self.key(keyBytes)
            let lengths = (0..<2500).map { $0 == 1700 ? 1 << 20 : Int.random(in: 0...70, using: &random) }
            let nulls = Set((0..<2500).filter { $0 >= 1024 && $0 % 5 == 0 && $0 != 1700 })
            let column = ColumnFixture(lengths: lengths, nulls: nulls, random: &random)
            let expected = (0..<2500).flatMap {
                column.isValid($0)
                    ? Oracle.hmacSHA256(key: keyBytes, message: column.value($0)) : [UInt8](repeating: 0, count: 32)
            }
            atEachLevel { level in #expect(Self.hash(column, key) == expected, "\(level), seed \(random.seed)") }
        }

        @Test("64-bit offsets and fixed widths give the digests of 32-bit offsets")
        func otherLayouts() {
            var random = Seeded(0x5EED_0006)
            var key = Self.key(random.bytes(32))
            for width in [0, 1, 8, 16, 24, 56, 130, 600] {
                for nulls: Set<Int>? in [nil, [0, 7, 39]] {
                    let column = ColumnFixture(
                        lengths: [Int](repeating: width, count: 40), nulls: nulls, random: &random)
                    let expected = Self.reference(column, key)
                    let wide = column.offsets.map(Int64.init)
                    atEachLevel { level in
                        let fixed = unsafe digests(of: column, digestBytes: 32) { bytes, _, validity, rows, out in
                            unsafe kernel_hmac_sha256_fixed(&key, bytes, width, validity, rows, out)
                        }
                        let large = unsafe digests(of: column, digestBytes: 32) { bytes, _, validity, rows, out in
                            unsafe kernel_hmac_sha256_i64(&key, bytes, wide, validity, rows, out)
                        }
                        #expect(fixed == expected, "\(level), \(width)")
                        #expect(large == expected, "\(level), \(width)")
                    }
                }
            }
        }

        @Test("keys of 0 to 200 bytes give OpenSSL's HMAC; a wiped key is zero")
        func everyKeyLength() {
            var random = Seeded(0x5EED_0007)
            for length in 0...200 {
                let keyBytes = random.bytes(length)
                let column = ColumnFixture(lengths: [24], random: &random)
                let expected = Oracle.hmacSHA256(key: keyBytes, message: column.value(0))
                #expect(Self.hash(column, Self.key(keyBytes)) == expected, "\(length)")
            }
            var key = Self.key([1, 2, 3])
            unsafe kernel_hmac_key_wipe(&key)
            #expect(unsafe withUnsafeBytes(of: &key) { unsafe $0.allSatisfy { $0 == 0 } })
        }
    }
}
