import CKernels
import Testing

extension KernelTests {
    /// Luhn's check of columns against the obvious way to write it.
    @Suite("luhn")
    struct LuhnTests {
        private static func holds(_ value: [UInt8]) -> Bool {
            let digits = value.map { Int($0) - 48 }
            guard !digits.isEmpty, digits.allSatisfy((0...9).contains) else { return false }
            let terms = digits.reversed().enumerated().map { $0 % 2 == 0 ? $1 : 2 * $1 / 10 + 2 * $1 % 10 }
            return terms.reduce(0, +) % 10 == 0
        }

        private func check(_ column: ColumnFixture, distance: Int = 0, _ note: String) {
            let expected = (0..<column.rowCount).map {
                UInt8(column.isValid($0) && LuhnTests.holds(column.value($0)) ? 1 : 0)
            }
            let bytes = ProtectedBytes(column.bytes, distance: distance)
            let validity = column.validity.map { ProtectedBytes($0) }
            let offsets = unsafe column.offsets.withUnsafeBytes { unsafe ProtectedBytes(Array($0)) }
            // Copied from an array of Int32; aligned because the bytes end at a page's end.
            let starts = unsafe UnsafeMutableRawPointer(offsets.start).assumingMemoryBound(to: Int32.self)
            atEachLevel { level in
                let holds = ProtectedBytes([UInt8](repeating: 0xA5, count: column.rowCount))
                unsafe kernel_luhn_rows(bytes.start, starts, validity?.start, column.rowCount, holds.start)
                #expect(holds.contents == expected, "\(level), \(note)")
            }
            let holds = ProtectedBytes([UInt8](repeating: 0xA5, count: column.rowCount))
            unsafe reference_luhn_rows(bytes.start, starts, validity?.start, column.rowCount, holds.start)
            #expect(holds.contents == expected, "the plain version, \(note)")
        }

        /// Numbers of the given lengths, half of which hold; with `others`, one byte in thirty is no digit.
        private func numbers(
            _ lengths: [Int], nulls: Set<Int>? = nil, others: Bool = false, _ random: inout Seeded
        ) -> ColumnFixture {
            var column = ColumnFixture(lengths: lengths, nulls: nulls, firstOffset: 3, random: &random)
            for i in column.bytes.indices {
                column.bytes[i] =
                    others && column.bytes[i] % 30 == 0 ? UInt8(random.next() % 256) : 48 + column.bytes[i] % 10
            }
            for row in lengths.indices where (1...200).contains(lengths[row]) && random.next() % 2 == 0 {
                let last = Int(column.offsets[row + 1]) - 1
                for digit in UInt8(48)...57 where !LuhnTests.holds(column.value(row)) { column.bytes[last] = digit }
            }
            return column
        }

        @Test("lengths of 0 to 200, alone and mixed with others")
        func lengths() {
            var random = Seeded(0x5EED_0071)
            for length in 0...200 {
                check(numbers([Int](repeating: length, count: 9), &random), "\(length), seed \(random.seed)")
            }
            for others in [false, true] {
                let lengths = (0..<500).map { _ in Int(random.next() % 24) }
                check(numbers(lengths, others: others, &random), "mixed, seed \(random.seed)")
                check(numbers([Int](repeating: 16, count: 500), others: others, &random), "16, seed \(random.seed)")
            }
            check(numbers([16, 1 << 20, 16, 16, 16], &random), "1 MiB, seed \(random.seed)")
        }

        @Test("0 to 40 values, null patterns, every alignment")
        func counts() {
            for count in 0...40 {
                var random = Seeded(0x5EED_0072 + UInt64(count))
                for nulls in [
                    nil, Set(0..<count), Set(stride(from: 0, to: count, by: 2)),
                    Set((0..<count).filter { $0 % 7 == 3 }),
                ] {
                    let lengths = (0..<count).map { _ in 12 + Int(random.next() % 5) }
                    check(numbers(lengths, nulls: nulls, &random), "\(count) values, seed \(random.seed)")
                }
            }
            var random = Seeded(0x5EED_0073)
            let column = numbers([Int](repeating: 16, count: 21), &random)
            for distance in 0..<64 { check(column, distance: distance, "distance \(distance), seed \(random.seed)") }
        }
    }
}
