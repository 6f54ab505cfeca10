import CKernels
import CPeers

/// Keys, columns and room for results, and the kernels over them.
final class Workbench {
    let rows: Int
    /// Values of a round, and of a round of what is slow.
    let slice: Int
    let smallSlice: Int
    let levels: [String]

    private let identifiers: BenchmarkColumn
    private let cards: BenchmarkColumn
    private let textScan = TextScan()
    private let key = (0..<32).map { UInt8($0) }
    private let out: UnsafeMutablePointer<UInt8>
    private let text: UnsafeMutablePointer<UInt8>
    private let expected: UnsafeMutablePointer<UInt8>
    private let status: UnsafeMutablePointer<UInt8>
    private let offsets: UnsafeMutablePointer<Int32>
    private var hmacKey = kernel_hmac_key()
    private var cmacKey = kernel_cmac_key()
    private var sivKey = kernel_siv_key()
    private var cipher = kernel_ff1_cipher()
    private lazy var textWork = TextWork(rows: rows, slice: slice, levels: levels)

    init(rows: Int, slice: Int) {
        self.rows = rows
        self.slice = slice
        smallSlice = max(slice / 16, 1)
        identifiers = BenchmarkColumn(
            rows: rows, width: 24, alphabet: Array("abcdefghijklmnopqrstuvwxyz0123456789.@".utf8))
        cards = BenchmarkColumn(rows: rows, width: 16, alphabet: Array("0123456789".utf8))
        out = space(rows * 64)
        text = space(rows * 64)
        expected = space(rows * 64)
        status = space(rows)
        offsets = .allocate(capacity: rows + 1)
        var names = [UnsafePointer<CChar>?](repeating: nil, count: 8)
        let count = kernel_levels(&names, names.count)
        levels = names.prefix(count).compactMap { $0.map { String(cString: $0) } }
        kernel_hmac_sha256_key(&hmacKey, key, 32)
        let made =
            kernel_cmac_aes_key(&cmacKey, key, 32) && kernel_siv_key_make(&sivKey, key + key, 64, [1], 1)
            && kernel_ff1_cipher_make(
                &cipher, key, 32, Array("0123456789".utf8), 10, [1], 1, UInt64(KERNEL_FF1_LEAST_DOMAIN))
        precondition(made, "the keys of the benchmark are refused")
    }

    /// The version of each kernel that calls use when no level is forced.
    var chosen: [String: String] {
        kernel_force_level(nil)
        var found = [kernel_self_test_row](repeating: kernel_self_test_row(), count: 64)
        let count = kernel_self_test(&found, found.count)
        let used = found.prefix(count).filter(\.selected).map {
            (String(cString: $0.kernel), String(cString: $0.version))
        }
        return Dictionary(used, uniquingKeysWith: { first, _ in first })
    }

    private func hmac(_ first: Int, _ count: Int) {
        kernel_hmac_sha256_i32(&hmacKey, identifiers.bytes, identifiers.offsets + first, nil, count, out)
    }

    /// As a worker does it: digests of a few thousand rows, then their text, so that the digests stay in the cache.
    private func tokens(_ first: Int, _ count: Int) {
        for start in stride(from: first, to: first + count, by: 2048) {
            let here = min(2048, first + count - start)
            kernel_hmac_sha256_i32(&hmacKey, identifiers.bytes, identifiers.offsets + start, nil, here, out)
            kernel_base32_rows(out, 32, nil, here, 26, text + 26 * start, offsets)
        }
    }

    private func cmac(_ first: Int, _ count: Int) {
        kernel_cmac_aes_i32(&cmacKey, identifiers.bytes, identifiers.offsets + first, nil, count, out)
    }

    private func ff1(_ first: Int, _ count: Int) {
        _ = kernel_ff1_encrypt_i32(&cipher, cards.bytes, cards.offsets + first, nil, count, out, status)
    }

    private func siv(_ first: Int, _ count: Int) {
        kernel_siv_seal_i32(&sivKey, identifiers.bytes, identifiers.offsets + first, nil, count, out, offsets)
    }

    private var works: [(name: String, work: (Int, Int) -> Void)] {
        [
            ("HMAC-SHA-256", hmac), ("HMAC-SHA-256 + base32", tokens), ("AES-256-CMAC", cmac), ("FF1 16 digits", ff1),
            ("AES-256-SIV", siv),
        ]
    }

    /// A copy, OpenSSL, and each kernel at each level.
    func contestants() -> [Contestant] {
        var list = [
            Contestant(name: "copy of 24 bytes", level: "memcpy", count: slice) { [self] first, count in
                peer_copy(identifiers.bytes, identifiers.offsets + first, count, out)
            },
            Contestant(name: "HMAC-SHA-256", level: "OpenSSL EVP_MAC", count: smallSlice) { [self] first, count in
                peer_hmac_evp_mac(key, identifiers.bytes, identifiers.offsets + first, count, out)
            },
            Contestant(name: "HMAC-SHA-256", level: "OpenSSL HMAC()", count: smallSlice) { [self] first, count in
                peer_hmac_one_shot(key, identifiers.bytes, identifiers.offsets + first, count, out)
            },
            Contestant(name: "AES-256-CMAC", level: "OpenSSL EVP_MAC", count: smallSlice) { [self] first, count in
                peer_cmac_evp_mac(key, identifiers.bytes, identifiers.offsets + first, count, out)
            },
        ]
        for level in levels {
            for (name, work) in works {
                let count = level == "plain" ? smallSlice : slice
                list.append(
                    Contestant(
                        name: name, level: level, count: count, prepare: { kernel_force_level(level) }, work: work))
            }
        }
        return list + textWork.contestants() + textScan.contestants(levels)
    }

    /// Names of kernel and level that disagree with OpenSSL or the plain version; empty when all is well.
    func disagreements() -> [String] {
        disagreements("HMAC-SHA-256", width: 32, work: hmac) { count in
            peer_hmac_evp_mac(key, identifiers.bytes, identifiers.offsets, count, expected)
        }
            + disagreements("AES-256-CMAC", width: 16, work: cmac) { count in
                peer_cmac_evp_mac(key, identifiers.bytes, identifiers.offsets, count, expected)
            }
            + disagreements("FF1", width: 16, work: ff1) { count in
                _ = reference_ff1_encrypt_i32(&cipher, cards.bytes, cards.offsets, nil, count, expected, status)
            }
            + textWork.disagreements()
            + textScan.disagreements(levels)
    }

    private func disagreements(_ name: String, width: Int, work: (Int, Int) -> Void, judge: (Int) -> Void) -> [String] {
        judge(smallSlice)
        return levels.filter { level in
            kernel_force_level(level)
            work(0, smallSlice)
            return !(0..<(width * smallSlice)).allSatisfy { out[$0] == expected[$0] }
        }.map { "\(name) \($0)" }
    }
}
