internal import CCrypto

/// Comparisons that take as long whatever the bytes are.
package enum ConstantTime {
    package static func areEqual(_ a: String, _ b: String) -> Bool { areEqual(Array(a.utf8), Array(b.utf8)) }

    /// Lengths are no secret; contents are.
    static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        unsafe a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}
