import CKernels

/// SplitMix64: the same columns in every run.
private struct Repeatable: RandomNumberGenerator {
    var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// Masks and check digits over columns of short texts.
final class TextWork {
    private let slice: Int
    private let levels: [String]
    /// 8 to 24 characters, a tenth of them of two bytes.
    private let names: BenchmarkColumn
    private let addresses: BenchmarkColumn
    private let cards: BenchmarkColumn
    private let out: UnsafeMutablePointer<UInt8>
    private let expected: UnsafeMutablePointer<UInt8>
    private let offsets: UnsafeMutablePointer<Int32>
    private let expectedOffsets: UnsafeMutablePointer<Int32>

    init(rows: Int, slice: Int, levels: [String]) {
        self.slice = slice
        self.levels = levels
        var random = Repeatable()
        func letters(_ count: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: count, using: &random)).map { _ in
                    "abcdefghijklmnopqrstuvwxyz".randomElement(using: &random)!
                })
        }
        names = TextWork.column(rows) {
            letters(8...24).map { Int.random(in: 0..<10, using: &random) == 0 ? "é" : String($0) }.joined()
        }
        addresses = TextWork.column(rows) { "\(letters(4...18))@\(letters(4...12)).org" }
        cards = BenchmarkColumn(rows: rows, width: 16, alphabet: Array("0123456789".utf8))
        out = space(slice * 48)
        expected = space(slice * 48)
        offsets = .allocate(capacity: slice + 1)
        expectedOffsets = .allocate(capacity: slice + 1)
    }

    /// `rows` values of at most 48 bytes: a few thousand different ones, again and again.
    private static func column(_ rows: Int, _ text: () -> String) -> BenchmarkColumn {
        let column = BenchmarkColumn(rows: rows, width: 48, alphabet: [0x20])
        let texts = (0..<4096).map { _ in Array(text().utf8) }
        var end = 0
        for row in 0..<rows {
            for byte in texts[row % texts.count] {
                column.bytes[end] = byte
                end += 1
            }
            column.offsets[row + 1] = Int32(end)
        }
        return column
    }

    private func lastFour(_ first: Int, _ count: Int) {
        _ = kernel_mask_text(names.offsets + first, names.bytes, nil, count, 0, 4, [0x2A], 1, 0, offsets, out)
    }

    private func email(_ first: Int, _ count: Int) {
        _ = kernel_mask_email(addresses.offsets + first, addresses.bytes, nil, count, 0, [0x2A], 1, 0, offsets, out)
    }

    private func luhn(_ first: Int, _ count: Int) {
        kernel_luhn_rows(cards.bytes, cards.offsets + first, nil, count, out)
    }

    func contestants() -> [Contestant] {
        levels.flatMap { level in
            [("mask but last 4", lastFour), ("mask e-mail", email), ("Luhn 16 digits", luhn)].map { name, work in
                Contestant(name: name, level: level, count: slice, prepare: { kernel_force_level(level) }, work: work)
            }
        }
    }

    /// Names of kernel and level that disagree with the plain version.
    func disagreements() -> [String] {
        disagreements("mask but last 4", work: lastFour) {
            reference_mask_text(names.offsets, names.bytes, nil, slice, 0, 4, [0x2A], 1, 0, expectedOffsets, expected)
        }
            + disagreements("mask e-mail", work: email) {
                reference_mask_email(
                    addresses.offsets, addresses.bytes, nil, slice, 0, [0x2A], 1, 0, expectedOffsets, expected)
            }
            + disagreements("Luhn", work: luhn) {
                reference_luhn_rows(cards.bytes, cards.offsets, nil, slice, expected)
                for i in 0...slice { (expectedOffsets[i], offsets[i]) = (0, 0) }  // verdicts have none
                return slice
            }
    }

    private func disagreements(_ name: String, work: (Int, Int) -> Void, judge: () -> Int) -> [String] {
        let count = judge()
        return levels.filter { level in
            kernel_force_level(level)
            work(0, slice)
            return !(0..<count).allSatisfy { out[$0] == expected[$0] }
                || !(0...slice).allSatisfy { offsets[$0] == expectedOffsets[$0] }
        }.map { "\(name) \($0)" }
    }
}
