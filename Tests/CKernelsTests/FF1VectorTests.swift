import CKernels
import Foundation
import Testing

/// Wycheproof's `fpe_str_test_schema`: texts over an alphabet.
private struct WycheproofText: Decodable {
    struct Group: Decodable {
        var alphabet: String
        var tests: [Case]
    }
    struct Case: Decodable {
        var tcId: Int
        var key: String
        var tweak: String
        var msg: String
        var ct: String
        var result: String
    }
    var testGroups: [Group]
}

/// Wycheproof's `fpe_list_test_schema`: lists of digits.
private struct WycheproofList: Decodable {
    struct Group: Decodable {
        var radix: Int
        var tests: [Case]
    }
    struct Case: Decodable {
        var tcId: Int
        var key: String
        var tweak: String
        var msg: [Int]
        var ct: [Int]
        var result: String
    }
    var testGroups: [Group]
}

/// ACVP's FF1 file and NIST's samples.
private struct ACVPText: Decodable {
    struct Group: Decodable {
        var alphabet: String
        var tests: [Case]
    }
    struct Case: Decodable {
        var tcId: Int
        var key: String
        var tweak: String
        var pt: String
        var ct: String
    }
    var testGroups: [Group]
}

extension KernelTests {
    /// Each vector at every level and through the step-by-step version, in both directions.
    @Suite("published FF1 vectors", .enabled(if: VectorFile.isPresent, "../shared/vectors is absent"))
    struct FF1VectorTests {
        private static func agrees(
            key: [UInt8], alphabet: [UInt8], tweak: [UInt8], plain: [UInt8], cipher: [UInt8], level: String
        ) -> Bool {
            guard let ff1 = FF1Fixture(key: key, alphabet: alphabet, tweak: tweak, leastDomain: 100) else { return false }
            guard ff1.one(.encrypt, plain) == cipher && ff1.one(.decrypt, cipher) == plain else { return false }
            // The step-by-step version does not know levels.
            return level != "plain"
                || (ff1.one(.referenceEncrypt, plain) == cipher && ff1.one(.referenceDecrypt, cipher) == plain)
        }

        @Test("Wycheproof texts", arguments: [("aes_ff1_base10_test", 3312), ("aes_ff1_base36_test", 2465)])
        func wycheproofTexts(file: String, validCount: Int) throws {
            let groups = try VectorFile.decode(WycheproofText.self, "wycheproof/\(file).json").testGroups
            #expect(groups.flatMap(\.tests).count { $0.result == "valid" } == validCount)
            atEachLevel { level in
                for group in groups {
                    for test in group.tests {
                        let same = Self.agrees(
                            key: bytes(hex: test.key), alphabet: Array(group.alphabet.utf8), tweak: bytes(hex: test.tweak),
                            plain: Array(test.msg.utf8), cipher: Array(test.ct.utf8), level: level)
                        #expect(same == (test.result == "valid"), "\(level), \(file), case \(test.tcId)")
                    }
                }
            }
        }

        @Test("Wycheproof digit lists")
        func wycheproofLists() throws {
            let groups = try VectorFile.decode(WycheproofList.self, "wycheproof/aes_ff1_radix10_test.json").testGroups
            #expect(groups.flatMap(\.tests).count { $0.result == "valid" } == 3312)
            atEachLevel { level in
                for group in groups {
                    for test in group.tests {
                        // Digit d is byte d.
                        let alphabet = (0..<group.radix).map { UInt8($0) }
                        let same = Self.agrees(
                            key: bytes(hex: test.key), alphabet: alphabet, tweak: bytes(hex: test.tweak),
                            plain: test.msg.map { UInt8(truncatingIfNeeded: $0) },
                            cipher: test.ct.map { UInt8(truncatingIfNeeded: $0) }, level: level)
                        #expect(same == (test.result == "valid"), "\(level), case \(test.tcId)")
                    }
                }
            }
        }

        @Test("ACVP texts of radix 2 to 64")
        func acvp() throws {
            let groups = try VectorFile.decode(ACVPText.self, "acvp/ACVP-AES-FF1-1.0/internalProjection.json").testGroups
            #expect(groups.flatMap(\.tests).count == 750)
            atEachLevel { level in
                for group in groups {
                    for test in group.tests {
                        let same = Self.agrees(
                            key: bytes(hex: test.key), alphabet: Array(group.alphabet.utf8), tweak: bytes(hex: test.tweak),
                            plain: Array(test.pt.utf8), cipher: Array(test.ct.utf8), level: level)
                        #expect(same, "\(level), case \(test.tcId)")
                    }
                }
            }
        }
    }
}
