import CKernels
import Testing

extension KernelTests {
    /// Characters taken out of values and put back, and bytes as text, on buffers that end at a protected page.
    @Suite("formats and encodings")
    struct FormatTests {
        private static func column(_ texts: [String], nulls: Set<Int>?) -> ColumnFixture {
            var none = Seeded(0)
            var column = ColumnFixture(lengths: texts.map(\.utf8.count), nulls: nulls, random: &none)
            column.bytes = texts.flatMap { Array($0.utf8) }
            return column
        }

        private static func format(
            separators: String, first: UInt32, last: UInt32, least: UInt32, check: Int = KERNEL_FORMAT_UNCHECKED
        ) throws -> kernel_format {
            var format = kernel_format()
            let isMade = unsafe kernel_format_make(
                &format, Array("0123456789".utf8), 10, Array(separators.utf8), separators.utf8.count, first, last,
                least, 40,
                UInt32(check))
            try #require(isMade)
            return format
        }

        /// What the contract says, on characters.
        private static func expected(_ text: String, separators: String, first: Int, last: Int, least: Int) -> (
            status: Int, digits: [UInt8]
        ) {
            let characters = text.unicodeScalars.filter { !separators.unicodeScalars.contains($0) }
            if text.isEmpty { return (KERNEL_FORMAT_DONE, []) }
            guard characters.count >= first + last else { return (KERNEL_FORMAT_SHORT, []) }
            let inner = characters.dropFirst(first).dropLast(last)
            guard inner.allSatisfy({ ("0"..."9").contains($0) }) else { return (KERNEL_FORMAT_NOT_ALPHABET, []) }
            guard inner.count >= max(least, 1) else { return (KERNEL_FORMAT_SHORT, []) }
            return inner.count > 40
                ? (KERNEL_FORMAT_LONG, []) : (KERNEL_FORMAT_DONE, inner.map { UInt8($0.value - 48) })
        }

        @Test(
            "digits are those between what stays, and go back to their places",
            arguments: [(0, 0), (2, 1), (0, 4), (6, 4)])
        func gatherAndScatter(first: Int, last: Int) throws {
            var random = Seeded(UInt64.random(in: 0...UInt64.max))
            print("formats: seed \(random.seed)")
            let pool = ["0", "1", "5", "9", "7", "3", "8", "2", "-", " ", "6", "4"]
            let texts = (0..<500).map { row -> String in
                let odd = row % 9 == 0 ? ["é", "x", "日", "😀"].randomElement(using: &random)! : ""
                let at = Int.random(in: 0...12, using: &random)
                let body = (0..<Int.random(in: 0...50, using: &random)).map { _ in pool.randomElement(using: &random)! }
                return body.prefix(at).joined() + odd + body.dropFirst(at).joined()
            }
            for nulls in [nil, Set((0..<500).filter { $0 % 5 == 0 })] {
                let column = Self.column(texts, nulls: nulls)
                var format = try Self.format(separators: " -", first: UInt32(first), last: UInt32(last), least: 3)
                let bytes = ProtectedBytes(column.bytes)
                var digits = [UInt8](repeating: 0xA5, count: column.bytes.count)
                var digitOffsets = [Int32](repeating: -1, count: column.rowCount + 1)
                var status = [UInt8](repeating: 0xA5, count: column.rowCount)
                let validity = column.validity.map { ProtectedBytes($0) }
                let failed = unsafe kernel_format_gather_i32(
                    &format, bytes.start, column.offsets, validity?.start, column.rowCount, &digits, &digitOffsets,
                    &status)
                #expect(failed == status.count { $0 != 0 })
                for row in 0..<column.rowCount {
                    let wanted =
                        column.isValid(row)
                        ? Self.expected(texts[row], separators: " -", first: first, last: last, least: 3)
                        : (KERNEL_FORMAT_DONE, [])
                    // A value that is wrong in two ways may be told by either.
                    #expect((Int(status[row]) == KERNEL_FORMAT_DONE) == (wanted.0 == KERNEL_FORMAT_DONE))
                    #expect(Array(digits[Int(digitOffsets[row])..<Int(digitOffsets[row + 1])]) == wanted.1)
                }
                let kept = (0..<column.rowCount).filter { digitOffsets[$0] < digitOffsets[$0 + 1] }
                let out = ProtectedBytes(
                    [UInt8](repeating: 0xA5, count: kept.reduce(0) { $0 + column.value($1).count }))
                var outOffsets = [Int32](repeating: -1, count: column.rowCount + 1)
                let nines = digits.map { $0 < 10 ? 9 - $0 : $0 }
                let written = unsafe kernel_format_scatter_i32(
                    &format, bytes.start, column.offsets, column.rowCount, nines, digitOffsets, status, out.start,
                    &outOffsets)
                #expect(written == out.count)
                var result = column
                (result.bytes, result.offsets) = (out.contents, outOffsets)
                for row in 0..<column.rowCount {
                    guard kept.contains(row) else {
                        #expect(result.value(row).isEmpty)
                        continue
                    }
                    var place = -1
                    let characters = texts[row].unicodeScalars.count { $0 != " " && $0 != "-" }
                    let wanted = texts[row].unicodeScalars.map { scalar -> String in
                        if scalar == " " || scalar == "-" { return String(scalar) }
                        place += 1
                        return place < first || place >= characters - last ? String(scalar) : String(57 - scalar.value)
                    }
                    #expect(String(decoding: result.value(row), as: UTF8.self) == wanted.joined())
                }
            }
        }

        @Test(
            "known check digits are taken, all others are not",
            arguments: [
                ("79927398713", KERNEL_FORMAT_LUHN, 0), ("4111 1111 1111 1111", KERNEL_FORMAT_LUHN, 0),
                ("79927398710", KERNEL_FORMAT_LUHN, 4), ("7992739871x", KERNEL_FORMAT_LUHN, 4),
                ("DE89370400440532013000", KERNEL_FORMAT_MOD97, 0),
                ("DE89 3704 0044 0532 0130 00", KERNEL_FORMAT_MOD97, 0),
                ("DE89370400440532013001", KERNEL_FORMAT_MOD97, 4), ("D189370400440532013000", KERNEL_FORMAT_MOD97, 4),
            ])
        func checks(text: String, check: Int, wanted: Int) throws {
            var format = try Self.format(
                separators: " ", first: check == KERNEL_FORMAT_MOD97 ? 4 : 0, last: 0, least: 1, check: check)
            let column = Self.column([text], nulls: nil)
            let bytes = ProtectedBytes(column.bytes)
            var digits = [UInt8](repeating: 0, count: 64)
            var offsets: [Int32] = [0, 0]
            var status: [UInt8] = [9]
            _ = unsafe kernel_format_gather_i32(
                &format, bytes.start, column.offsets, nil, 1, &digits, &offsets, &status)
            #expect(Int(status[0]) == wanted)
            guard wanted == KERNEL_FORMAT_DONE else { return }
            var out = [UInt8](repeating: 0, count: column.bytes.count)
            var outOffsets: [Int32] = [0, 0]
            _ = unsafe kernel_format_scatter_i32(
                &format, bytes.start, column.offsets, 1, digits, offsets, status, &out, &outOffsets)
            #expect(out == column.bytes)
        }

        @Test("columns of numbers, with separators and without, right and wrong, have the same answers at every level")
        func checkedColumns() throws {
            var random = Seeded(0x5EED_0051)
            func isLuhn(_ digits: [Int]) -> Bool {
                digits.reversed().enumerated().reduce(0) {
                    $0 + ($1.offset % 2 == 0 ? $1.element : 2 * $1.element / 10 + 2 * $1.element % 10)
                } % 10 == 0
            }
            var texts: [String] = []
            var wanted: [Int] = []
            for row in 0..<400 {
                var digits = (0..<(5 + Int(random.next() % 20))).map { _ in Int(random.next() % 10) }
                if row % 2 == 0 { digits[digits.count - 1] = (0...9).first { isLuhn(digits.dropLast() + [$0]) }! }
                var text = digits.map(String.init)
                if row % 5 == 0 { text.insert(" ", at: 4) }
                // Among the first four, which stay.
                if row % 11 == 0 { text[1] = "x" }
                texts.append(row % 50 == 7 ? "" : text.joined())
                let holds = row % 11 != 0 && isLuhn(digits)
                wanted.append(texts[row].isEmpty || holds ? KERNEL_FORMAT_DONE : KERNEL_FORMAT_WRONG_CHECK)
            }
            let nulls = Set(stride(from: 3, to: texts.count, by: 13))
            for row in nulls { wanted[row] = KERNEL_FORMAT_DONE }
            let column = Self.column(texts, nulls: nulls)
            var format = try Self.format(separators: " ", first: 4, last: 0, least: 0, check: KERNEL_FORMAT_LUHN)
            // What is left between the kept characters and the check digit may be nothing.
            for row in texts.indices where wanted[row] != KERNEL_FORMAT_DONE || !nulls.contains(row) {
                if !texts[row].isEmpty, texts[row].filter({ $0 != " " }).count < 6 { wanted[row] = KERNEL_FORMAT_SHORT }
            }
            atEachLevel { level in
                let bytes = ProtectedBytes(column.bytes)
                var digits = [UInt8](repeating: 0, count: column.bytes.count)
                var offsets = [Int32](repeating: 0, count: column.rowCount + 1)
                var status = [UInt8](repeating: 0xA5, count: column.rowCount)
                _ = unsafe kernel_format_gather_i32(
                    &format, bytes.start, column.offsets, column.validity, column.rowCount, &digits, &offsets, &status)
                #expect(status.map(Int.init) == wanted, "\(level), seed \(random.seed)")
            }
        }

        @Test("check digits of the longest IBANs are those of the number they stand for")
        func longestIBANs() throws {
            var random = Seeded(0x5EED_0052)
            let characters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            for row in 0..<200 {
                let body = String((0..<30).map { _ in characters[Int(random.next() % (row % 3 == 0 ? 10 : 36))] })
                let number = (body + "MT00").flatMap {
                    String($0.hexDigitValue != nil && $0.isNumber ? $0.wholeNumberValue! : Int($0.asciiValue!) - 55)
                }
                let rest = 98 - number.reduce(0) { (10 * $0 + $1.wholeNumberValue!) % 97 }
                let text = "MT" + (rest < 10 ? "0" : "") + "\(rest)" + body
                for (text, wanted) in [
                    (text, KERNEL_FORMAT_DONE),
                    (text.dropLast() + (text.last == "0" ? "1" : "0"), KERNEL_FORMAT_WRONG_CHECK),
                ] {
                    var format = kernel_format()
                    let isMade = unsafe kernel_format_make(
                        &format, characters.map { $0.asciiValue! }, 36, [], 0, 4, 0, 1, 40, UInt32(KERNEL_FORMAT_MOD97))
                    try #require(isMade)
                    let column = Self.column([text], nulls: nil)
                    let bytes = ProtectedBytes(column.bytes)
                    var digits = [UInt8](repeating: 0, count: 64)
                    var offsets: [Int32] = [0, 0]
                    var status: [UInt8] = [9]
                    _ = unsafe kernel_format_gather_i32(
                        &format, bytes.start, column.offsets, nil, 1, &digits, &offsets, &status)
                    #expect(Int(status[0]) == wanted, "row \(row), seed \(random.seed)")
                }
            }
        }

        @Test("a format whose parts contradict is refused")
        func contradictions() {
            var format = kernel_format()
            func make(_ alphabet: [UInt8], _ separators: [UInt8], first: UInt32 = 0, check: Int = 0) -> Bool {
                unsafe kernel_format_make(
                    &format, alphabet, alphabet.count, separators, separators.count, first, 0, 1, 512, UInt32(check))
            }
            #expect(make([48, 49], [32]))
            #expect(!make([48, 48], []))
            #expect(!make([48], []))
            #expect(!make([48, 200], []))
            #expect(!make([48, 49], [49]))
            #expect(!make([48, 49], [200]))
            #expect(!make([48, 49], [], first: 3, check: KERNEL_FORMAT_MOD97))
        }

        @Test("places are those of a stable sort")
        func places() {
            var random = Seeded(UInt64.random(in: 0...UInt64.max))
            print("places: seed \(random.seed)")
            for count in [0, 1, 2, 255, 256, 257, 5000] {
                let numbers = (0..<count).map { $0 % 3 == 0 ? UInt64($0 % 5) : random.next() }
                var place = [UInt32](repeating: 0, count: count)
                var indexAt = [UInt32](repeating: 0, count: count)
                var scratch = [UInt32](repeating: 0, count: count)
                unsafe kernel_format_places(numbers, count, &place, &indexAt, &scratch)
                let wanted = (0..<count).sorted { (numbers[$0], $0) < (numbers[$1], $1) }
                #expect(indexAt.map(Int.init) == wanted)
                #expect((0..<count).allSatisfy { Int(indexAt[Int(place[$0])]) == $0 })
            }
        }

        @Test(
            "known encodings (RFC 4648), and nothing else decodes",
            arguments: [
                (KERNEL_ENCODE_HEX, ["", "66", "666f", "666f6f", "ff"], ["6", "6F", "6g", "666"]),
                (
                    KERNEL_ENCODE_BASE32, ["", "my", "mzxq", "mzxw6", "74"],
                    ["m", "mz", "mzx", "MY", "my======", "mzxw61", "m1"]
                ),
                (
                    KERNEL_ENCODE_BASE64URL, ["", "Zg", "Zm8", "Zm9v", "_w"],
                    ["Z", "Zh", "Zg==", "Zm9", "/w", "Zm 8", "Zm8\n"]
                ),
            ])
        func encodings(form: Int, texts: [String], wrong: [String]) {
            let values: [[UInt8]] = [[], [0x66], [0x66, 0x6f], [0x66, 0x6f, 0x6f], [0xff]]
            var offsets: [Int32] = [0]
            for value in values { offsets.append(offsets.last! + Int32(value.count)) }
            let bytes = ProtectedBytes(values.flatMap { $0 })
            let out = ProtectedBytes([UInt8](repeating: 0xA5, count: texts.joined().utf8.count))
            var outOffsets = [Int32](repeating: -1, count: 6)
            #expect(
                unsafe kernel_encode_rows(Int32(form), bytes.start, offsets, 5, out.start, &outOffsets) == out.count)
            #expect(out.contents == Array(texts.joined().utf8))
            let all = Self.column(texts + wrong, nulls: nil)
            let text = ProtectedBytes(all.bytes)
            var decoded = [UInt8](repeating: 0, count: all.bytes.count)
            var good = [UInt8](repeating: 9, count: all.rowCount)
            var decodedOffsets = [Int32](repeating: -1, count: all.rowCount + 1)
            let written = unsafe kernel_decode_rows(
                Int32(form), text.start, all.offsets, all.rowCount, &decoded, &decodedOffsets, &good)
            #expect(good == texts.map { _ in 1 } + wrong.map { _ in 0 })
            #expect(Array(decoded.prefix(written)) == values.flatMap { $0 })
        }
    }
}
