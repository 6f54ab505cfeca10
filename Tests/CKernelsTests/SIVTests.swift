import CKernels
import Testing

extension KernelTests {
    /// AES-SIV columns against RFC 5297, Wycheproof and themselves.
    @Suite("AES-SIV columns")
    struct SIVTests {
        private static func key(_ bytes: [UInt8], context: [UInt8]) throws -> kernel_siv_key {
            var key = kernel_siv_key()
            try #require(unsafe kernel_siv_key_make(&key, bytes, bytes.count, context, context.count))
            return key
        }

        private static func seal(_ column: ColumnFixture, _ key: kernel_siv_key) -> ColumnFixture {
            let bytes = ProtectedBytes(column.bytes)
            let valid = (0..<column.rowCount).filter(column.isValid)
            let out = ProtectedBytes(
                [UInt8](repeating: 0xA5, count: valid.reduce(0) { $0 + 16 + column.value($1).count }))
            var offsets = [Int32](repeating: -1, count: column.rowCount + 1)
            unsafe withUnsafePointer(to: key) { key in
                unsafe column.validity.withPointer { validity in
                    unsafe kernel_siv_seal_i32(
                        key, bytes.start, column.offsets, validity, column.rowCount, out.start, &offsets)
                }
            }
            var sealed = column
            sealed.bytes = out.contents
            sealed.offsets = offsets
            return sealed
        }

        private static func open(_ sealed: ColumnFixture, _ key: kernel_siv_key) -> (values: [[UInt8]?], refused: Int) {
            let bytes = ProtectedBytes(sealed.bytes)
            let lengths = (0..<sealed.rowCount).filter(sealed.isValid).map { max(0, sealed.value($0).count - 16) }
            let out = ProtectedBytes([UInt8](repeating: 0xA5, count: lengths.reduce(0, +)))
            var offsets = [Int32](repeating: -1, count: sealed.rowCount + 1)
            var opened = [UInt8](repeating: 9, count: sealed.rowCount)
            let refused = unsafe withUnsafePointer(to: key) { key in
                unsafe sealed.validity.withPointer { validity in
                    unsafe kernel_siv_open_i32(
                        key, bytes.start, sealed.offsets, validity, sealed.rowCount, out.start, &offsets, &opened)
                }
            }
            let text = out.contents
            let values = (0..<sealed.rowCount).map { row -> [UInt8]? in
                let value = Array(text[Int(offsets[row])..<Int(offsets[row + 1])])
                if opened[row] == 0 { #expect(value.allSatisfy { $0 == 0 }) }
                return opened[row] == 1 && sealed.isValid(row) ? value : nil
            }
            return (values, refused)
        }

        /// RFC 5297, appendix A.1.
        @Test("the deterministic example of RFC 5297 comes out")
        func example() throws {
            let key = try Self.key(
                bytes(hex: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
                context: bytes(hex: "101112131415161718191a1b1c1d1e1f2021222324252627"))
            let column = ColumnFixture(values: [bytes(hex: "112233445566778899aabbccddee")])
            atEachLevel { level in
                let sealed = Self.seal(column, key)
                #expect(
                    sealed.bytes == bytes(hex: "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"),
                    "\(level)")
            }
        }

        @Test("columns of all lengths, with nulls, are the same at every level and open again")
        func roundTrip() throws {
            var random = Seeded(0x5EED_0041)
            let key = try Self.key(random.bytes(64), context: Array("people.email".utf8))
            let lengths = Array(0...200) + [1000, 1023, 1024, 1025, 70_000] + [Int](repeating: 24, count: 200)
            let nulls = Set((0..<lengths.count).filter { $0 % 7 == 3 })
            let column = ColumnFixture(lengths: lengths, nulls: nulls, random: &random)
            var first: [UInt8]?
            atEachLevel { level in
                let sealed = Self.seal(column, key)
                if let first {
                    #expect(sealed.bytes == first, "\(level), seed \(random.seed)")
                } else {
                    first = sealed.bytes
                }
                let opened = Self.open(sealed, key)
                #expect(opened.refused == 0)
                for row in 0..<column.rowCount {
                    #expect(opened.values[row] == (column.isValid(row) ? column.value(row) : nil), "\(level), \(row)")
                }
            }
        }

        @Test("a changed bit, a shorter value or another context does not open, and the row is zero bytes")
        func tampering() throws {
            var random = Seeded(0x5EED_0042)
            let keyBytes = random.bytes(64)
            let key = try Self.key(keyBytes, context: [1])
            let column = ColumnFixture(lengths: [0, 1, 15, 16, 17, 24, 112, 113, 300], random: &random)
            let other = try Self.key(keyBytes, context: [])
            atEachLevel { level in
                let sealed = Self.seal(column, key)
                #expect(Self.open(sealed, other).refused == 9, "\(level)")
                for place in sealed.bytes.indices where place % 3 == 0 {
                    var changed = sealed
                    changed.bytes[place] ^= 1 << UInt8(place % 8)
                    #expect(Self.open(changed, key).refused == 1, "\(level), \(place)")
                }
                #expect(
                    Self.open(ColumnFixture(values: [[], [1, 2, 3], [UInt8](repeating: 0, count: 16)]), key).refused
                        == 3)
            }
        }
    }
}

extension [UInt8]? {
    /// The bytes for the time of a call, or NULL.
    func withPointer<R>(_ body: (UnsafePointer<UInt8>?) -> R) -> R {
        guard let self else { return body(nil) }
        return unsafe self.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
