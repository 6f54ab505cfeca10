import CCrypto

/// What OpenSSL says: the judge of the kernels.
enum Oracle {
    static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        // HMAC reads key and message and writes 32 bytes; an empty key needs an address all the same.
        let padded = key.isEmpty ? [0] : key
        _ = unsafe HMAC(EVP_sha256(), padded, Int32(key.count), message, message.count, &tag, &count)
        precondition(count == 32, "HMAC failed")
        return tag
    }

    static func cmacAES(key: [UInt8], message: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: 16)
        var count = 0
        let mac = unsafe EVP_MAC_fetch(nil, "CMAC", nil)
        let context = unsafe EVP_MAC_CTX_new(mac)
        defer {
            unsafe EVP_MAC_CTX_free(context)
            unsafe EVP_MAC_free(mac)
        }
        // The parameters point at both texts, one behind the other, which live until the end of the closure.
        let cipher = Array("cipher".utf8CString)
        var texts = cipher + Array("AES-\(8 * key.count)-CBC".utf8CString)
        let done = unsafe texts.withUnsafeMutableBufferPointer { texts in
            let parameters = unsafe [
                OSSL_PARAM_construct_utf8_string(texts.baseAddress, texts.baseAddress! + cipher.count, 0),
                OSSL_PARAM_construct_end(),
            ]
            return unsafe EVP_MAC_init(context, key, key.count, parameters) == 1
                && EVP_MAC_update(context, message, message.count) == 1
                && EVP_MAC_final(context, &tag, &count, tag.count) == 1
        }
        precondition(done && count == 16, "CMAC failed")
        return tag
    }

    /// RFC 5297 step by step, with OpenSSL's CMAC and counter mode: one piece of associated data, the vector first.
    static func sealSIV(key: [UInt8], context: [UInt8], message: [UInt8]) -> [UInt8] {
        let vector = syntheticVector(key: Array(key.prefix(key.count / 2)), context: context, message: message)
        return vector + counterMode(key: Array(key.suffix(key.count / 2)), vector: vector, message)
    }

    /// nil when it was not sealed with this key and context.
    static func openSIV(key: [UInt8], context: [UInt8], sealed: [UInt8]) -> [UInt8]? {
        if sealed.count < 16 { return nil }
        let vector = Array(sealed.prefix(16))
        let message = counterMode(key: Array(key.suffix(key.count / 2)), vector: vector, Array(sealed.dropFirst(16)))
        let again = syntheticVector(key: Array(key.prefix(key.count / 2)), context: context, message: message)
        return again == vector ? message : nil
    }

    private static func syntheticVector(key: [UInt8], context: [UInt8], message: [UInt8]) -> [UInt8] {
        let start = cmacAES(key: key, message: [UInt8](repeating: 0, count: 16))
        let state = exclusiveOr(doubled(start), cmacAES(key: key, message: context))
        if message.count >= 16 {
            return cmacAES(
                key: key, message: Array(message.dropLast(16)) + exclusiveOr(Array(message.suffix(16)), state))
        }
        let padded = message + [0x80] + [UInt8](repeating: 0, count: 15 - message.count)
        return cmacAES(key: key, message: exclusiveOr(doubled(state), padded))
    }

    private static func exclusiveOr(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { zip(a, b).map { $0 ^ $1 } }

    private static func doubled(_ block: [UInt8]) -> [UInt8] {
        var result = zip(block, block.dropFirst() + [0]).map { $0 << 1 | $1 >> 7 }
        result[15] ^= block[0] >> 7 * 0x87
        return result
    }

    private static func counterMode(key: [UInt8], vector: [UInt8], _ message: [UInt8]) -> [UInt8] {
        if message.isEmpty { return [] }
        var start = vector
        start[8] &= 0x7F
        start[12] &= 0x7F
        var out = [UInt8](repeating: 0, count: message.count)
        var count: Int32 = 0
        let context = unsafe EVP_CIPHER_CTX_new()
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let cipher = unsafe [16: EVP_aes_128_ctr(), 24: EVP_aes_192_ctr(), 32: EVP_aes_256_ctr()][key.count]!
        let done =
            unsafe EVP_EncryptInit_ex(context, cipher, nil, key, start) == 1
            && EVP_EncryptUpdate(context, &out, &count, message, Int32(message.count)) == 1
        precondition(done && count == message.count, "AES in counter mode failed")
        return out
    }
}
