internal import Model

/// A public key of a JWKS document: RSA of at least `Limits.shortestRSAModulus` bits, or an elliptic curve's P-256.
///
/// - Source: RFC 7517, RFC 7518 section 6.
struct JSONWebKey: Sendable, Equatable {
    enum Algorithm: String, Sendable {
        case rs256 = "RS256"
        case es256 = "ES256"
    }

    let id: String?
    let algorithm: Algorithm
    /// DER of its SubjectPublicKeyInfo (RFC 5280), which libcrypto reads.
    let publicKeyInfo: [UInt8]

    /// The keys of a document that can check signatures here; others are left out, as RFC 7517 section 5 wants it. Nil
    /// when it is no such document or has no such key.
    static func keys(of document: [UInt8]) -> [JSONWebKey]? {
        guard let items = (try? JSON.parse(document))?["keys"]?.items else { return nil }
        let keys = items.compactMap(JSONWebKey.init)
        return keys.isEmpty ? nil : keys
    }

    private init?(_ json: JSON) {
        guard json["use"] == nil || json["use"]?.text == "sig" else { return nil }
        id = json["kid"]?.text
        switch json["kty"]?.text {
        case "RSA":
            algorithm = .rs256
            guard let modulus = Self.number(json["n"]), let exponent = Self.number(json["e"]),
                Self.bitCount(modulus) >= Limits.shortestRSAModulus, modulus.count <= 2048,
                (1...8).contains(exponent.count)
            else { return nil }
            let rsaEncryption: [UInt8] = [
                0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
            ]
            let key = DER.sequence(DER.unsigned(modulus) + DER.unsigned(exponent))
            publicKeyInfo = DER.sequence(rsaEncryption + DER.bits(key))
        case "EC":
            algorithm = .es256
            guard json["crv"]?.text == "P-256", let x = Self.bytes(json["x"]), let y = Self.bytes(json["y"]),
                x.count == 32, y.count == 32
            else { return nil }
            let ecPublicKeyOnP256: [UInt8] = [
                0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
                0x3d, 0x03, 0x01, 0x07,
            ]
            publicKeyInfo = DER.sequence(ecPublicKeyOnP256 + DER.bits([4] + x + y))
        default: return nil
        }
        guard json["alg"] == nil || json["alg"]?.text == algorithm.rawValue else { return nil }
    }

    private static func bytes(_ json: JSON?) -> [UInt8]? { json?.text.flatMap { Base64URL.decode(Array($0.utf8)) } }

    /// Big-endian, without zeros in front.
    private static func number(_ json: JSON?) -> [UInt8]? { bytes(json).map { Array($0.drop { $0 == 0 }) } }

    private static func bitCount(_ number: [UInt8]) -> Int {
        number.first.map { number.count * 8 - $0.leadingZeroBitCount } ?? 0
    }
}
