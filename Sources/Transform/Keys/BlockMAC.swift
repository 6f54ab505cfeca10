internal import CKernels
internal import Columnar
internal import Model
internal import Secrets

/// A derived key, ready to compute AES-256-CMAC (SP 800-38B) of columns. The expanded key is as secret as the key.
///
/// Faster than HMAC, and weaker in one respect: a value of at most 16 bytes is one block, which AES permutes. Whoever has the
/// key and the whole digest can compute such a value back, not only try guesses.
final class BlockMAC: ColumnDigest, CustomStringConvertible {
    let digestByteCount = Int(KERNEL_CMAC_BYTES)
    private let expanded: WipedBytes

    init(_ key: WipedBytes) {
        precondition(key.byteCount == 32, "a derived key has 32 bytes")
        expanded = unsafe WipedBytes(byteCount: MemoryLayout<kernel_cmac_key>.size) { target in
            let isMade = unsafe key.withBytes { bytes in
                unsafe kernel_cmac_aes_key(
                    target.baseAddress!.assumingMemoryBound(to: kernel_cmac_key.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count)
            }
            precondition(isMade, "a key of 32 bytes is one of AES-256")
        }
    }

    var description: String { "derived key" }

    func digests(of column: Column) -> Buffer {
        unsafe column.withVariable { offsets, bytes, _ in
            unsafe Buffer(byteCount: digestByteCount * column.rowCount) { target in
                unsafe withKey { key in
                    unsafe kernel_cmac_aes_i32(
                        key, bytes, offsets, column.validityBits, column.rowCount,
                        target.baseAddress!.assumingMemoryBound(to: UInt8.self))
                }
            }
        }
    }

    /// Digests of messages of `width` bytes each that lie side by side, written to `target`.
    func digests(
        ofFixed messages: UnsafeRawBufferPointer, width: Int, into target: UnsafeMutableRawBufferPointer
    ) {
        let count = messages.count / width
        precondition(target.count == count * digestByteCount, "a digest for each message")
        unsafe withKey { key in
            unsafe kernel_cmac_aes_fixed(
                key, messages.baseAddress!.assumingMemoryBound(to: UInt8.self), width, nil, count,
                target.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
    }

    private func withKey(_ body: (UnsafePointer<kernel_cmac_key>) -> Void) {
        unsafe expanded.withBytes { unsafe body($0.baseAddress!.assumingMemoryBound(to: kernel_cmac_key.self)) }
    }
}
