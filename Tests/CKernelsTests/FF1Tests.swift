import CKernels
import Testing

extension KernelTests {
    /// FF1 columns of each level against the step-by-step version and published vectors.
    @Suite("FF1 columns")
    struct FF1Tests {
        /// SP 800-38G, FF1 samples 1 to 3 and 7.
        @Test("the samples of SP 800-38G come out, and go back")
        func samples() throws {
            let digits = Array("0123456789".utf8)
            let letters = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
            let key128 = bytes(hex: "2B7E151628AED2A6ABF7158809CF4F3C")
            let key256 = bytes(hex: "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
            let samples: [(key: [UInt8], alphabet: [UInt8], tweak: String, plain: String, cipher: String)] = [
                (key128, digits, "", "0123456789", "2433477484"),
                (key128, digits, "39383736353433323130", "0123456789", "6124200773"),
                (key128, letters, "3737373770717273373737", "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
                (key256, digits, "", "0123456789", "6657667009"),
            ]
            try atEachLevel { level in
                for sample in samples {
                    let cipher = try #require(
                        FF1Fixture(
                            key: sample.key, alphabet: sample.alphabet, tweak: bytes(hex: sample.tweak)))
                    #expect(cipher.one(.encrypt, Array(sample.plain.utf8)) == Array(sample.cipher.utf8), "\(level)")
                    #expect(cipher.one(.decrypt, Array(sample.cipher.utf8)) == Array(sample.plain.utf8), "\(level)")
                    #expect(cipher.one(.referenceEncrypt, Array(sample.plain.utf8)) == Array(sample.cipher.utf8))
                }
            }
        }

        /// Radices at the edges of the arithmetic: halves of one byte, of exactly 32 and 64 bits, one more than that.
        @Test(
            "columns of all lengths equal the step-by-step version",
            arguments: [2, 3, 10, 16, 26, 36, 62, 94, 200, 255, 256])
        func everyLength(radix: Int) throws {
            var random = Seeded(0x5EED_0031 + UInt64(radix))
            let alphabet =
                radix == 10
                ? Array("0123456789".utf8) : Array((0...255).map { UInt8($0) }.shuffled(using: &random).prefix(radix))
            let cipher = try #require(
                FF1Fixture(
                    key: random.bytes(32), alphabet: alphabet, tweak: random.bytes(radix % 40), leastDomain: 100))
            var values: [[UInt8]] = []
            for length in cipher.shortest...(radix == 2 ? 140 : 70) {
                for _ in 0..<(length < 20 ? 9 : 2) {
                    values.append((0..<length).map { _ in alphabet.randomElement(using: &random)! })
                }
                values.append([UInt8](repeating: alphabet[0], count: length))
                values.append([UInt8](repeating: alphabet[radix - 1], count: length))
            }
            let column = ColumnFixture(values: values.shuffled(using: &random))
            let expected = cipher.run(.referenceEncrypt, column)
            #expect(expected.refused == 0)
            var encrypted = column
            encrypted.bytes = expected.text
            #expect(cipher.run(.referenceDecrypt, encrypted).text == column.bytes)
            atEachLevel { level in
                #expect(cipher.run(.encrypt, column).text == expected.text, "\(level), seed \(random.seed)")
                #expect(cipher.run(.decrypt, encrypted).text == column.bytes, "\(level), seed \(random.seed)")
            }
        }

        @Test("0 to 140 values of 6 to 18 digits, one length a column, equal the step-by-step version")
        func everyCount() throws {
            var random = Seeded(0x5EED_0032)
            let cipher = try #require(
                FF1Fixture(
                    key: random.bytes(16), alphabet: Array("0123456789".utf8), tweak: Array("people.card".utf8)))
            for count in Array(0...40) + [63, 64, 65, 96, 140] {
                let length = 6 + count % 13
                let values = (0..<count).map { _ in
                    (0..<length).map { _ in UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &random) }
                }
                let column = ColumnFixture(values: values)
                let expected = cipher.run(.referenceEncrypt, column).text
                var encrypted = column
                encrypted.bytes = expected
                atEachLevel { level in
                    #expect(cipher.run(.encrypt, column).text == expected, "\(level), \(count), seed \(random.seed)")
                    #expect(cipher.run(.decrypt, encrypted).text == column.bytes, "\(level), \(count)")
                }
            }
        }

        @Test("a row outside the alphabet, too short, too long or null gives zero bytes and its status")
        func refusedRows() throws {
            let cipher = try #require(
                FF1Fixture(key: [UInt8](repeating: 3, count: 32), alphabet: Array("0123456789".utf8)))
            #expect(cipher.shortest == 6)
            let good = Array("4111111111111111".utf8)
            let expected = try #require(cipher.one(.referenceEncrypt, good))
            for length in [6, 7, 9, 15, 16, 17, 18, 30, 70] {
                // Every place, with the neighbours of the digits and bytes that look like digits in some of their bits.
                var values = [good, Array("12345".utf8), [], [UInt8](repeating: 0x31, count: 513), good]
                for place in 0..<length {
                    for wrong in [UInt8(ascii: "/"), UInt8(ascii: ":"), 0, 255, UInt8(ascii: "a"), 0xB0] {
                        values.append([UInt8](repeating: UInt8(ascii: "7"), count: length))
                        values[values.count - 1][place] = wrong
                    }
                }
                var validity = [UInt8](repeating: 0xFF, count: (values.count + 7) / 8)
                validity[0] = 0b1110_1111
                let column = ColumnFixture(values: values, validity: validity)
                atEachLevel { level in
                    let result = cipher.run(.encrypt, column)
                    let bad = [UInt8](repeating: 1, count: values.count - 5)
                    #expect(result.status == [0, 2, 2, 3, 0] + bad, "\(level), \(length)")
                    #expect(result.refused == values.count - 2)
                    #expect(result.text == expected + [UInt8](repeating: 0, count: column.bytes.count - 16), "\(level)")
                }
            }
        }

        @Test("keys, alphabets, tweaks and domains that are not allowed are refused")
        func refusedCiphers() {
            let digits = Array("0123456789".utf8)
            let key = [UInt8](repeating: 1, count: 32)
            #expect(FF1Fixture(key: Array(key.prefix(20)), alphabet: digits) == nil)
            #expect(FF1Fixture(key: key, alphabet: [48]) == nil)
            #expect(FF1Fixture(key: key, alphabet: digits + [48]) == nil)
            #expect(FF1Fixture(key: key, alphabet: digits, tweak: [UInt8](repeating: 0, count: 257)) == nil)
            #expect(FF1Fixture(key: key, alphabet: digits, leastDomain: 99) == nil)
            #expect(FF1Fixture(key: key, alphabet: digits)?.shortest == 6)
            #expect(FF1Fixture(key: key, alphabet: (0...255).map { UInt8($0) })?.shortest == 3)
            #expect(FF1Fixture(key: key, alphabet: digits, leastDomain: 100)?.shortest == 2)
        }
    }
}
