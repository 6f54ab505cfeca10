import CCrypto
import Secrets

/// Ed25519 (RFC 8032) by libcrypto: the same key and message give the same signature.
enum Ed25519 {
    static let keyByteCount = 32
    static let signatureByteCount = 64

    /// The public key of a private one of 32 bytes.
    static func publicKey(of seed: WipedBytes) -> [UInt8] {
        unsafe withKey(seed) { key in
            var out = [UInt8](repeating: 0, count: keyByteCount)
            var count = out.count
            let isDone = unsafe EVP_PKEY_get_raw_public_key(key, &out, &count) == 1
            precondition(isDone && count == keyByteCount, "libcrypto makes no public key")
            return out
        }
    }

    static func sign(_ message: [UInt8], with seed: WipedBytes) -> [UInt8] {
        unsafe withKey(seed) { key in
            guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
            defer { unsafe EVP_MD_CTX_free(context) }
            var out = [UInt8](repeating: 0, count: signatureByteCount)
            var count = out.count
            let isDone =
                unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                && EVP_DigestSign(context, &out, &count, message, message.count) == 1
            precondition(isDone && count == signatureByteCount, "libcrypto does not sign")
            return out
        }
    }

    /// False too when the key is no point of the curve.
    static func isValid(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureByteCount, publicKey.count == keyByteCount else { return false }
        guard let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count),
            let context = unsafe EVP_MD_CTX_new()
        else { return false }
        defer {
            unsafe EVP_PKEY_free(key)
            unsafe EVP_MD_CTX_free(context)
        }
        let isValid =
            unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        // A wrong signature leaves entries that a later call would take for its own.
        if !isValid { ERR_clear_error() }
        return isValid
    }

    /// libcrypto's copy of the key lives as long as `body`, and is wiped by it.
    private static func withKey(_ seed: WipedBytes, _ body: (OpaquePointer) -> [UInt8]) -> [UInt8] {
        unsafe seed.withBytes { bytes in
            precondition(bytes.count == keyByteCount, "a private key of Ed25519 has 32 bytes")
            let memory = unsafe bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
            guard let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, memory, bytes.count) else {
                preconditionFailure("libcrypto has no Ed25519: out of memory or a provider without it")
            }
            defer { unsafe EVP_PKEY_free(key) }
            return unsafe body(key)
        }
    }
}
