package import Model

/// A store that speaks S3 could not do what was asked, or there are no credentials for it.
///
/// It names the action, the key and the server's code (the word in `<Code>`). The server's message and body stay behind,
/// and nothing of a credential is ever in it.
package struct S3Error: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection, a connection that broke, no answer in time; after all repetitions.
        case unreachable
        /// The server's certificate is not one that the trusted authorities vouch for, or not one of this host.
        case untrusted
        /// The server failed or is overloaded (5xx, 429); after all repetitions.
        case server
        /// Credentials are missing, incomplete, expired or not the server's.
        case credentials
        /// The credentials are good, but not for this.
        case notAllowed
        case notFound
        /// The bucket is in another region; `detail` names it where the server told.
        case wrongRegion
        /// The object is not the one whose reading began.
        case changed
        /// An answer that is no answer of this protocol, or that is shorter than it says.
        case damaged
        /// More bytes than the caller wants to hold.
        case tooLarge
        /// A location, endpoint or file of settings that cannot be right.
        case badLocation
        /// Any other refusal.
        case refused
    }

    package let code: Code
    /// What was being done, such as `put`.
    package let action: String
    /// As the caller named it; nil for what concerns a bucket or the credentials.
    package let key: String?
    package let detail: String
    /// Of the HTTP answer, if there was one.
    package let status: Int?
    /// The word in the answer's `<Code>`, such as `NoSuchKey`.
    package let serverCode: String?

    package init(
        _ code: Code, action: String, key: String? = nil, _ detail: String, status: Int? = nil,
        serverCode: String? = nil
    ) {
        self.code = code
        self.action = action
        self.key = key
        self.detail = detail
        self.status = status
        self.serverCode = serverCode
    }

    package var disposition: Disposition {
        switch code {
        case .unreachable, .server, .damaged: .retry
        case .notFound, .changed: .retry
        case .untrusted, .credentials, .notAllowed, .wrongRegion, .tooLarge, .badLocation, .refused: .failRun
        }
    }

    package var failure: TaskFailure {
        TaskFailure(
            kind: .target, disposition: disposition, message: description,
            code: serverCode ?? status.map { "HTTP \($0)" } ?? code.rawValue)
    }

    package var description: String {
        let subject = key.map { " \($0)" } ?? ""
        let answer: String
        switch (status, serverCode) {
        case (let status?, let word?): answer = " (HTTP \(status), \(word))"
        case (let status?, nil): answer = " (HTTP \(status))"
        case (nil, let word?): answer = " (\(word))"
        case (nil, nil): answer = ""
        }
        let advice: String =
            switch code {
            case .unreachable: "; check the endpoint, the network and firewalls"
            case .untrusted: "; name the certificate authority's file if it is your own"
            case .notAllowed: "; check the policy of the bucket and of the credentials"
            case .server, .credentials, .notFound, .wrongRegion, .changed, .damaged, .tooLarge, .badLocation, .refused:
                ""
            }
        return "S3: \(action)\(subject): \(detail)\(answer)\(advice)"
    }
}
