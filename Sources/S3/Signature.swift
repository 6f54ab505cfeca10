internal import Secrets

/// Signature version 4 of AWS: what a request's `Authorization` header holds.
///
/// The URI is signed as it is sent: encoded once, dot segments and doubled slashes kept, as S3 wants it.
/// - Source: AWS, "Signature Version 4 signing process"; S3 API reference, "Authenticating Requests".
enum Signature {
    struct Request {
        var method: String
        /// Encoded, from the first slash on.
        var path: String
        /// Names and values, not yet encoded, in any order.
        var query: [(String, String)] = []
        /// All of them are signed. `host` and `x-amz-date` are among them.
        var headers: [(String, String)]
        /// 64 hexadecimal digits.
        var payloadHash: String
    }

    struct Scope {
        let region: String
        let service: String
        /// `20130524T000000Z`
        let timestamp: String

        var day: String { String(timestamp.prefix(8)) }
        var text: String { "\(day)/\(region)/\(service)/aws4_request" }
    }

    static func authorization(_ request: Request, _ scope: Scope, _ credentials: S3Credentials) -> String {
        let (canonical, signedHeaders) = canonicalRequest(request)
        let toSign = [
            "AWS4-HMAC-SHA256", scope.timestamp, scope.text,
            Digests.hexadecimal(Digests.sha256(Array(canonical.utf8))),
        ].joined(separator: "\n")
        var key = signingKey(scope, credentials)
        defer { Digests.wipe(&key) }
        let signature = hmac(key, toSign)
        return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope.text), SignedHeaders=\(signedHeaders), "
            + "Signature=\(Digests.hexadecimal(signature))"
    }

    static func canonicalRequest(_ request: Request) -> (text: String, signedHeaders: String) {
        let headers = request.headers.map { ($0.0.lowercased(), collapsed($0.1)) }.sorted { $0.0 < $1.0 }
        let signedHeaders = headers.map(\.0).joined(separator: ";")
        let lines = [
            request.method, request.path, URLText.query(request.query),
            headers.map { "\($0.0):\($0.1)\n" }.joined(), signedHeaders, request.payloadHash,
        ]
        return (lines.joined(separator: "\n"), signedHeaders)
    }

    static func signingKey(_ scope: Scope, _ credentials: S3Credentials) -> [UInt8] {
        var key: [UInt8] = unsafe credentials.secretKey.withBytes { secret in
            var start = Array("AWS4".utf8)
            defer { Digests.wipe(&start) }
            unsafe start.append(contentsOf: secret)
            return hmac(start, scope.day)
        }
        for word in [scope.region, scope.service, "aws4_request"] {
            var previous = key
            key = hmac(previous, word)
            Digests.wipe(&previous)
        }
        return key
    }

    private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
        unsafe key.withUnsafeBytes { unsafe Digests.hmac(key: $0, Array(text.utf8)) }
    }

    /// Without spaces at the ends, each run of spaces inside made one.
    private static func collapsed(_ value: String) -> String { value.split(separator: " ").joined(separator: " ") }
}
