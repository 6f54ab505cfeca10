internal import CKernels
package import Columnar
internal import Model
internal import Secrets

/// A derived key that gives every value of a column a digest.
protocol ColumnDigest: Sendable {
    /// Bytes of a digest.
    var digestByteCount: Int { get }
    /// `digestByteCount` bytes a row, zeros for nulls. `column` has variable storage.
    func digests(of column: Column) -> Buffer
}

/// A derived key, ready to hash columns: HMAC-SHA-256 with both key blocks hashed beforehand.
///
/// The one place that computes the tokens' function. The prepared states are as secret as the key and live like it.
package final class FieldKey: ColumnDigest, CustomStringConvertible {
    let digestByteCount = Int(KERNEL_HMAC_BYTES)
    private let states: WipedBytes

    init(_ key: WipedBytes) {
        precondition(key.byteCount == 32, "a derived key has 32 bytes")
        states = unsafe WipedBytes(byteCount: MemoryLayout<kernel_hmac_key>.size) { target in
            unsafe key.withBytes { bytes in
                unsafe kernel_hmac_sha256_key(
                    target.baseAddress!.assumingMemoryBound(to: kernel_hmac_key.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count)
            }
        }
    }

    package var description: String { "derived key" }

    /// 32 bytes a row: the HMAC of each row's bytes; zeros for nulls. `column` has variable storage.
    /// - Cost: two SHA-256 compressions for up to 55 bytes, one more for each further 64.
    package func digests(of column: Column) -> Buffer {
        unsafe column.withVariable { offsets, bytes, _ in
            unsafe digests(bytes, offsets, column.validityBits, rows: column.rowCount)
        }
    }

    /// The HMAC of one value.
    package func digest(_ value: [UInt8]) -> [UInt8] {
        let offsets: [Int32] = [0, Int32(value.count)]
        let digest = unsafe digests(value, offsets, nil, rows: 1)
        return withExtendedLifetime(digest) { unsafe Array(digest.bytes) }
    }

    private func digests(
        _ bytes: UnsafePointer<UInt8>, _ offsets: UnsafePointer<Int32>, _ validity: UnsafePointer<UInt8>?, rows: Int
    ) -> Buffer {
        unsafe Buffer(byteCount: Int(KERNEL_HMAC_BYTES) * rows) { target in
            unsafe states.withBytes { states in
                unsafe kernel_hmac_sha256_i32(
                    states.baseAddress!.assumingMemoryBound(to: kernel_hmac_key.self), bytes, offsets, validity, rows,
                    target.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
    }
}
