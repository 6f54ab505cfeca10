/// HMAC-SHA-256 of short texts: credentials of nodes. Column values are hashed by the kernels.
///
/// - Cost: three or four compressions; no library.
/// - Source: RFC 2104, FIPS 198-1.
package enum HMAC {
    /// 64 lower-case hexadecimal digits.
    package static func hexadecimal(key: [UInt8], _ message: [UInt8]) -> String {
        var block = key.count > 64 ? SHA256.digest(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        let inner = SHA256.digest(block.map { $0 ^ 0x36 } + message)
        return SHA256.hexadecimal(block.map { $0 ^ 0x5c } + inner)
    }
}
