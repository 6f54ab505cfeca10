/// Why a credential does not admit its bearer. Says which rule it breaks and never quotes it.
package struct Refusal: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        /// No valid join token, and nothing that looks like a service account's.
        case unknownToken
        /// Not three parts of base64url with JSON in them, or longer than any token.
        case malformed
        /// Signed in a way that is not allowed: none, by a shared secret, or another that is not RS256 or ES256.
        case algorithm
        case unknownKey
        case signature
        case issuer
        case audience
        case subject
        case expired
        case notYetValid
        /// The tokens or keys of this side cannot be read.
        case unavailable
    }

    package let code: Code
    package let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
