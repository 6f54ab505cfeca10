import CCrypto
import Foundation

/// A key pair of the tests' own, made by libcrypto, that signs as an issuer of tokens would.
@safe final class SigningKey {
    enum Kind {
        case rsa(bits: CInt)
        case p256
    }

    let id: String
    private let kind: Kind
    private let pair: OpaquePointer

    init(_ kind: Kind, id: String) {
        self.kind = kind
        self.id = id
        var made: OpaquePointer?
        switch kind {
        case .rsa(let bits):
            let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil)
            unsafe EVP_PKEY_keygen_init(context)
            unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits)
            unsafe EVP_PKEY_generate(context, &made)
            unsafe EVP_PKEY_CTX_free(context)
        case .p256:
            let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
            unsafe EVP_PKEY_keygen_init(context)
            unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
            unsafe EVP_PKEY_generate(context, &made)
            unsafe EVP_PKEY_CTX_free(context)
        }
        guard let made = unsafe made else { preconditionFailure("libcrypto makes keys") }
        unsafe pair = made
    }

    deinit { unsafe EVP_PKEY_free(pair) }

    /// Its public half as a JWKS document has it.
    var json: String {
        switch kind {
        case .rsa:
            #"{"kty":"RSA","use":"sig","alg":"RS256","kid":"\#(id)","n":"\#(number("n"))","e":"\#(number("e"))"}"#
        case .p256:
            #"{"kty":"EC","use":"sig","crv":"P-256","alg":"ES256","kid":"\#(id)","x":"\#(point.x)","y":"\#(point.y)"}"#
        }
    }

    var algorithm: String { if case .rsa = kind { "RS256" } else { "ES256" } }

    /// A token in compact form; `header` in place of its own says what it likes.
    func token(_ claims: String, header: String? = nil) -> String {
        let head = header ?? #"{"alg":"\#(algorithm)","kid":"\#(id)","typ":"JWT"}"#
        let signed = base64URL(Array(head.utf8)) + "." + base64URL(Array(claims.utf8))
        return signed + "." + base64URL(signature(of: Array(signed.utf8)))
    }

    func signature(of message: [UInt8]) -> [UInt8] {
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, pair)
        var count = 0
        unsafe EVP_DigestSign(context, nil, &count, message, message.count)
        var signature = [UInt8](repeating: 0, count: count)
        unsafe EVP_DigestSign(context, &signature, &count, message, message.count)
        signature.removeLast(signature.count - count)
        guard case .p256 = kind else { return signature }
        // SEQUENCE { INTEGER r, INTEGER s } → r and s of 32 bytes each.
        var rest = signature.dropFirst(2)
        var raw: [UInt8] = []
        for _ in 0..<2 {
            let length = Int(rest[rest.startIndex + 1])
            let number = rest.dropFirst(2).prefix(length).drop { $0 == 0 }
            raw += [UInt8](repeating: 0, count: 32 - number.count) + number
            rest = rest.dropFirst(2 + length)
        }
        return raw
    }

    private func number(_ name: String) -> String {
        var value: OpaquePointer?
        unsafe EVP_PKEY_get_bn_param(pair, name, &value)
        defer { unsafe BN_free(value) }
        var bytes = [UInt8](repeating: 0, count: unsafe Int(BN_num_bits(value) + 7) / 8)
        unsafe BN_bn2bin(value, &bytes)
        return base64URL(bytes)
    }

    private var point: (x: String, y: String) {
        var bytes = [UInt8](repeating: 0, count: 65)
        var count = 0
        unsafe EVP_PKEY_get_octet_string_param(pair, "pub", &bytes, bytes.count, &count)
        return (base64URL(Array(bytes[1..<33])), base64URL(Array(bytes[33..<65])))
    }
}

func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
