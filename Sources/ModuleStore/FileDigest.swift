import CCrypto

/// SHA-256 as bytes go by, by libcrypto. One use: after `finish` nothing may be added.
@safe package final class FileDigest {
    /// Ours alone from `init` to `deinit`; libcrypto keeps no other reference.
    private let context: OpaquePointer

    package init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256: out of memory or a provider without it")
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package func add(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe !bytes.isEmpty else { return }
        let isDone = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
        precondition(isDone, "a finished digest was given more bytes")
    }

    /// 64 lower-case hexadecimal digits.
    package func finish() -> String {
        finishBytes().map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0\(digits)" : digits
        }.joined()
    }

    /// 32 bytes.
    func finishBytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        let isDone = unsafe EVP_DigestFinal_ex(context, &bytes, nil) == 1
        precondition(isDone, "a digest was finished twice")
        return bytes
    }

    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digest = FileDigest()
        unsafe bytes.withUnsafeBytes { unsafe digest.add($0) }
        return digest.finish()
    }
}
