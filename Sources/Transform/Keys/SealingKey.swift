internal import CKernels
internal import Columnar
internal import Model
internal import Secrets

/// A derived key and its context, ready to seal and open columns with AES-256-SIV (RFC 5297).
///
/// Deterministic: equal values of one context have equal sealed values. Authenticated: what another key or context sealed,
/// or what was changed, does not open. The expanded key is as secret as the key.
final class SealingKey: Sendable, CustomStringConvertible {
    /// That a sealed value is longer.
    static let overhead = Int(KERNEL_SIV_BYTES)
    private let expanded: WipedBytes

    /// `key`: 64 bytes, the half for the MAC first. `context`: associated data of every value.
    init(_ key: WipedBytes, context: [UInt8]) {
        precondition(key.byteCount == 64, "AES-256-SIV takes two keys of 32 bytes")
        expanded = unsafe WipedBytes(byteCount: MemoryLayout<kernel_siv_key>.size) { target in
            let isMade = unsafe key.withBytes { bytes in
                unsafe kernel_siv_key_make(
                    target.baseAddress!.assumingMemoryBound(to: kernel_siv_key.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count, context, context.count)
            }
            precondition(isMade, "64 bytes are a key of AES-256-SIV")
        }
    }

    var description: String { "derived key" }

    /// - Shape: a row for each of `column`'s, 16 bytes longer; nulls stay. `column` has variable storage.
    func seal(_ column: Column) -> Column {
        unsafe column.withVariable { offsets, bytes, byteCount in
            let capacity = byteCount + SealingKey.overhead * column.rowCount
            return unsafe column.makingText(type: .binary, capacity: capacity) { outOffsets, out in
                unsafe withKey { key in
                    unsafe kernel_siv_seal_i32(
                        key, bytes, offsets, column.validityBits, column.rowCount, out, outOffsets)
                }
                return unsafe Int(outOffsets[column.rowCount])
            }
        }
    }

    /// The values of a column of sealed ones; `opened` has 1 for each row that was sealed with this key and context and for
    /// nulls, 0 for all others, whose bytes are zero.
    func open(_ column: Column) -> (column: Column, opened: [UInt8]) {
        var opened = [UInt8](repeating: 0, count: max(column.rowCount, 1))
        let values = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(type: .binary, capacity: byteCount) { outOffsets, out in
                unsafe withKey { key in
                    _ = unsafe kernel_siv_open_i32(
                        key, bytes, offsets, column.validityBits, column.rowCount, out, outOffsets, &opened)
                }
                return unsafe Int(outOffsets[column.rowCount])
            }
        }
        return (values, Array(opened.prefix(column.rowCount)))
    }

    private func withKey(_ body: (UnsafePointer<kernel_siv_key>) -> Void) {
        unsafe expanded.withBytes { unsafe body($0.baseAddress!.assumingMemoryBound(to: kernel_siv_key.self)) }
    }
}
