import CKernels
import Testing

extension KernelTests {
    /// AES-CMAC columns of each level against OpenSSL, and against the plain version where there is much to compare.
    @Suite("AES-CMAC columns")
    struct CMACTests {
        private static func key(_ bytes: [UInt8]) throws -> kernel_cmac_key {
            var key = kernel_cmac_key()
            try #require(unsafe kernel_cmac_aes_key(&key, bytes, bytes.count))
            return key
        }

        private static func hash(_ column: ColumnFixture, _ key: kernel_cmac_key, distance: Int = 0) -> [UInt8] {
            var key = key
            return unsafe digests(of: column, digestBytes: 16, distance: distance) {
                unsafe kernel_cmac_aes_i32(&key, $0, $1, $2, $3, $4)
            }
        }

        private static func reference(_ column: ColumnFixture, _ key: kernel_cmac_key) -> [UInt8] {
            var key = key
            return unsafe digests(of: column, digestBytes: 16) {
                unsafe reference_cmac_aes_i32(&key, $0, $1, $2, $3, $4)
            }
        }

        @Test("lengths 0 to 200 with keys of 128, 192 and 256 bits equal OpenSSL", arguments: [16, 24, 32])
        func everyLength(keyLength: Int) throws {
            var random = Seeded(0x5EED_0011)
            let keyBytes = random.bytes(keyLength)
            let key = try Self.key(keyBytes)
            var columns = [ColumnFixture(lengths: Array(0...200), random: &random)]
            for length in 0...200 { columns.append(ColumnFixture(lengths: [length, length, length], random: &random)) }
            let expected = columns.map { column in
                (0..<column.rowCount).flatMap { Oracle.cmacAES(key: keyBytes, message: column.value($0)) }
            }
            atEachLevel { level in
                for (column, expected) in zip(columns, expected) {
                    #expect(Self.hash(column, key) == expected, "\(level), seed \(random.seed), \(column.offsets)")
                }
            }
        }

        @Test("0 to 70 values, with and without nulls, at changing alignments equal the plain version")
        func everyCount() throws {
            var random = Seeded(0x5EED_0012)
            let key = try Self.key(random.bytes(32))
            var columns: [ColumnFixture] = []
            for count in 0...70 {
                for longest in [16, 24, 100, 700] {
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
                for (i, (column, expected)) in zip(columns, expected).enumerated() {
                    let digests = Self.hash(column, key, distance: i % 64)
                    #expect(digests == expected, "\(level), seed \(random.seed), \(column.offsets)")
                }
            }
        }

        @Test("all 512 null patterns, a value of 1 MiB, other layouts")
        func patternsAndLayouts() throws {
            var random = Seeded(0x5EED_0013)
            let keyBytes = random.bytes(32)
            var key = try Self.key(keyBytes)
            var column = ColumnFixture(lengths: [0, 3, 16, 17, 32, 33, 64, 119, 600], nulls: [], random: &random)
            let digestOf = (0..<9).map { Oracle.cmacAES(key: keyBytes, message: column.value($0)) }
            let zero = [UInt8](repeating: 0, count: 16)
            let huge = ColumnFixture(lengths: [5, 1 << 20, 24], random: &random)
            let hugeDigests = (0..<3).flatMap { Oracle.cmacAES(key: keyBytes, message: huge.value($0)) }
            let fixed = ColumnFixture(lengths: [Int](repeating: 24, count: 40), nulls: [3, 39], random: &random)
            let fixedDigests = Self.reference(fixed, key)
            let wide = fixed.offsets.map(Int64.init)
            atEachLevel { level in
                for pattern in 0..<512 {
                    column.validity = [UInt8(pattern & 0xFF), UInt8(pattern >> 8) | 0xFE]
                    let expected = (0..<9).flatMap { pattern >> $0 & 1 == 1 ? digestOf[$0] : zero }
                    #expect(Self.hash(column, key) == expected, "\(level), \(pattern)")
                }
                #expect(Self.hash(huge, key) == hugeDigests, "\(level)")
                let ofWidth = unsafe digests(of: fixed, digestBytes: 16) { bytes, _, validity, rows, out in
                    unsafe kernel_cmac_aes_fixed(&key, bytes, 24, validity, rows, out)
                }
                let ofWide = unsafe digests(of: fixed, digestBytes: 16) { bytes, _, validity, rows, out in
                    unsafe kernel_cmac_aes_i64(&key, bytes, wide, validity, rows, out)
                }
                #expect(ofWidth == fixedDigests && ofWide == fixedDigests, "\(level)")
            }
        }

        @Test("keys of other sizes are refused; a wiped key is zero")
        func keys() throws {
            var key = kernel_cmac_key()
            for count in [0, 1, 15, 17, 31, 33, 64] {
                #expect(unsafe !kernel_cmac_aes_key(&key, [UInt8](repeating: 1, count: max(count, 1)), count))
            }
            key = try Self.key([UInt8](repeating: 7, count: 32))
            unsafe kernel_cmac_key_wipe(&key)
            #expect(unsafe withUnsafeBytes(of: &key) { unsafe $0.allSatisfy { $0 == 0 } })
        }
    }
}
