package import Secrets

/// An access key. It prints as its public half's last letters.
package struct S3Credentials: Sendable, CustomStringConvertible {
    package let accessKeyID: String
    let secretKey: WipedBytes
    let sessionToken: WipedBytes?
    /// Milliseconds of Unix time; nil for a key that stays.
    package let expiresAt: Int64?

    package init(accessKeyID: String, secretKey: WipedBytes, sessionToken: WipedBytes? = nil, expiresAt: Int64? = nil) {
        self.accessKeyID = accessKeyID
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiresAt = expiresAt
    }

    package var description: String { "credentials …\(accessKeyID.suffix(4))" }
}

/// Where a client has its credentials from.
package protocol CredentialsProvider: Sendable {
    /// Credentials that are good for some minutes more.
    func current() throws(S3Error) -> S3Credentials

    /// Others than `refused`, which the server no longer takes.
    ///
    /// - Throws: `.credentials` when there are none to be had.
    func replacement(for refused: S3Credentials) throws(S3Error) -> S3Credentials
}

/// One key that never changes.
package struct FixedCredentials: CredentialsProvider {
    private let credentials: S3Credentials

    package init(_ credentials: S3Credentials) { self.credentials = credentials }

    package func current() throws(S3Error) -> S3Credentials { credentials }

    package func replacement(for refused: S3Credentials) throws(S3Error) -> S3Credentials {
        throw S3Error(.credentials, action: "credentials", "the credentials expired and there are no others")
    }
}
