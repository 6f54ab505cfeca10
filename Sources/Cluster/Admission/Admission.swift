internal import Model

/// Who may join a cluster and ask things of it.
package final class Admission: Sendable {
    private let tokens: [Join.Role: JoinTokens]
    private let accounts: ServiceAccountTokens?

    /// With neither, nobody is admitted.
    package init(tokens: [Join.Role: JoinTokens] = [:], accounts: ServiceAccountTokens? = nil) {
        self.tokens = tokens
        self.accounts = accounts
    }

    /// Nil admits. What has the form of a signed token is judged as one, anything else as a join token.
    ///
    /// - `role`: as what a node wants to join; nil for people. A join token admits to the role whose file it stands in.
    /// - Cost: a look at a file's date; a signature check for service accounts.
    package func admits(_ credential: String, role: Join.Role?) -> Refusal? {
        guard credential.utf8.count <= Limits.longestCredential else {
            return Refusal(.malformed, "the credential is too long")
        }
        if let accounts, credential.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 {
            let refusal = accounts.admits(credential, role: role)
            // A join token may have two dots as well.
            if refusal?.code != .malformed || tokens.isEmpty { return refusal }
        }
        guard let tokens = role.flatMap({ tokens[$0] }) else {
            return Refusal(.unknownToken, "a service account's token is needed")
        }
        return tokens.admits(credential)
    }
}
