internal import CKernels

/// Puts questions to the kernels, at the level that is in force.
///
/// A value is asked for alone and as a column of copies, more of them than any version has lanes: all rows must agree.
/// Keys here are published ones; nothing is wiped.
enum Asked {
    /// Which code answers.
    enum Path {
        /// The dispatched kernels.
        case kernel
        /// The step-by-step versions that know no levels.
        case reference
    }

    /// Whether the answer of the file comes out. Arguments that a kernel refuses give no answer.
    static func agrees(_ question: VectorCase.Question, by path: Path, copies: Int) -> Bool {
        switch question {
        case .hmac(let key, let message, let tag, let length):
            length > 0 && tag.count == length && hmac(key, Copies(message, copies), by: path)?.starts(with: tag) == true
        case .cmac(let key, let message, let tag, let length):
            length > 0 && tag.count == length && cmac(key, Copies(message, copies), by: path)?.starts(with: tag) == true
        case .siv(let key, let context, let plain, let sealed):
            siv(key, context, plain: plain, sealed: sealed, copies: copies)
        case .ff1(let key, let alphabet, let tweak, let plain, let cipher):
            ff1(key, alphabet, tweak, plain: plain, cipher: cipher, copies: copies, by: path)
        case .blocks(let key, let plain, let cipher, let times):
            blocks(key, plain, times: times, copies: times == 1 ? copies : 1) == cipher
        case .hkdf(let key, let salt, let info, let size, let output):
            hkdf(key, salt: salt, info: info, size: size, by: path) == output
        }
    }

    /// The digest, nil when the rows differ. 32 bytes.
    private static func hmac(_ key: [UInt8], _ values: Copies, by path: Path) -> [UInt8]? {
        var states = kernel_hmac_key()
        var out = [UInt8](repeating: 0, count: 32 * values.count)
        unsafe kernel_hmac_sha256_key(&states, key, key.count)
        switch path {
        case .kernel: unsafe kernel_hmac_sha256_i32(&states, values.bytes, values.offsets, nil, values.count, &out)
        case .reference:
            unsafe reference_hmac_sha256_i32(&states, values.bytes, values.offsets, nil, values.count, &out)
        }
        return values.same(out)
    }

    /// The digest, nil when the rows differ or the key is refused. 16 bytes.
    private static func cmac(_ key: [UInt8], _ values: Copies, by path: Path) -> [UInt8]? {
        var expanded = kernel_cmac_key()
        var out = [UInt8](repeating: 0, count: 16 * values.count)
        guard unsafe kernel_cmac_aes_key(&expanded, key, key.count) else { return nil }
        switch path {
        case .kernel: unsafe kernel_cmac_aes_i32(&expanded, values.bytes, values.offsets, nil, values.count, &out)
        case .reference: unsafe reference_cmac_aes_i32(&expanded, values.bytes, values.offsets, nil, values.count, &out)
        }
        return values.same(out)
    }

    /// The sealed value opens to the plain one, and the plain one seals to it.
    private static func siv(_ key: [UInt8], _ context: [UInt8], plain: [UInt8], sealed: [UInt8], copies: Int) -> Bool {
        var expanded = kernel_siv_key()
        guard unsafe kernel_siv_key_make(&expanded, key, key.count, context, context.count) else { return false }
        let values = Copies(plain, copies)
        let tokens = Copies(sealed, copies)
        var offsets = [Int32](repeating: 0, count: copies + 1)
        var opened = [UInt8](repeating: 0, count: copies)
        var back = [UInt8](repeating: 0, count: max(tokens.bytes.count, 1))
        let refused = unsafe kernel_siv_open_i32(
            &expanded, tokens.bytes, tokens.offsets, nil, copies, &back, &offsets, &opened)
        guard refused == 0, opened.allSatisfy({ $0 == 1 }), offsets == values.offsets,
            back.starts(with: values.bytes)
        else { return false }
        var out = [UInt8](repeating: 0, count: values.bytes.count + 16 * copies)
        unsafe kernel_siv_seal_i32(&expanded, values.bytes, values.offsets, nil, copies, &out, &offsets)
        return out == tokens.bytes && offsets == tokens.offsets
    }

    /// Both directions. Domains down to 100, as the first edition of SP 800-38G has them.
    private static func ff1(
        _ key: [UInt8], _ alphabet: [UInt8], _ tweak: [UInt8], plain: [UInt8], cipher: [UInt8], copies: Int,
        by path: Path
    ) -> Bool {
        var ff1 = kernel_ff1_cipher()
        guard
            unsafe kernel_ff1_cipher_make(
                &ff1, key, key.count, alphabet, alphabet.count, tweak, tweak.count, 100)
        else { return false }
        let values = Copies(plain, copies)
        let tokens = Copies(cipher, copies)
        var out = [UInt8](repeating: 0, count: max(values.bytes.count, 1))
        var back = out
        var status = [UInt8](repeating: 0, count: copies)
        guard plain.count == cipher.count else { return false }
        let refused: Int
        switch path {
        case .kernel:
            refused =
                unsafe kernel_ff1_encrypt_i32(&ff1, values.bytes, values.offsets, nil, copies, &out, &status)
                + kernel_ff1_decrypt_i32(&ff1, tokens.bytes, tokens.offsets, nil, copies, &back, &status)
        case .reference:
            refused =
                unsafe reference_ff1_encrypt_i32(&ff1, values.bytes, values.offsets, nil, copies, &out, &status)
                + reference_ff1_decrypt_i32(&ff1, tokens.bytes, tokens.offsets, nil, copies, &back, &status)
        }
        return refused == 0 && out.starts(with: tokens.bytes) && back.starts(with: values.bytes)
    }

    /// nil: the key or the text's length is refused, or the copies differ.
    private static func blocks(_ key: [UInt8], _ text: [UInt8], times: Int, copies: Int) -> [UInt8]? {
        var expanded = kernel_aes_key()
        guard text.count.isMultiple(of: 16), unsafe kernel_aes_key_expand(&expanded, key, key.count) else { return nil }
        let values = Copies(text, copies)
        var state = values.bytes
        // In place, as the kernel allows.
        unsafe state.withUnsafeMutableBufferPointer { state in
            for _ in 0..<times {
                unsafe kernel_aes_blocks(&expanded, state.baseAddress, state.baseAddress, state.count / 16)
            }
        }
        return values.same(state)
    }

    /// RFC 5869. nil: more than 255 blocks are asked for.
    private static func hkdf(_ key: [UInt8], salt: [UInt8], info: [UInt8], size: Int, by path: Path) -> [UInt8]? {
        guard size <= 255 * 32, let extracted = hmac(salt, Copies(key, 1), by: path) else { return nil }
        var output: [UInt8] = []
        var block: [UInt8] = []
        var number: UInt8 = 1
        while output.count < size {
            guard let next = hmac(extracted, Copies(block + info + [number], 1), by: path) else { return nil }
            block = next
            output += block
            number &+= 1
        }
        return Array(output.prefix(size))
    }
}

/// A column of equal values in Arrow layout.
struct Copies {
    let bytes: [UInt8]
    let offsets: [Int32]
    var count: Int { offsets.count - 1 }

    init(_ value: [UInt8], _ count: Int) {
        bytes = Array(repeatElement(value, count: count).joined())
        offsets = (0...count).map { Int32($0 * value.count) }
    }

    /// One row's share of a column's output when all rows are alike.
    func same(_ rows: [UInt8]) -> [UInt8]? {
        let width = rows.count / count
        let first = rows.prefix(width)
        for row in stride(from: 1, to: count, by: 1) where rows[row * width..<(row + 1) * width] != first { return nil }
        return Array(first)
    }
}
