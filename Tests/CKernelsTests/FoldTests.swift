import CKernels
import Foundation
import Testing

/// Typography is folded to what Unicode says that it stands for.
@Suite("folded typography") struct FoldTests {
    private static func folded(_ text: String, noWidth: UInt8 = 0) -> [UInt8] {
        let bytes = Array(text.utf8)
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
            unsafe count = kernel_fold_text(bytes, bytes.count, noWidth, target.baseAddress!)
        }
    }

    @Test("every scalar stays as it is or becomes the ASCII character that its properties give")
    func everyScalar() {
        var counts: [String: Int] = [:]
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let own = String(scalar)
            let result = Self.folded(own)
            if result == Array(own.utf8) { continue }
            let properties = scalar.properties
            let kind: String
            switch result.first {
            case nil:
                kind = "no width"
                #expect(properties.isDefaultIgnorableCodePoint, "\(properties)")
            case 0x20?:
                kind = "blank"
                #expect(properties.generalCategory == .spaceSeparator)
            case 0x2d? where properties.generalCategory == .dashPunctuation: kind = "hyphen"
            case 0x2d?:
                kind = "minus"
                #expect(value == 0x2212)
            case 0x0a?:
                kind = "line"
                #expect([.lineSeparator, .paragraphSeparator].contains(properties.generalCategory))
            case let digit? where (0x30...0x39).contains(digit):
                kind = "digit"
                #expect(properties.numericType == .decimal && properties.numericValue == Double(digit - 0x30))
            default:
                kind = "form"
                #expect(own.precomposedStringWithCompatibilityMapping.utf8.elementsEqual(result))
            }
            #expect(result.count <= 1 && value >= 0x80)
            counts[kind, default: 0] += 1
        }
        #expect(counts["digit"] == 10 * 14 + 50 + 10 && counts["blank"] == 15 && counts["line"] == 2, "\(counts)")
        #expect(counts["hyphen"]! >= 8 && counts["no width"]! >= 40 && counts["form"]! >= 80, "\(counts)")
    }

    @Test("the first folded character is found at every place, whatever stands around it")
    func places() {
        var random = Seeded(UInt64.random(in: .min ... .max))
        print("folded typography: seed \(random.seed)")
        let others = ["a", "7", " ", "é", "ж", "日", "€", "ễ", "\u{1f600}", "«"]
        for length in 0..<200 {
            let before = (0..<length).map { _ in others.randomElement(using: &random)! }.joined()
            let behind = (0..<Int.random(in: 0..<100, using: &random)).map { _ in others.randomElement(using: &random)!
            }
            .joined()
            for character in ["\u{a0}", "\u{2011}", "\u{200b}", "５", "＠", "٣", "\u{1d7d3}"] {
                let bytes = Array((before + character + behind).utf8)
                #expect(
                    unsafe kernel_next_fold(bytes, 0, bytes.count) == before.utf8.count,
                    "seed \(random.seed), \(length)")
                let next = before.utf8.count + character.utf8.count
                #expect(unsafe kernel_next_fold(bytes, next, bytes.count) == bytes.count)
            }
        }
    }

    @Test("a place in the folded text leads back to its character; one without width is nothing or what is asked for")
    func placesBack() {
        let text = "a\u{a0}é\u{200b}４"
        let bytes = Array(text.utf8)
        #expect(Self.folded(text) == Array("a é4".utf8))
        #expect(Self.folded(text, noWidth: 0x1f) == Array("a é\u{1f}4".utf8))
        func places(_ noWidth: UInt8, _ count: Int) -> [Int] {
            (0..<count).map { unsafe kernel_unfold(bytes, bytes.count, 0, noWidth, $0) }
        }
        #expect(places(0, 6) == [0, 1, 3, 4, 8, 11])
        #expect(places(0x1f, 7) == [0, 1, 3, 4, 5, 8, 11])
        #expect(unsafe kernel_unfold(bytes, bytes.count, 3, 0, 2) == 8)
        let cut: [UInt8] = [0x61, 0xef, 0xbc]
        #expect(unsafe kernel_next_fold(cut, 0, cut.count) == 3)
    }
}
