import CKernels
import Testing

extension KernelTests {
    /// SHA and AES instructions wait for a merge of dirty upper halves: a factor of 99 was measured on Emerald Rapids.
    @Suite("dirty upper halves of vector registers")
    struct UpperHalvesTests {
        /// Shortest of ten runs, so that an interruption does not count.
        private static func shortest(_ body: () -> Void) -> Duration {
            let clock = ContinuousClock()
            return (0..<10).map { _ in clock.measure(body) }.min() ?? .zero
        }

        @Test("do not slow the kernels made of 128-bit instructions", .enabled(if: machineLevels().contains("shani"), "no SHA instructions"))
        func noSlowdown() {
            defer { _ = kernel_force_level(nil) }
            let forced = unsafe "shani".withCString { unsafe kernel_force_level($0) }
            #expect(forced)
            var random = Seeded(0x5EED_0051)
            let rows = 512, bytes = random.bytes(24 * rows), offsets = (0...rows).map { Int32(24 * $0) }
            var out = [UInt8](repeating: 0, count: 32 * rows), key = kernel_hmac_key(), cmac = kernel_cmac_key()
            unsafe kernel_hmac_sha256_key(&key, bytes, 32)
            let made = unsafe kernel_cmac_aes_key(&cmac, bytes, 32)
            #expect(made)
            let digits = bytes.map { $0 % 10 + 0x30 }, alphabet = Array("0123456789".utf8)
            var ff1 = kernel_ff1_cipher(), text = digits, status = [UInt8](repeating: 0, count: rows)
            let isCipher = unsafe kernel_ff1_cipher_make(&ff1, bytes, 32, alphabet, 10, nil, 0, UInt64(KERNEL_FF1_LEAST_DOMAIN))
            #expect(isCipher)
            let kernels: [(String, () -> Void)] = [
                ("HMAC", { unsafe kernel_hmac_sha256_i32(&key, bytes, offsets, nil, rows, &out) }),
                ("CMAC", { unsafe kernel_cmac_aes_i32(&cmac, bytes, offsets, nil, rows, &out) }),
                ("FF1", { _ = unsafe kernel_ff1_encrypt_i32(&ff1, digits, offsets, nil, rows, &text, &status) }),
            ]
            for (name, kernel) in kernels {
                let clean = Self.shortest(kernel)
                let dirty = Self.shortest {
                    kernel_dirty_upper_halves()
                    kernel()
                }
                #expect(dirty < clean * 3, "\(name): \(clean) clean, \(dirty) dirty")
            }
        }
    }
}
