internal import CCrypto
package import Model

/// A key of 32 bytes, known by its name. It prints its name only, is not `Codable`, and is wiped when released.
///
/// Values never meet this key itself: every use derives a key of its own (HKDF-SHA-256, RFC 5869, empty salt, `info` as
/// `KeyPurpose` states), so tokens of different scopes share no secret.
package final class MaskingKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package static let byteCount = 32

    package let name: String
    private let bytes: WipedBytes

    init(name: String, bytes: WipedBytes) {
        precondition(bytes.byteCount == MaskingKey.byteCount, "a key has 32 bytes")
        self.name = name
        self.bytes = bytes
    }

    /// `bytes`: 32 bytes, copied; wiping the original is its owner's duty.
    package convenience init(name: String, bytes: [UInt8]) {
        precondition(bytes.count == MaskingKey.byteCount, "a key has 32 bytes")
        self.init(name: name, bytes: unsafe bytes.withUnsafeBytes { unsafe WipedBytes(copying: $0) })
    }

    package var description: String { "key \(name)" }
    package var debugDescription: String { description }

    /// The key for one purpose. Cost: three HMACs; done when a rule is compiled, not for each value.
    package func derive(_ purpose: KeyPurpose) -> FieldKey {
        unsafe FieldKey(WipedBytes(byteCount: 32) { unsafe expand(info: Array(purpose.info.utf8), into: $0) })
    }

    /// First 16 hexadecimal digits of HMAC-SHA-256 of the empty text under the key's check subkey.
    package var checkValue: String { String(derive(.check).digest([]).hexadecimal.prefix(16)) }

    package var identity: KeyIdentity { KeyIdentity(name: name, checkValue: checkValue) }

    /// HKDF with one round of expansion: PRK = HMAC(32 zero bytes, key), output = HMAC(PRK, info || 0x01).
    func expand(info: [UInt8], into target: UnsafeMutableRawBufferPointer) {
        let pseudorandomKey = unsafe WipedBytes(byteCount: 32) { extracted in
            unsafe bytes.withBytes { keyMaterial in
                let noSalt = unsafe WipedBytes(byteCount: 32) { _ in }
                unsafe hmac(key: noSalt, message: keyMaterial, into: extracted)
            }
        }
        let message = info + [1]
        unsafe message.withUnsafeBytes { unsafe hmac(key: pseudorandomKey, message: $0, into: target) }
    }

    private func hmac(key: WipedBytes, message: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        var length: UInt32 = 0
        let result = unsafe key.withBytes { keyBytes in
            unsafe HMAC(
                EVP_sha256(), keyBytes.baseAddress, Int32(keyBytes.count),
                message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self), &length)
        }
        precondition(unsafe result != nil && length == 32, "HMAC-SHA-256 gives 32 bytes")
    }
}

extension WipedBytes {
    convenience init(copying source: UnsafeRawBufferPointer) {
        unsafe self.init(byteCount: source.count) { unsafe $0.copyMemory(from: source) }
    }
}

/// What a derived key is for; `info` is the HKDF info text. A scope has no `/`, so no two purposes share an info.
package enum KeyPurpose: Hashable, Sendable {
    case token(scope: String)
    case shift(scope: String)
    case check

    package var info: String {
        switch self {
        case .token(let scope): "etl-express/1/token/\(scope)"
        case .shift(let scope): "etl-express/1/shift/\(scope)"
        case .check: "etl-express/1/check"
        }
    }

    /// Letters, digits, `.`, `_` and `-`, 1 to 64 of them.
    package static func isScope(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal digits.
    package var hexadecimal: String {
        reduce(into: "") { text, byte in
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
    }
}
