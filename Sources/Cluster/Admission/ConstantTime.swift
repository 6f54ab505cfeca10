internal import CCrypto

/// Comparisons that take as long whatever the bytes are.
enum ConstantTime {
    /// Lengths are no secret; contents are.
    static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        unsafe a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}
