internal import Model
internal import Synchronization

/// Kubernetes' projected tokens of service accounts, checked with the cluster's public keys and without asking anybody.
///
/// - A token is a JWT in compact form (RFC 7519, RFC 7515), signed with RS256 or ES256; `none` and shared secrets are
///   refused whatever the key. Parts are strict base64url, JSON with no member twice; critical extensions are refused.
/// - Checked in this order: form, algorithm, key, signature, issuer, audience, subject, times. Times may be off by
///   `Limits.tokenClockLeeway`; a token without an end is refused.
/// - The keys' file is a JWKS document (`kubectl get --raw /openid/v1/jwks`), looked at before each answer and read again
///   when it was changed. While it cannot be used, nobody is admitted.
/// - Of no use against a token that was stolen while it is valid: let them live for minutes.
package final class ServiceAccountTokens: Sendable {
    package struct Rules: Sendable {
        package var issuer: String
        package var audience: String
        /// `system:serviceaccount:NAMESPACE:NAME` of those that may join in a role.
        package var subjects: [Join.Role: Set<String>]
        /// The same of those that submit, look and cancel.
        package var peopleSubjects: Set<String>

        package init(
            issuer: String, audience: String, subjects: [Join.Role: Set<String>], peopleSubjects: Set<String> = []
        ) {
            self.issuer = issuer
            self.audience = audience
            self.subjects = subjects
            self.peopleSubjects = peopleSubjects
        }
    }

    /// What is wrong with the file of keys.
    package struct FileError: Error, Sendable, Equatable {
        package let reason: String
    }

    private struct State: Sendable {
        var identity: GuardedFile.Identity
        /// Nil: the file cannot be used as it is now.
        var keys: [JSONWebKey]?
    }

    private let path: String
    private let rules: Rules
    /// Seconds since 1970.
    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    /// - `keys`: path of the JWKS document.
    /// - `clock`: seconds since 1970.
    package init(keys path: String, rules: Rules, clock: @escaping @Sendable () -> Int64) throws(FileError) {
        self.path = path
        self.rules = rules
        self.clock = clock
        let (identity, keys) = try Self.read(path)
        state = Mutex(State(identity: identity, keys: keys))
    }

    /// Nil admits.
    package func admits(_ token: String, role: Join.Role?) -> Refusal? {
        guard let keys = currentKeys() else { return Refusal(.unavailable, "the file of public keys cannot be used") }
        guard token.utf8.count <= Limits.longestCredential, let parsed = JSONWebToken(token) else {
            return Refusal(.malformed, "no signed token")
        }
        guard let algorithm = parsed.algorithm else { return Refusal(.algorithm, "a signature is RS256 or ES256") }
        let candidates = keys.filter { $0.algorithm == algorithm && (parsed.keyID == nil || parsed.keyID == $0.id) }
        guard !candidates.isEmpty else { return Refusal(.unknownKey, "signed with a key that is not this cluster's") }
        guard candidates.contains(where: { SignatureCheck.isValid(parsed.signature, of: parsed.signedBytes, by: $0) })
        else {
            return Refusal(.signature, "the signature is wrong")
        }
        return refusal(of: parsed.claims, role)
    }

    private func refusal(of claims: JSON, _ role: Join.Role?) -> Refusal? {
        guard claims["iss"]?.text == rules.issuer else { return Refusal(.issuer, "another issuer") }
        let audiences = claims["aud"]?.items?.map(\.text) ?? [claims["aud"]?.text]
        guard audiences.contains(rules.audience) else { return Refusal(.audience, "meant for another audience") }
        let subjects = role.map { rules.subjects[$0] ?? [] } ?? rules.peopleSubjects
        guard let subject = claims["sub"]?.text, subjects.contains(subject) else {
            return Refusal(.subject, "a service account that is not on the list")
        }
        let now = clock()
        let leeway = Limits.tokenClockLeeway.components.seconds
        guard let end = Self.seconds(claims["exp"]) else { return Refusal(.expired, "a token without an end") }
        guard now - leeway < end else { return Refusal(.expired, "expired") }
        if let member = claims["nbf"] {
            guard let start = Self.seconds(member), start - leeway <= now else {
                return Refusal(.notYetValid, "not valid yet")
            }
        }
        return nil
    }

    /// A whole number of seconds since 1970 that is not negative; fractions are cut.
    private static func seconds(_ json: JSON?) -> Int64? {
        switch json {
        case .integer(let value) where value >= 0: value
        case .number(let value) where value >= 0: Int64(exactly: value.rounded(.down))
        default: nil
        }
    }

    private func currentKeys() -> [JSONWebKey]? {
        state.withLock { state in
            if state.keys == nil || GuardedFile.identity(path) != state.identity {
                do throws(FileError) {
                    let (identity, keys) = try Self.read(path)
                    state = State(identity: identity, keys: keys)
                } catch { state.keys = nil }
            }
            return state.keys
        }
    }

    private static func read(_ path: String) throws(FileError) -> (GuardedFile.Identity, [JSONWebKey]) {
        let file: GuardedFile
        do throws(GuardedFile.Problem) { file = try GuardedFile(path, isSecret: false) } catch {
            throw FileError(reason: error.words(path))
        }
        guard let keys = JSONWebKey.keys(of: file.bytes) else {
            throw FileError(reason: "\(path) is no JWKS document with an RSA key of 2048 bits or a P-256 key")
        }
        return (file.identity, keys)
    }
}
