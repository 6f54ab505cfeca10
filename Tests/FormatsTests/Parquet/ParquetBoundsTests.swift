import Foundation
import Model
import Testing

@testable import Formats

@Suite("Bounds of Parquet statistics")
struct ParquetBoundsTests {
    /// Bounds of byte strings: the way of PLAIN values and the way of single ones must agree.
    private func bounds(_ type: DataType, _ values: [[UInt8]]) -> ParquetBounds.Encoded? {
        let shape = ParquetSchema(columns: [OutputColumn(name: "c", type: type, isProtected: false)]).leaves[0]
        var together = ParquetBounds(shape: shape)
        var single = ParquetBounds(shape: shape)
        var plain: [UInt8] = []
        for value in values {
            plain += (0..<4).map { UInt8(truncatingIfNeeded: value.count >> (8 * $0)) } + value
            if !value.isEmpty { unsafe value.withUnsafeBytes { unsafe single.fold(one: $0) } }
        }
        plain += [UInt8](repeating: 0xee, count: 16)
        unsafe plain.withUnsafeBytes { unsafe together.fold($0.baseAddress!, count: values.count) }
        if !values.contains([]) { #expect(together.encoded == single.encoded) }
        return together.encoded
    }

    private func text(_ values: String...) -> ParquetBounds.Encoded? { bounds(.text, values.map { Array($0.utf8) }) }

    @Test("short text is exact, in unsigned byte order")
    func short() {
        #expect(text("b", "é", "a") == .init(low: Array("a".utf8), high: Array("é".utf8)))
        #expect(text("", "a") == .init(low: [], high: Array("a".utf8)))
        #expect(text("ab", "a", "a\u{0}")?.low == Array("a".utf8))
        let exactly = String(repeating: "m", count: 64)
        #expect(text(exactly) == .init(low: Array(exactly.utf8), high: Array(exactly.utf8)))
    }

    @Test("long text is cut off below and raised above")
    func long() {
        let cut = text(String(repeating: "m", count: 65))
        #expect(cut?.low == [UInt8](repeating: 0x6d, count: 64))
        #expect(cut?.high == [UInt8](repeating: 0x6d, count: 63) + [0x6e])
        #expect(cut?.isLowExact == false && cut?.isHighExact == false)
    }

    @Test("one bound may be exact while the other is not")
    func mixed() {
        let cut = text("a", String(repeating: "m", count: 65))
        #expect(cut?.isLowExact == true && cut?.isHighExact == false)
    }

    @Test("a longer text is above the 64 bytes that it begins with")
    func equalPrefixes() {
        let prefix = String(repeating: "m", count: 64)
        let cut = text(prefix, prefix + "a")
        #expect(cut?.low == Array(prefix.utf8) && cut?.isLowExact == true && cut?.isHighExact == false)
    }

    @Test("scalars are not cut in two")
    func scalars() {
        let cut = text(String(repeating: "m", count: 63) + "😀😀")
        #expect(cut?.low == [UInt8](repeating: 0x6d, count: 63))
        #expect(cut?.high == [UInt8](repeating: 0x6d, count: 62) + [0x6e])
        for width in ["é", "€", "😀"] {
            for shift in 0..<5 {
                let value = String(repeating: "m", count: shift) + String(repeating: width, count: 64)
                let cut = text(value)
                let (low, high) = (cut.map { String(decoding: $0.low, as: UTF8.self) } ?? "", cut?.high ?? [])
                #expect(value.hasPrefix(low) && low.utf8.count > 60)
                #expect(String(validating: high, as: UTF8.self) != nil && high.count <= 64)
                #expect(value.utf8.lexicographicallyPrecedes(high))
            }
        }
    }

    @Test("a scalar without a successor of its length passes the raise on to the one before it")
    func carry() {
        let cut = text("a" + String(repeating: "\u{10FFFF}", count: 20))
        #expect(cut?.high == Array("b".utf8))
        #expect(text(String(repeating: "\u{D7FF}", count: 30))?.high.suffix(3) == Array("\u{E000}".utf8))
        #expect(text("m" + String(repeating: "\u{7f}", count: 80))?.high == Array("n".utf8))
    }

    @Test("without a larger short text both bounds are dropped")
    func dropped() {
        #expect(text(String(repeating: "\u{10FFFF}", count: 20), "a") == nil)
        #expect(bounds(.binary, [[UInt8](repeating: 0xff, count: 65), [1]]) == nil)
    }

    @Test("binary is raised at its last byte below 0xff")
    func binary() {
        let cut = bounds(.binary, [[1, 2] + [UInt8](repeating: 0xff, count: 70)])
        #expect(cut?.high == [1, 3] && cut?.low == [1, 2] + [UInt8](repeating: 0xff, count: 62))
        #expect(bounds(.binary, [[UInt8](repeating: 0xff, count: 64)])?.isHighExact == true)
    }

    @Test("against sorting, on random strings", arguments: [UInt64(5), 6])
    func random(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<300 {
            let values = (0..<1 + Int(numbers.next() % 20)).map { _ in
                (0..<Int(numbers.next() % 12)).map { _ in UInt8([0, 1, 0x7f, 0x80, 0xff][Int(numbers.next() % 5)]) }
            }
            let sorted = values.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(bounds(.binary, values) == .init(low: sorted[0], high: sorted.last!), "seed \(seed)")
        }
    }

    private func numbers<Value: BitwiseCopyable>(_ type: DataType, _ values: [Value]) -> ParquetBounds {
        let shape = ParquetSchema(columns: [OutputColumn(name: "c", type: type, isProtected: false)]).leaves[0]
        var bounds = ParquetBounds(shape: shape)
        if !values.isEmpty {
            unsafe values.withUnsafeBytes { unsafe bounds.fold($0.baseAddress!, count: values.count) }
        }
        return bounds
    }

    @Test("NaN is counted, and with one there are no bounds")
    func notANumber() {
        let mixed = numbers(.float64, [.nan, 2.0, -1, .nan])
        #expect(mixed.nanCount == 2 && mixed.encoded == nil)
        let plain = numbers(.float64, [2.0, -1])
        #expect(
            plain.encoded?.low == [0, 0, 0, 0, 0, 0, 0xf0, 0xbf] && plain.encoded?.high == [0, 0, 0, 0, 0, 0, 0, 0x40])
        #expect(numbers(.float32, [Float.nan]).encoded == nil)
        #expect(numbers(.float64, [Double]()).encoded == nil)
    }

    @Test("a zero is -0.0 below and +0.0 above, whichever was written")
    func zeros() {
        for value in [0.0, -0.0] {
            let bounds = numbers(.float64, [value]).encoded
            #expect(bounds?.low.last == 0x80 && bounds?.high == [UInt8](repeating: 0, count: 8))
        }
    }

    @Test("infinities are values")
    func infinities() {
        #expect(
            numbers(.float32, [Float.infinity]).encoded == .init(low: [0, 0, 0x80, 0x7f], high: [0, 0, 0x80, 0x7f]))
    }

    @Test("large decimals are ordered by value, not by bytes")
    func decimals() {
        let type = DataType.decimal(precision: 19, scale: 0)
        let shape = ParquetSchema(columns: [OutputColumn(name: "c", type: type, isProtected: false)]).leaves[0]
        #expect(shape.width == 9)
        var ordered = ParquetBounds(shape: shape)
        let plain: [UInt8] =
            [UInt8](repeating: 0xff, count: 9) + [UInt8](repeating: 1, count: 9) + [0x80, 0, 0, 0, 0, 0, 0, 0, 5]
        unsafe plain.withUnsafeBytes { unsafe ordered.fold($0.baseAddress!, count: 3) }
        #expect(ordered.encoded == .init(low: [0x80, 0, 0, 0, 0, 0, 0, 0, 5], high: [UInt8](repeating: 1, count: 9)))
    }

    @Test("decimals take the fewest bytes that hold their precision")
    func widths() {
        let expected = [1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 9: 4, 18: 8, 19: 9, 20: 9, 21: 9, 22: 10, 38: 16]
        for (precision, width) in expected { #expect(DataType.decimalByteCount(precision: precision) == width) }
    }
}
