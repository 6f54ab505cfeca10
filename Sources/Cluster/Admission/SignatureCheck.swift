internal import CCrypto

/// RS256 and ES256 (RFC 7518 section 3) through libcrypto.
enum SignatureCheck {
    /// False too when the key is none: a point off its curve, for example.
    static func isValid(_ signature: [UInt8], of message: [UInt8], by key: JSONWebKey) -> Bool {
        let encoded: [UInt8]
        switch key.algorithm {
        case .rs256: encoded = signature
        case .es256:
            // JOSE writes r and s as 32 bytes each; libcrypto reads the sequence of two numbers.
            guard signature.count == 64 else { return false }
            encoded = DER.sequence(DER.unsigned(Array(signature[..<32])) + DER.unsigned(Array(signature[32...])))
        }
        return unsafe key.publicKeyInfo.withUnsafeBufferPointer { info in
            var start = info.baseAddress
            guard let publicKey = unsafe d2i_PUBKEY(nil, &start, info.count) else { return false }
            defer { unsafe EVP_PKEY_free(publicKey) }
            guard let context = unsafe EVP_MD_CTX_new() else { return false }
            defer { unsafe EVP_MD_CTX_free(context) }
            guard unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, publicKey) == 1 else { return false }
            let isValid = unsafe EVP_DigestVerify(context, encoded, encoded.count, message, message.count) == 1
            // A wrong signature leaves entries that a later call would take for its own.
            if !isValid { ERR_clear_error() }
            return isValid
        }
    }
}
