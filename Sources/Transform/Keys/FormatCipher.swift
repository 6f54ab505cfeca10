internal import CKernels
internal import Columnar
internal import Model
internal import Secrets

/// A derived key and a rule, ready to encrypt and decrypt columns in their own format: AES-256-FF1 (SP 800-38G).
///
/// Reversible by the key's holder, deterministic, not authenticated: with a wrong key decryption gives other values of the
/// same form. The expanded key is as secret as the key.
final class FormatCipher: Sendable, CustomStringConvertible {
    enum Direction: Sendable { case encrypt, decrypt }

    struct Result {
        /// Failed rows are null.
        let column: Column
        /// Rows that could not be taken, ascending.
        let failures: [ValueFailure]
    }

    private let cipher: WipedBytes
    private let format: Buffer
    private let shortestForFF1: Int
    private let radix: Int
    private let small: SmallDomains?

    /// `smallKey`: of the small domains' permutations; nil where the rule has none.
    init(_ rule: FormatRule, key: WipedBytes, smallKey: WipedBytes?) {
        let digits = (0..<rule.radix).map { UInt8($0) }
        cipher = unsafe WipedBytes(byteCount: MemoryLayout<kernel_ff1_cipher>.size) { target in
            let isMade = unsafe key.withBytes { bytes in
                unsafe kernel_ff1_cipher_make(
                    target.baseAddress!.assumingMemoryBound(to: kernel_ff1_cipher.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count, digits, digits.count,
                    rule.tweak, rule.tweak.count, UInt64(KERNEL_FF1_LEAST_DOMAIN))
            }
            precondition(isMade, "the rule's tweak and alphabet were checked")
        }
        var isMade = false
        format = unsafe Buffer(byteCount: MemoryLayout<kernel_format>.size) {
            unsafe isMade = rule.withKernelFormat($0)
        }
        precondition(isMade, "the rule's alphabet and separators were checked")
        shortestForFF1 = rule.shortestForFF1
        radix = rule.radix
        small = smallKey.map { SmallDomains(key: BlockMAC($0), radix: rule.radix, tweak: rule.tweak) }
    }

    convenience init(_ rule: FormatRule, key: MaskingKey, scope: String) {
        self.init(
            rule, key: key.secret(for: .formatPreserving(scope: scope)),
            smallKey: rule.permutesSmallDomains ? key.secret(for: .smallDomain(scope: scope)) : nil)
    }

    var description: String { "derived key" }

    /// - Shape: a row for each of `column`'s, of the same length; row *i* depends on row *i* and the key only.
    /// - Nulls and empty texts: stay.
    /// - Cost: ten AES blocks a value and two passes over its bytes.
    func apply(_ direction: Direction, to column: Column) -> Result {
        let rows = column.rowCount
        var status = [UInt8](repeating: 0, count: max(rows, 1))
        var failed = 0
        let format = unsafe self.format.base.assumingMemoryBound(to: kernel_format.self)
        let result = unsafe column.withVariable { offsets, bytes, byteCount in
            let digits = unsafe column.makingText(type: .binary, capacity: byteCount) { digitOffsets, out in
                failed = unsafe kernel_format_gather_i32(
                    format, bytes, offsets, column.validityBits, rows, out, digitOffsets, &status)
                return unsafe Int(digitOffsets[rows])
            }
            let replaced = replace(digits, direction)
            return unsafe replaced.withVariable { digitOffsets, digits, _ in
                unsafe column.makingText(capacity: byteCount) { outOffsets, out in
                    unsafe kernel_format_scatter_i32(
                        format, bytes, offsets, rows, digits, digitOffsets, status, out, outOffsets)
                }
            }
        }
        withExtendedLifetime(self.format) {}
        if failed == 0 { return Result(column: result, failures: []) }
        return failing(status, result)
    }

    /// Digits become other digits, as many a row.
    private func replace(_ digits: Column, _ direction: Direction) -> Column {
        let rows = digits.rowCount
        return unsafe digits.withVariable { offsets, bytes, byteCount in
            unsafe digits.makingText(type: .binary, capacity: byteCount) { outOffsets, out in
                unsafe outOffsets.update(from: offsets, count: rows + 1)
                var status = [UInt8](repeating: 0, count: max(rows, 1))
                let notDone = unsafe cipher.withBytes { cipher in
                    let cipher = unsafe cipher.baseAddress!.assumingMemoryBound(to: kernel_ff1_cipher.self)
                    return switch direction {
                    case .encrypt:
                        unsafe kernel_ff1_encrypt_i32(cipher, bytes, offsets, digits.validityBits, rows, out, &status)
                    case .decrypt:
                        unsafe kernel_ff1_decrypt_i32(cipher, bytes, offsets, digits.validityBits, rows, out, &status)
                    }
                }
                // What FF1 leaves is empty, or short and the permutations' share.
                if notDone > 0 {
                    for row in 0..<rows {
                        let start = unsafe Int(offsets[row])
                        let count = unsafe Int(offsets[row + 1]) - start
                        if count == 0 { continue }
                        if count < shortestForFF1 {
                            unsafe permute(bytes + start, count, direction, into: out + start)
                        } else {
                            precondition(status[row] == UInt8(KERNEL_FF1_DONE), "gathered digits are of the alphabet")
                        }
                    }
                }
                return byteCount
            }
        }
    }

    private func permute(
        _ digits: UnsafePointer<UInt8>, _ count: Int, _ direction: Direction, into target: UnsafeMutablePointer<UInt8>
    ) {
        guard let small else { preconditionFailure("short values fail unless the rule permutes them") }
        let permutation = small.permutation(digitCount: count)
        var value = 0
        for index in 0..<count { unsafe value = value * radix + Int(digits[index]) }
        value = direction == .encrypt ? permutation.forward(value) : permutation.backward(value)
        for index in (0..<count).reversed() {
            unsafe target[index] = UInt8(value % radix)
            value /= radix
        }
    }

    private func failing(_ status: [UInt8], _ column: Column) -> Result {
        var failures: [ValueFailure] = []
        var bits = [UInt8](repeating: 0, count: (column.rowCount + 7) / 8)
        for row in 0..<column.rowCount {
            if let code = FormatCipher.code(of: status[row]) {
                failures.append(ValueFailure(code: code, row: row))
            } else if !column.isNull(row) {
                bits[row >> 3] |= 1 << UInt8(row & 7)
            }
        }
        let nulled = Column(
            type: column.type, rowCount: column.rowCount, validity: Buffer(copying: bits), storage: column.storage)
        return Result(column: nulled, failures: failures)
    }

    /// nil: the row was done.
    private static func code(of status: UInt8) -> TransformError.Code? {
        switch Int(status) {
        case KERNEL_FORMAT_DONE: nil
        case KERNEL_FORMAT_NOT_ALPHABET: .outsideAlphabet
        case KERNEL_FORMAT_SHORT: .domainTooSmall
        case KERNEL_FORMAT_LONG: .tooLong
        default: .wrongCheckDigit
        }
    }
}
