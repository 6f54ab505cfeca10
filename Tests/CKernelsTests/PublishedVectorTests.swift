import Foundation
import KernelCheck
import Testing

extension KernelTests {
    /// Wycheproof (C2SP/wycheproof dac1dd47), NIST's ACVP and the samples of SP 800-38G through every level, as
    /// `etlx kernels check` runs them. Spoilt copies, where it must disagree, are in Tests/EndToEnd/test_kernels.py.
    @Suite("published vectors", .enabled(if: VectorFile.isPresent, "../shared/vectors is absent"))
    struct PublishedVectorTests {
        @Test(
            "every case agrees at every level",
            arguments: [
                ("wycheproof/hmac_sha256_test.json", 174), ("wycheproof/hkdf_sha256_test.json", 86),
                ("wycheproof/aes_cmac_test.json", 311), ("wycheproof/aes_siv_cmac_test.json", 442),
                ("wycheproof/aes_ff1_base10_test.json", 3845), ("wycheproof/aes_ff1_base36_test.json", 2854),
                ("wycheproof/aes_ff1_radix10_test.json", 3845), ("acvp/HMAC-SHA2-256-1.0", 975),
                ("acvp/HMAC-SHA2-256-2.0", 150), ("acvp/ACVP-AES-FF1-1.0", 750), ("acvp/ACVP-AES-ECB-1.0", 2144),
                ("fpe-nist/ff1_sp800-38g_samples.json", 9),
            ])
        func everyCase(path: String, count: Int) throws {
            let sources = try #require(VectorSource.find(VectorFile.folder.appending(path: path).path))
            #expect(sources.count == 1)
            let result = VectorCheck.run(sources[0])
            #expect(!result.hasFailed && result.hasRun)
            #expect(result.levels.map(\.level).filter { $0 != "reference" } == machineLevels())
            for level in result.levels {
                #expect(level.agreed == count, "\(level.level): cases \(level.examples) and others disagree")
            }
        }
    }
}
