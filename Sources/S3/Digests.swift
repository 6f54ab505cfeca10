internal import CCrypto

/// SHA-256, HMAC, MD5 and the two ways their bytes are written, by libcrypto.
enum Digests {
    static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        unsafe digest(bytes, byteCount: 32, EVP_sha256())
    }

    static func sha256(_ bytes: [UInt8]) -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe sha256($0) } }

    /// Not for secrecy: S3 checks bodies by it and names objects' contents by it.
    static func md5(_ bytes: [UInt8]) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe digest($0, byteCount: 16, EVP_md5()) }
    }

    private static func digest(_ bytes: UnsafeRawBufferPointer, byteCount: Int, _ method: OpaquePointer?) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: byteCount)
        let isDone = unsafe EVP_Digest(bytes.baseAddress, bytes.count, &out, nil, method, nil) == 1
        precondition(isDone, "libcrypto lacks a digest: out of memory or a provider without it")
        return out
    }

    static func hmac(key: UnsafeRawBufferPointer, _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        let result = unsafe HMAC(EVP_sha256(), key.baseAddress, Int32(key.count), message, message.count, &out, &count)
        precondition(unsafe result != nil && count == 32, "libcrypto has no HMAC")
        return out
    }

    /// Lower-case digits.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The bytes that hexadecimal digits stand for; nil for anything else.
    static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// RFC 4648, section 4, with padding.
    static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = bytes.count - start
            let group =
                Int(bytes[start]) << 16 | (rest > 1 ? Int(bytes[start + 1]) << 8 : 0)
                | (rest > 2 ? Int(bytes[start + 2]) : 0)
            out.append(letters[group >> 18])
            out.append(letters[group >> 12 & 63])
            out.append(rest > 1 ? letters[group >> 6 & 63] : UInt8(ascii: "="))
            out.append(rest > 2 ? letters[group & 63] : UInt8(ascii: "="))
        }
        return String(decoding: out, as: UTF8.self)
    }

    static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
