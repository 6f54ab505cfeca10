internal import CCrypto
package import Model
internal import Secrets

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
        FieldKey(secret(for: purpose))
    }

    /// The derived key itself, for the methods that are no HMAC. `byteCount`: 32 or 64.
    func secret(for purpose: KeyPurpose, byteCount: Int = 32) -> WipedBytes {
        unsafe WipedBytes(byteCount: byteCount) { unsafe expand(info: Array(purpose.info.utf8), into: $0) }
    }

    /// First 16 hexadecimal digits of HMAC-SHA-256 of the empty text under the key's check subkey.
    package var checkValue: String { String(derive(.check).digest([]).hexadecimal.prefix(16)) }

    package var identity: KeyIdentity { KeyIdentity(name: name, checkValue: checkValue) }

    /// HKDF: PRK = HMAC(32 zero bytes, key), T1 = HMAC(PRK, info || 0x01), T2 = HMAC(PRK, T1 || info || 0x02), and so on;
    /// the output is T1 || T2 …, of whole rounds.
    func expand(info: [UInt8], into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count % 32 == 0 && target.count <= 64, "one or two rounds of HKDF")
        let pseudorandomKey = unsafe WipedBytes(byteCount: 32) { extracted in
            unsafe bytes.withBytes { keyMaterial in
                let noSalt = unsafe WipedBytes(byteCount: 32) { _ in }
                unsafe hmac(key: noSalt, message: keyMaterial, into: extracted)
            }
        }
        for start in stride(from: 0, to: target.count, by: 32) {
            let earlier = unsafe UnsafeRawBufferPointer(rebasing: target[max(0, start - 32)..<start])
            let message = unsafe WipedBytes(byteCount: earlier.count + info.count + 1) { message in
                unsafe message.copyBytes(from: earlier)
                unsafe UnsafeMutableRawBufferPointer(rebasing: message[earlier.count...]).copyBytes(from: info)
                unsafe message[message.count - 1] = UInt8(start / 32 + 1)
            }
            let round = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start..<start + 32])
            unsafe message.withBytes { unsafe hmac(key: pseudorandomKey, message: $0, into: round) }
        }
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
    case tokenCMAC(scope: String)
    case shift(scope: String)
    case formatPreserving(scope: String)
    /// The permutations of domains that are too small for FF1.
    case smallDomain(scope: String)
    case encryption(context: String)
    case check

    package var info: String {
        switch self {
        case .token(let scope): "etl-express/1/token/\(scope)"
        case .tokenCMAC(let scope): "etl-express/1/token-cmac/\(scope)"
        case .shift(let scope): "etl-express/1/shift/\(scope)"
        case .formatPreserving(let scope): "etl-express/1/fpe/\(scope)"
        case .smallDomain(let scope): "etl-express/1/fpe-small/\(scope)"
        case .encryption(let context): "etl-express/1/siv/\(context)"
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
