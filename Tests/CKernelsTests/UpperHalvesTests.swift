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

        #if arch(x86_64)
        /// Where processors differ (Zen 4 does not wait), the machine code does not.
        @Test(
            "cannot be dirty where SHA and AES instructions run: 128-bit registers only, cleared at each entry",
            .enabled(if: LegacyCode.isVisible, "objdump or the object files of this build are absent"),
            arguments: ["hash_shani.c", "aes_ni.c", "ff1_aesni.c"])
        func machineCode(source: String) throws {
            let listing = try LegacyCode.listing(of: #require(LegacyCode.object(source)))
            #expect(LegacyCode.count(in: listing) > 10, "\(source): no instruction was found")
            #expect(LegacyCode.problems(in: listing) == [], "\(source)")
        }

        @Test("a wide register, a forgotten clearing and a VEX encoding are seen in machine code")
        func machineCodeOfOthers() {
            let clearing = "   4:\tcall   9 <group+0x9>\n\t\t\t5: R_X86_64_PLT32\tcpu_clear_upper_halves-0x4\n"
            let round = "   9:\tsha256rnds2 %xmm0,%xmm1,%xmm2\n"
            let group = "0000000000000000 <group>:\n"
            #expect(LegacyCode.problems(in: group + clearing + round) == [])
            #expect(LegacyCode.problems(in: group + round + clearing).count == 1)
            #expect(
                LegacyCode.problems(in: group + clearing + round + "0000000000000020 <stream>:\n" + round).count == 1)
            #expect(LegacyCode.problems(in: group + clearing + "  10:\tvmovdqu %ymm1,(%rdi)\n" + round).count == 2)
            #expect(LegacyCode.problems(in: group + clearing + "  10:\tvpaddd %xmm1,%xmm2,%xmm3\n" + round).count == 1)
            #expect(LegacyCode.count(in: group + clearing + round) == 1)
        }
        #endif

        @Test(
            "do not slow the kernels made of 128-bit instructions",
            .enabled(if: machineLevels().contains("shani"), "no SHA instructions"))
        func noSlowdown() {
            defer { _ = kernel_force_level(nil) }
            let forced = unsafe "shani".withCString { unsafe kernel_force_level($0) }
            #expect(forced)
            var random = Seeded(0x5EED_0051)
            let rows = 512
            let bytes = random.bytes(24 * rows)
            let offsets = (0...rows).map { Int32(24 * $0) }
            var out = [UInt8](repeating: 0, count: 32 * rows)
            var key = kernel_hmac_key()
            var cmac = kernel_cmac_key()
            unsafe kernel_hmac_sha256_key(&key, bytes, 32)
            let made = unsafe kernel_cmac_aes_key(&cmac, bytes, 32)
            #expect(made)
            let digits = bytes.map { $0 % 10 + 0x30 }
            let alphabet = Array("0123456789".utf8)
            var ff1 = kernel_ff1_cipher()
            var text = digits
            var status = [UInt8](repeating: 0, count: rows)
            let isCipher = unsafe kernel_ff1_cipher_make(
                &ff1, bytes, 32, alphabet, 10, nil, 0, UInt64(KERNEL_FF1_LEAST_DOMAIN))
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
