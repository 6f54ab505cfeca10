import CKernels
import Testing

/// A masking kernel, its rule left to the closure.
private typealias Masking = (
    _ offsets: UnsafePointer<Int32>, _ bytes: UnsafePointer<UInt8>?, _ validity: UnsafePointer<UInt8>?, _ rows: Int,
    _ outOffsets: UnsafeMutablePointer<Int32>, _ out: UnsafeMutablePointer<UInt8>?
) -> Int

/// What a kernel wrote: offsets and bytes.
private struct Masked: Equatable {
    var offsets: [Int32]
    var bytes: [UInt8]
}

/// Runs a kernel over buffers that end (or, with `distance`, end that many bytes before) a protected page; the room for results is
/// what the contract asks for and not a byte more.
private func masked(_ column: ColumnFixture, distance: Int = 0, withLength: Int = 1, by kernel: Masking) -> Masked {
    let bytes = ProtectedBytes(column.bytes, distance: distance)
    let offsets = unsafe column.offsets.withUnsafeBytes { unsafe ProtectedBytes(Array($0)) }
    let validity = column.validity.map { ProtectedBytes($0) }
    let room = Int(column.offsets.last! - column.offsets[0]) * withLength
    let out = ProtectedBytes([UInt8](repeating: 0xA5, count: room))
    var outOffsets = [Int32](repeating: -1, count: column.offsets.count)
    // The offsets were copied from an array of Int32, and the protected bytes are aligned because they end at a page's end.
    let starts = unsafe UnsafeMutableRawPointer(offsets.start).assumingMemoryBound(to: Int32.self)
    let written = unsafe kernel(starts, bytes.start, validity?.start, column.rowCount, &outOffsets, out.start)
    return Masked(offsets: outOffsets, bytes: Array(out.contents.prefix(written)))
}

extension ColumnFixture {
    /// A column of the given texts.
    fileprivate init(texts: [[UInt8]], nulls: Set<Int>? = nil) {
        var random = Seeded(0)
        self.init(lengths: texts.map(\.count), nulls: nulls, random: &random)
        bytes = texts.flatMap { $0 }
    }
}

extension Seeded {
    /// A text of `count` characters of one to four bytes, `ascii` of a hundred of them one byte long.
    fileprivate mutating func text(_ count: Int, ascii: UInt64 = 90) -> [UInt8] {
        (0..<count).flatMap { _ -> [UInt8] in
            let kind = next() % 100 < ascii ? 0 : 1 + next() % 3
            let ranges: [(UInt32, UInt64)] = [(0x20, 95), (0x80, 0x780), (0x800, 0xD000), (0x1_0000, 0x3_0000)]
            let range = ranges[Int(kind)]
            return Array(String(Character(Unicode.Scalar(range.0 + UInt32(next() % range.1))!)).utf8)
        }
    }

    /// Nearly an address: parts from small alphabets, some of them wrong.
    fileprivate mutating func address(_ length: Int) -> [UInt8] {
        let letters = next() % 4 == 0 ? "ab.@-1é " : "abcdefghé1-"
        let part = { (random: inout Seeded, count: Int) in
            (0..<count).map { _ in String(letters.randomElement(using: &random)!) }.joined()
        }
        let local = part(&self, 1 + length / 3)
        let domain = part(&self, 1 + length / 4)
        let label = part(&self, length % 5)
        return Array("\(local)@\(domain).\(label)\(next() % 3 == 0 ? ".org" : "")".utf8)
    }
}

extension KernelTests {
    /// Masks of each version against the plain one, and the plain one against Swift.
    @Suite("masks")
    struct MaskTests {
        private struct Rule: CustomStringConvertible {
            var first: Int, last: Int
            var with = "*"
            var hidesShort = false

            var description: String { "first \(first), last \(last), with \(with), \(hidesShort ? "hide" : "keep")" }

            func of(_ value: [UInt8]) -> [UInt8] {
                let scalars = Array(String(decoding: value, as: UTF8.self).unicodeScalars)
                if first + last >= scalars.count && !hidesShort { return value }
                let all = first + last >= scalars.count
                let text = scalars.indices.map { i in
                    !all && (i < first || i >= scalars.count - last) ? String(Character(scalars[i])) : with
                }
                return Array(text.joined().utf8)
            }
        }

        private static let rules = [
            Rule(first: 0, last: 4), Rule(first: 1, last: 0), Rule(first: 0, last: 0),
            Rule(first: 2, last: 3, hidesShort: true),
            Rule(first: 0, last: 4, with: "é"), Rule(first: 3, last: 1, with: "█", hidesShort: true),
            Rule(first: 1, last: 1, with: "😀"), Rule(first: 1_000_000, last: 1_000_000),
            Rule(first: 63, last: 1), Rule(first: 0, last: 64), Rule(first: 40, last: 30, hidesShort: true),
        ]

        private func check(_ column: ColumnFixture, _ rule: Rule, distance: Int = 0, _ note: String) {
            let with = Array(rule.with.utf8)
            let hides: Int32 = rule.hidesShort ? 1 : 0
            let plain = unsafe masked(column, distance: distance, withLength: with.count) {
                unsafe reference_mask_text($0, $1, $2, $3, rule.first, rule.last, with, with.count, hides, $4, $5)
            }
            atEachLevel { level in
                let here = unsafe masked(column, distance: distance, withLength: with.count) {
                    unsafe kernel_mask_text($0, $1, $2, $3, rule.first, rule.last, with, with.count, hides, $4, $5)
                }
                #expect(here == plain, "\(level), \(rule), \(note)")
            }
        }

        @Test("the plain mask keeps and hides as stated")
        func plain() {
            var random = Seeded(0x5EED_0061)
            let texts = (0..<200).map { random.text($0 % 80, ascii: [100, 90, 0][$0 % 3]) }
            let column = ColumnFixture(texts: texts)
            for rule in MaskTests.rules {
                let with = Array(rule.with.utf8)
                let result = unsafe masked(column, withLength: with.count) {
                    unsafe reference_mask_text(
                        $0, $1, $2, $3, rule.first, rule.last, with, with.count, rule.hidesShort ? 1 : 0, $4, $5)
                }
                for (row, text) in texts.enumerated() {
                    let written = Array(result.bytes[Int(result.offsets[row])..<Int(result.offsets[row + 1])])
                    #expect(written == rule.of(text), "row \(row), \(rule), seed \(random.seed)")
                }
            }
        }

        @Test("lengths of 0 to 200 characters of one to four bytes", arguments: [100, 90, 0] as [UInt64])
        func lengths(ascii: UInt64) {
            var random = Seeded(0x5EED_0062 + ascii)
            let column = ColumnFixture(texts: (0...200).map { random.text($0, ascii: ascii) })
            for rule in MaskTests.rules { check(column, rule, "seed \(random.seed)") }
        }

        @Test("0 to 40 values, null patterns, and nulls that have bytes")
        func counts() {
            for count in 0...40 {
                var random = Seeded(0x5EED_0063 + UInt64(count))
                let texts = (0..<count).map { _ in random.text(Int(random.next() % 30)) }
                let patterns: [Set<Int>?] = [
                    nil, [], Set(0..<count), Set(stride(from: 0, to: count, by: 2)),
                    Set((0..<count).filter { _ in random.next() % 3 == 0 }),
                ]
                for (number, nulls) in patterns.enumerated() {
                    let column = ColumnFixture(texts: texts, nulls: nulls)
                    check(column, MaskTests.rules[0], "\(count) values, pattern \(number), seed \(random.seed)")
                    check(column, MaskTests.rules[5], "\(count) values, pattern \(number), seed \(random.seed)")
                }
            }
        }

        @Test("every alignment of the bytes, and a first offset that is not zero")
        func alignments() {
            var random = Seeded(0x5EED_0064)
            var column = ColumnFixture(texts: (0..<40).map { _ in random.text(Int(random.next() % 70)) })
            for distance in 0..<64 {
                check(column, MaskTests.rules[0], distance: distance, "distance \(distance), seed \(random.seed)")
                check(column, MaskTests.rules[5], distance: distance, "distance \(distance), seed \(random.seed)")
            }
            column.bytes = [1, 2, 3, 4, 5] + column.bytes
            column.offsets = column.offsets.map { $0 + 5 }
            check(column, MaskTests.rules[0], "first offset 5, seed \(random.seed)")
        }

        @Test("a value of 1 MiB between short ones")
        func long() {
            var random = Seeded(0x5EED_0065)
            for ascii: UInt64 in [100, 50] {
                let texts = [
                    random.text(9), random.text(ascii == 100 ? 1 << 20 : 1 << 19, ascii: ascii), random.text(70),
                    random.text(9),
                ]
                for rule in [MaskTests.rules[0], MaskTests.rules[3]] {
                    check(ColumnFixture(texts: texts), rule, "seed \(random.seed)")
                }
            }
        }

        @Test("bytes that are no UTF-8 stay within the buffers and give the same at every level")
        func notText() {
            var random = Seeded(0x5EED_0066)
            let column = ColumnFixture(lengths: (0..<300).map { _ in Int(random.next() % 70) }, random: &random)
            // `with` of one byte: a byte that continues nothing counts with the character before it.
            for rule in MaskTests.rules where rule.with == "*" { check(column, rule, "seed \(random.seed)") }
        }

        @Test("addresses and what is nearly one, at every level and alignment")
        func emails() {
            var random = Seeded(0x5EED_0067)
            let texts = (0..<400).map { $0 % 9 == 8 ? random.text($0 % 70) : random.address($0 % 90) }
            for (number, nulls) in [nil, Set(stride(from: 1, to: 400, by: 3))].enumerated() {
                let column = ColumnFixture(texts: texts, nulls: nulls)
                for (keepsDomain, with, hides) in [(0, "*", 0), (1, "*", 0), (0, "*", 1), (1, "*", 1), (0, "•", 1)] {
                    let with = Array(with.utf8)
                    let plain = unsafe masked(column, withLength: with.count) {
                        unsafe reference_mask_email(
                            $0, $1, $2, $3, Int32(keepsDomain), with, with.count, Int32(hides), $4, $5)
                    }
                    for distance in number == 0 ? [0, 1, 13, 31, 32, 63] : [0] {
                        atEachLevel { level in
                            let here = unsafe masked(column, distance: distance, withLength: with.count) {
                                unsafe kernel_mask_email(
                                    $0, $1, $2, $3, Int32(keepsDomain), with, with.count, Int32(hides), $4, $5)
                            }
                            #expect(
                                here == plain,
                                "\(level), distance \(distance), \(keepsDomain) \(hides), seed \(random.seed)")
                        }
                    }
                }
            }
        }

        @Test("classes: ASCII letters and digits, other characters by the table, nulls empty")
        func classes() {
            var random = Seeded(0x5EED_0068)
            var table = [UInt8](repeating: 0, count: Int(KERNEL_MASK_CLASSES))
            for index in table.indices { table[index] = [0, 0x58, 0x78, 0x39][Int(random.next() % 4)] }
            func plain(_ value: [UInt8]) -> [UInt8] {
                String(decoding: value, as: UTF8.self).unicodeScalars.flatMap { scalar -> [UInt8] in
                    switch scalar {
                    case "A"..."Z": return [0x58]
                    case "a"..."z": return [0x78]
                    case "0"..."9": return [0x39]
                    default:
                        let group = scalar.isASCII ? 0 : table[min(Int(scalar.value), table.count - 1)]
                        return group == 0 ? Array(String(Character(scalar)).utf8) : [group]
                    }
                }
            }
            // Groups of rows that are ASCII alone, and groups that are not.
            let texts = (0..<700).map { random.text($0 % 90, ascii: ($0 / 150) % 2 == 0 ? 100 : 80) }
            for nulls in [nil, Set(stride(from: 0, to: 700, by: 5))] {
                let result = unsafe masked(ColumnFixture(texts: texts, nulls: nulls)) {
                    unsafe kernel_mask_classes($0, $1, $2, $3, table, $4, $5)
                }
                for (row, text) in texts.enumerated() {
                    let written = Array(result.bytes[Int(result.offsets[row])..<Int(result.offsets[row + 1])])
                    #expect(
                        written == (nulls?.contains(row) == true ? [] : plain(text)), "row \(row), seed \(random.seed)")
                }
            }
        }
    }
}
