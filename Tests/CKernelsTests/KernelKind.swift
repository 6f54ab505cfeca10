import CKernels
import Testing

/// The kernels that `DifferentialTests` compares.
enum KernelKind: CaseIterable {
    case hmac32, hmac64, hmacFixed
    case cmac32, cmac64, cmacFixed
    case ff1EncryptDigits, ff1DecryptDigits, ff1EncryptLetters, ff1DecryptLetters
    case sivSeal, sivOpen
    case base32, base32Long, base32Short, hex, hexLong, hexShort, uuid, int63

    var layout: ValueLayout {
        switch self {
        case .hmacFixed, .cmacFixed: .fixed
        case .base32, .base32Short, .hexShort, .uuid: .digests(16)
        case .base32Long, .hex, .hexLong, .int63: .digests(32)
        default: .offsets
        }
    }

    /// With a random key.
    func make(_ random: inout Seeded) throws -> ComparedKernel {
        switch self {
        case .hmac32:
            unsafe ComparedKernel(hmac: random.bytes(32)) {
                unsafe kernel_hmac_sha256_i32($0, $1, $2.as32, $3, $4.rowCount, $5)
            }
        case .hmac64:
            unsafe ComparedKernel(hmac: random.bytes(32)) {
                unsafe kernel_hmac_sha256_i64($0, $1, $2.as64, $3, $4.rowCount, $5)
            }
        case .hmacFixed:
            unsafe ComparedKernel(hmac: random.bytes(70)) {
                unsafe kernel_hmac_sha256_fixed($0, $1, $4.width, $3, $4.rowCount, $5)
            }
        case .cmac32:
            try unsafe ComparedKernel(cmac: random.bytes(32)) {
                unsafe kernel_cmac_aes_i32($0, $1, $2.as32, $3, $4.rowCount, $5)
            }
        case .cmac64:
            try unsafe ComparedKernel(cmac: random.bytes(16)) {
                unsafe kernel_cmac_aes_i64($0, $1, $2.as64, $3, $4.rowCount, $5)
            }
        case .cmacFixed:
            try unsafe ComparedKernel(cmac: random.bytes(32)) {
                unsafe kernel_cmac_aes_fixed($0, $1, $4.width, $3, $4.rowCount, $5)
            }
        case .ff1EncryptDigits: try ComparedKernel(ff1: .encrypt, .referenceEncrypt, "0123456789", &random)
        case .ff1DecryptDigits: try ComparedKernel(ff1: .decrypt, .referenceDecrypt, "0123456789", &random)
        case .ff1EncryptLetters:
            try ComparedKernel(ff1: .encrypt, .referenceEncrypt, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", &random)
        case .ff1DecryptLetters:
            try ComparedKernel(ff1: .decrypt, .referenceDecrypt, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", &random)
        case .sivSeal: try ComparedKernel(sealing: random.bytes(64), context: random.bytes(20))
        case .sivOpen: try ComparedKernel(opening: random.bytes(64), context: random.bytes(20))
        case .base32:
            unsafe ComparedKernel(bits: 5, length: 26) { unsafe kernel_base32_rows($0, $1, $2, $3, 26, $4, $5) }
        case .base32Long:
            unsafe ComparedKernel(bits: 5, length: 52) { unsafe kernel_base32_rows($0, $1, $2, $3, 52, $4, $5) }
        case .base32Short:
            unsafe ComparedKernel(bits: 5, length: 10) { unsafe kernel_base32_rows($0, $1, $2, $3, 10, $4, $5) }
        case .hex: unsafe ComparedKernel(bits: 4, length: 32) { unsafe kernel_hex_rows($0, $1, $2, $3, 32, $4, $5) }
        case .hexLong: unsafe ComparedKernel(bits: 4, length: 64) { unsafe kernel_hex_rows($0, $1, $2, $3, 64, $4, $5) }
        case .hexShort: unsafe ComparedKernel(bits: 4, length: 7) { unsafe kernel_hex_rows($0, $1, $2, $3, 7, $4, $5) }
        case .uuid: .uuid
        case .int63: .int63
        }
    }
}

/// One kernel with its key, and what it must give. Buffers of `run` end at protected pages, or `distance` bytes before.
struct ComparedKernel {
    /// Makes the random bytes of a column into what the kernel takes.
    var prepare: (inout ColumnFixture, inout Seeded) -> Void = { _, _ in }
    /// All that it wrote.
    let run: (_ column: ColumnFixture, _ distance: Int) -> [UInt8]
    /// The same from the reference.
    let expected: (ColumnFixture) -> [UInt8]
}

// MARK: - Keyed hashes

/// Offsets of both sizes, at protected pages.
struct ProtectedOffsets {
    let narrow, wide: ProtectedBytes

    init(_ offsets: [Int32], distance: Int) {
        // A distance of whole offsets keeps them aligned, as Arrow has them.
        unsafe narrow = offsets.withUnsafeBytes { unsafe ProtectedBytes(Array($0), distance: distance / 4 * 4) }
        unsafe wide = offsets.map(Int64.init).withUnsafeBytes {
            unsafe ProtectedBytes(Array($0), distance: distance / 8 * 8)
        }
    }

    var as32: UnsafePointer<Int32> { unsafe UnsafePointer(narrow.raw.assumingMemoryBound(to: Int32.self)) }
    var as64: UnsafePointer<Int64> { unsafe UnsafePointer(wide.raw.assumingMemoryBound(to: Int64.self)) }
}

extension ColumnFixture {
    /// Of a column of one width.
    var width: Int { rowCount == 0 ? 0 : Int(offsets[1] - offsets[0]) }
}

extension ComparedKernel {
    private typealias Bytes = UnsafePointer<UInt8>
    fileprivate typealias Hash<Key> = (
        UnsafePointer<Key>, UnsafePointer<UInt8>, ProtectedOffsets, UnsafePointer<UInt8>?, ColumnFixture,
        UnsafeMutablePointer<UInt8>
    ) -> Void

    private static func run<Key>(
        _ hash: Hash<Key>, _ key: Key, _ digestBytes: Int, _ column: ColumnFixture, _ distance: Int
    ) -> [UInt8] {
        let bytes = ProtectedBytes(column.bytes, distance: distance)
        let offsets = ProtectedOffsets(column.offsets, distance: distance)
        let validity = column.validity.map { ProtectedBytes($0, distance: distance) }
        let out = ProtectedBytes([UInt8](repeating: 0xA5, count: digestBytes * column.rowCount), distance: distance)
        unsafe withUnsafePointer(to: key) { key in
            unsafe hash(key, bytes.start, offsets, validity.map { unsafe UnsafePointer($0.start) }, column, out.start)
        }
        return out.contents
    }

    fileprivate init(hmac bytes: [UInt8], _ hash: @escaping Hash<kernel_hmac_key>) {
        var key = kernel_hmac_key()
        unsafe kernel_hmac_sha256_key(&key, bytes, bytes.count)
        run = { [key] in unsafe Self.run(hash, key, 32, $0, $1) }
        expected = { [key] in
            unsafe Self.run({ unsafe reference_hmac_sha256_i32($0, $1, $2.as32, $3, $4.rowCount, $5) }, key, 32, $0, 0)
        }
    }

    fileprivate init(cmac bytes: [UInt8], _ hash: @escaping Hash<kernel_cmac_key>) throws {
        var key = kernel_cmac_key()
        try #require(unsafe kernel_cmac_aes_key(&key, bytes, bytes.count))
        run = { [key] in unsafe Self.run(hash, key, 16, $0, $1) }
        expected = { [key] in
            unsafe Self.run({ unsafe reference_cmac_aes_i32($0, $1, $2.as32, $3, $4.rowCount, $5) }, key, 16, $0, 0)
        }
    }
}

// MARK: - Reversible

extension ComparedKernel {
    /// Every twentieth value has a byte that is not of the alphabet.
    fileprivate init(
        ff1 direction: FF1Fixture.Direction, _ reference: FF1Fixture.Direction, _ alphabet: String,
        _ random: inout Seeded
    ) throws {
        let letters = Array(alphabet.utf8)
        let cipher = try #require(FF1Fixture(key: random.bytes(32), alphabet: letters, tweak: random.bytes(9)))
        prepare = { column, random in
            for i in column.bytes.indices { column.bytes[i] = letters[Int(column.bytes[i]) % letters.count] }
            for row in 0..<column.rowCount where column.offsets[row] < column.offsets[row + 1] {
                if Int.random(in: 0..<20, using: &random) == 0 { column.bytes[Int(column.offsets[row])] = 0x7F }
            }
        }
        run = { column, distance in
            let result = cipher.run(direction, column, distance: distance)
            return result.text + result.status
        }
        expected = { column in
            let result = cipher.run(reference, column)
            return result.text + result.status
        }
    }

    private static func sivKey(_ bytes: [UInt8], _ context: [UInt8]) throws -> kernel_siv_key {
        var key = kernel_siv_key()
        try #require(unsafe kernel_siv_key_make(&key, bytes, bytes.count, context, context.count))
        return key
    }

    /// Text, its offsets, and what else there is, in one list.
    private static func whole(_ text: [UInt8], _ offsets: [Int32], _ other: [UInt8] = []) -> [UInt8] {
        unsafe text + offsets.withUnsafeBytes { unsafe Array($0) } + other
    }

    fileprivate init(sealing bytes: [UInt8], context: [UInt8]) throws {
        let key = try Self.sivKey(bytes, context)
        run = { column, distance in
            let input = ProtectedBytes(column.bytes, distance: distance)
            let valid = (0..<column.rowCount).filter(column.isValid)
            let count = valid.reduce(0) { $0 + 16 + column.length($1) }
            let out = ProtectedBytes([UInt8](repeating: 0xA5, count: count), distance: distance)
            var offsets = [Int32](repeating: -1, count: column.rowCount + 1)
            unsafe withUnsafePointer(to: key) { key in
                unsafe column.validity.withPointer {
                    unsafe kernel_siv_seal_i32(
                        key, input.start, column.offsets, $0, column.rowCount, out.start, &offsets)
                }
            }
            return Self.whole(out.contents, offsets)
        }
        expected = { column in
            var text: [UInt8] = []
            var offsets: [Int32] = [0]
            for row in 0..<column.rowCount {
                if column.isValid(row) {
                    text += Oracle.sealSIV(key: bytes, context: context, message: column.value(row))
                }
                offsets.append(Int32(text.count))
            }
            return Self.whole(text, offsets)
        }
    }

    /// Sealed values, every fourth of them changed in one bit; nulls have bytes too.
    fileprivate init(opening bytes: [UInt8], context: [UInt8]) throws {
        let key = try Self.sivKey(bytes, context)
        prepare = { column, random in
            let sealed = (0..<column.rowCount).map { row -> [UInt8] in
                var value = Oracle.sealSIV(key: bytes, context: context, message: column.value(row))
                if row % 4 == 3 {
                    value[Int.random(in: value.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                return value
            }
            column = ColumnFixture(values: sealed, validity: column.validity)
        }
        run = { column, distance in
            let input = ProtectedBytes(column.bytes, distance: distance)
            let count = (0..<column.rowCount).filter(column.isValid).reduce(0) { $0 + column.length($1) - 16 }
            let out = ProtectedBytes([UInt8](repeating: 0xA5, count: count), distance: distance)
            var offsets = [Int32](repeating: -1, count: column.rowCount + 1)
            let opened = ProtectedBytes([UInt8](repeating: 9, count: column.rowCount))
            _ = unsafe withUnsafePointer(to: key) { key in
                unsafe column.validity.withPointer {
                    unsafe kernel_siv_open_i32(
                        key, input.start, column.offsets, $0, column.rowCount, out.start, &offsets, opened.start)
                }
            }
            return Self.whole(out.contents, offsets, opened.contents)
        }
        expected = { column in
            var text: [UInt8] = []
            var offsets: [Int32] = [0]
            var opened: [UInt8] = []
            for row in 0..<column.rowCount {
                let value =
                    column.isValid(row) ? Oracle.openSIV(key: bytes, context: context, sealed: column.value(row)) : []
                if column.isValid(row) { text += value ?? [UInt8](repeating: 0, count: column.length(row) - 16) }
                offsets.append(Int32(text.count))
                opened.append(value == nil ? 0 : 1)
            }
            return Self.whole(text, offsets, opened)
        }
    }
}

extension ColumnFixture {
    fileprivate func length(_ row: Int) -> Int { Int(offsets[row + 1] - offsets[row]) }
}

// MARK: - Forms of digests

extension ComparedKernel {
    fileprivate typealias Texts = (
        UnsafePointer<UInt8>, Int, UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<Int32>
    ) -> Void

    /// A text of `length` characters for each row that is not null, made by `text` in the reference.
    private init(length: Int, texts: @escaping Texts, text: @escaping ([UInt8]) -> [UInt8]) {
        run = { column, distance in
            let digests = ProtectedBytes(column.bytes, distance: distance)
            let valid = (0..<column.rowCount).filter(column.isValid).count
            let out = ProtectedBytes([UInt8](repeating: 0xA5, count: valid * length), distance: distance)
            var offsets = [Int32](repeating: -1, count: column.rowCount + 1)
            unsafe column.validity.withPointer {
                unsafe texts(digests.start, column.width, $0, column.rowCount, out.start, &offsets)
            }
            return Self.whole(out.contents, offsets)
        }
        expected = { column in
            var all: [UInt8] = []
            var offsets: [Int32] = [0]
            for row in 0..<column.rowCount {
                if column.isValid(row) { all += text(column.value(row)) }
                offsets.append(Int32(all.count))
            }
            return Self.whole(all, offsets)
        }
    }

    fileprivate init(bits: Int, length: Int, _ texts: @escaping Texts) {
        let letters = Array((bits == 5 ? "abcdefghijklmnopqrstuvwxyz234567" : "0123456789abcdef").utf8)
        unsafe self.init(length: length, texts: texts) { digest in
            let whole = bits == 5 ? bits * length / 8 : (bits * length + 7) / 8
            return (0..<length).map { place in
                letters[
                    (0..<bits).reduce(0) { number, bit in
                        let at = bits * place + bit
                        return number * 2 + (at / 8 < whole ? Int(digest[at / 8] >> UInt8(7 - at % 8) & 1) : 0)
                    }]
            }
        }
    }

    fileprivate static var uuid: ComparedKernel {
        unsafe ComparedKernel(length: 36, texts: { unsafe kernel_uuid8_rows($0, $1, $2, $3, $4, $5) }) { digest in
            var bytes = digest.prefix(16)
            bytes[6] = bytes[6] & 0x0F | 0x80
            bytes[8] = bytes[8] & 0x3F | 0x80
            let letters = Array("0123456789abcdef".utf8)
            return bytes.enumerated().flatMap { at, byte in
                ([4, 6, 8, 10].contains(at) ? [UInt8(ascii: "-")] : []) + [
                    letters[Int(byte >> 4)], letters[Int(byte & 15)],
                ]
            }
        }
    }

    fileprivate static var int63: ComparedKernel {
        ComparedKernel(
            run: { column, distance in
                let digests = ProtectedBytes(column.bytes, distance: distance)
                let out = ProtectedBytes(
                    [UInt8](repeating: 0xA5, count: 8 * column.rowCount), distance: distance / 8 * 8)
                unsafe column.validity.withPointer {
                    unsafe kernel_int63_rows(
                        digests.start, column.width, $0, column.rowCount, out.raw.assumingMemoryBound(to: Int64.self))
                }
                return out.contents
            },
            expected: { column in
                (0..<column.rowCount).flatMap { row -> [UInt8] in
                    let number = column.value(row).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1
                    return unsafe withUnsafeBytes(of: column.isValid(row) ? number : 0) { unsafe Array($0) }
                }
            })
    }
}
