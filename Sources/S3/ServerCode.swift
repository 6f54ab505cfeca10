/// The words by which S3 says what is wrong, and what each means to us.
enum ServerCode {
    static let expired: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired",
    ]
    static let clockSkew: Set<String> = ["RequestTimeTooSkewed"]
    static let credentials: Set<String> = [
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthorizationHeaderMalformed",
        "InvalidSecurity",
    ]
    static let transient: Set<String> = [
        "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "Throttling", "ThrottlingException",
        "RequestThrottled", "RequestLimitExceeded", "BandwidthLimitExceeded", "OperationAborted",
        "XAmzContentSHA256Mismatch",
        "IncompleteBody", "RequestTimeoutException",
    ]
    static let transientStatus: Set<Int> = [408, 429, 500, 502, 503, 504]

    /// The word in a body's `<Code>`; nil where there is none, or one that is no word.
    static func inXML(_ body: [UInt8]) -> String? {
        guard let root = try? XMLScanner.root(of: body) else { return nil }
        return inElement(root)
    }

    static func inElement(_ root: XMLElement) -> String? {
        // STS wraps it: <ErrorResponse><Error><Code>.
        let error = root.name == "ErrorResponse" ? root["Error"] : root.name == "Error" ? root : nil
        return error?.text("Code").flatMap(word)
    }

    /// Only words get into our errors: a body of another's making may hold anything.
    static func word(_ text: String) -> String? {
        let isWord =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
                    || $0 == 0x2e || $0 == 0x5f
            }
        return isWord ? text : nil
    }
}

/// An answer that is not what was asked for.
struct Refusal {
    let status: Int
    let serverCode: String?
    /// Of the bucket, where the answer tells.
    let region: String?
    /// The answer's own clock, in milliseconds of Unix time.
    let date: Int64?
    /// A document of another kind than the one that belongs here, or none.
    var isGarbage = false

    init(_ answer: HTTPAnswer, root: XMLElement?, isGarbage: Bool = false) {
        status = answer.status
        serverCode = root.flatMap { ServerCode.inElement($0) }
        region = (answer["x-amz-bucket-region"] ?? root?.text("Region")).flatMap { ServerCode.word($0) }
        date = answer["date"].flatMap { Dates.milliseconds(http: $0) }
        self.isGarbage = isGarbage
    }

    var isTransient: Bool {
        if isGarbage { return true }
        if let serverCode, ServerCode.transient.contains(serverCode) { return true }
        return ServerCode.transientStatus.contains(status)
    }

    /// An answer to HEAD has no word: with a session's token a 400 is most likely its end.
    func isExpired(_ credentials: S3Credentials, method: String) -> Bool {
        if let serverCode { return ServerCode.expired.contains(serverCode) }
        return method == "HEAD" && status == 400 && credentials.sessionToken != nil
    }

    /// An answer to HEAD has no word: then the clocks themselves say it.
    func isClockSkew(now: Int64, method: String) -> Bool {
        if let serverCode { return ServerCode.clockSkew.contains(serverCode) }
        guard method == "HEAD", status == 403, let date else { return false }
        return abs(date - now) > 4 * 60 * 1000
    }

    func error(action: String, key: String?) -> S3Error {
        func make(_ code: S3Error.Code, _ detail: String) -> S3Error {
            S3Error(code, action: action, key: key, detail, status: status, serverCode: serverCode)
        }
        if isGarbage { return make(.damaged, "the answer is not the document that belongs here") }
        if let serverCode {
            if ServerCode.expired.contains(serverCode) { return make(.credentials, "the credentials expired") }
            if ServerCode.clockSkew.contains(serverCode) {
                return make(.refused, "this machine's clock differs from the server's")
            }
            if serverCode == "PermanentRedirect" || (serverCode == "AuthorizationHeaderMalformed" && region != nil) {
                return make(.wrongRegion, elsewhere)
            }
            if ServerCode.credentials.contains(serverCode) {
                return make(.credentials, "the server does not take the credentials")
            }
            if serverCode == "NoSuchBucket" { return make(.notFound, "there is no such bucket") }
        }
        switch status {
        case 301, 302, 307, 308: return make(.wrongRegion, elsewhere)
        case 401: return make(.credentials, "the server does not take the credentials")
        case 403: return make(.notAllowed, "the server does not allow it")
        case 404: return make(.notFound, "it is not there")
        case 412: return make(.changed, "the object is not the expected one")
        case _ where isTransient: return make(.server, "the server failed or is overloaded")
        default: return make(.refused, "the server refused it")
        }
    }

    private var elsewhere: String {
        region.map { "the bucket is in region \($0): name that region" }
            ?? "the bucket is reached by another endpoint or region"
    }
}
