internal import CCrypto
package import Columnar
internal import Model

/// A derived key, ready to hash columns: HMAC-SHA-256 with both key blocks hashed beforehand.
///
/// The one place that computes the tokens' function. The prepared states are as secret as the key and live like it.
package final class FieldKey: Sendable, CustomStringConvertible {
    private let states: WipedBytes

    init(_ key: WipedBytes) {
        precondition(key.byteCount == 32, "a derived key has 32 bytes")
        states = unsafe WipedBytes(byteCount: MemoryLayout<crypto_hmac_key>.size) { target in
            unsafe key.withBytes { bytes in
                unsafe crypto_hmac_prepare(
                    target.baseAddress!.assumingMemoryBound(to: crypto_hmac_key.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
    }

    package var description: String { "derived key" }

    /// 32 bytes a row: the HMAC of each row's bytes; zeros for nulls. `column` has variable storage.
    /// - Cost: two SHA-256 compressions for up to 55 bytes, one more for each further 64.
    package func digests(of column: Column) -> Buffer {
        guard case .variable(let offsets, let bytes) = column.storage else {
            preconditionFailure("hashed columns have variable storage")
        }
        return unsafe Buffer(byteCount: 32 * column.rowCount) { target in
            unsafe states.withBytes { states in
                unsafe crypto_hmac_sha256_column(
                    states.baseAddress!.assumingMemoryBound(to: crypto_hmac_key.self),
                    offsets.base.assumingMemoryBound(to: Int32.self), bytes.base.assumingMemoryBound(to: UInt8.self),
                    column.validityBits, column.rowCount, target.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
    }

    /// The HMAC of one value, for what is found inside free text.
    package func digest(_ value: [UInt8]) -> [UInt8] {
        unsafe value.withUnsafeBytes { unsafe digest($0) }
    }

    func digest(_ value: UnsafeRawBufferPointer) -> [UInt8] {
        unsafe states.withBytes { states in
            unsafe [UInt8](unsafeUninitializedCapacity: 32) { target, count in
                unsafe crypto_hmac_sha256(
                    states.baseAddress!.assumingMemoryBound(to: crypto_hmac_key.self),
                    value.baseAddress?.assumingMemoryBound(to: UInt8.self), value.count, target.baseAddress!)
                count = 32
            }
        }
    }
}
