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
        var name = Array("AES-\(8 * key.count)-CBC".utf8CString)
        let done = unsafe name.withUnsafeMutableBufferPointer { name in
            // The parameters point at `name`, which lives until the end of this closure.
            let parameters = unsafe [
                OSSL_PARAM_construct_utf8_string("cipher", name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            return unsafe EVP_MAC_init(context, key, key.count, parameters) == 1
                && EVP_MAC_update(context, message, message.count) == 1
                && EVP_MAC_final(context, &tag, &count, tag.count) == 1
        }
        precondition(done && count == 16, "CMAC failed")
        return tag
    }
}
