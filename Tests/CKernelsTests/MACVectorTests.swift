import CKernels
import Testing

extension KernelTests {
    /// Wycheproof (C2SP/wycheproof dac1dd47) and NIST ACVP vectors through every level.
    @Suite("published MAC vectors", .enabled(if: VectorFile.isPresent, "../shared/vectors is absent"))
    struct MACVectorTests {
        private static func hmac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
            var state = kernel_hmac_key(), out = [UInt8](repeating: 0, count: 32)
            unsafe kernel_hmac_sha256_key(&state, key, key.count)
            unsafe kernel_hmac_sha256_i32(&state, message, [0, Int32(message.count)], nil, 1, &out)
            return out
        }

        private static func cmac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
            var state = kernel_cmac_key(), out = [UInt8](repeating: 0, count: 16)
            guard unsafe kernel_cmac_aes_key(&state, key, key.count) else { return nil }
            unsafe kernel_cmac_aes_i32(&state, message, [0, Int32(message.count)], nil, 1, &out)
            return out
        }

        @Test(
            "Wycheproof: valid tags come out, modified ones do not",
            arguments: [("hmac_sha256_test", 174), ("aes_cmac_test", 311)])
        func wycheproof(file: String, count: Int) throws {
            let groups = try VectorFile.decode(WycheproofMAC.self, "wycheproof/\(file).json").testGroups
            #expect(groups.reduce(0) { $0 + $1.tests.count } == count)
            atEachLevel { level in
                for group in groups {
                    for test in group.tests {
                        let key = bytes(hex: test.key), message = bytes(hex: test.msg)
                        let tag = file.hasPrefix("hmac") ? Self.hmac(key, message) : Self.cmac(key, message)
                        let same = tag.map { Array($0.prefix(group.tagSize / 8)) == bytes(hex: test.tag) } ?? false
                        #expect(same == (test.result == "valid"), "\(level), \(file), case \(test.tcId)")
                    }
                }
            }
        }

        @Test("ACVP: every HMAC comes out", arguments: [("HMAC-SHA2-256-1.0", 975), ("HMAC-SHA2-256-2.0", 150)])
        func acvp(folder: String, count: Int) throws {
            let groups = try VectorFile.decode(ACVPHMAC.self, "acvp/\(folder)/internalProjection.json").testGroups
            #expect(groups.reduce(0) { $0 + $1.tests.count } == count)
            atEachLevel { level in
                for group in groups {
                    for test in group.tests {
                        let tag = Self.hmac(bytes(hex: test.key), bytes(hex: test.msg))
                        let count = (test.macLen ?? group.macLen ?? 0) / 8
                        let same = count > 0 && tag.prefix(count) == bytes(hex: test.mac).prefix(count)
                        #expect(same, "\(level), \(folder), case \(test.tcId)")
                    }
                }
            }
        }
    }
}
