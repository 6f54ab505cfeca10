internal import Model

/// A signed token as it was sent; nothing of it is believed yet.
///
/// - Source: RFC 7515 section 3.1 (compact serialization), RFC 7519.
struct JSONWebToken {
    /// Nil: none that is allowed.
    let algorithm: JSONWebKey.Algorithm?
    let keyID: String?
    let claims: JSON
    let signature: [UInt8]
    /// What the signature is of: the first two parts as they were sent.
    let signedBytes: [UInt8]

    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), let header = try? JSON.parse(head),
            let claims = try? JSON.parse(body), header.members != nil, claims.members != nil, header["crit"] == nil
        else { return nil }
        if let id = header["kid"], id.text == nil { return nil }
        algorithm = header["alg"]?.text.flatMap(JSONWebKey.Algorithm.init)
        keyID = header["kid"]?.text
        self.claims = claims
        self.signature = signature
        signedBytes = Array(text.utf8.prefix(parts[0].count + 1 + parts[1].count))
    }
}
