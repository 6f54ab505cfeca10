internal import Foundation
internal import Secrets
internal import Synchronization

/// How often and for how long a failing request is repeated.
package struct S3Retries: Sendable, Equatable {
    package var tries: Int
    /// No try begins later than this after the first.
    package var total: Duration
    package var firstPause: Duration

    package init(tries: Int = 6, total: Duration = .seconds(60), firstPause: Duration = .milliseconds(100)) {
        self.tries = tries
        self.total = total
        self.firstPause = firstPause
    }

    /// Before try number `number` (from 2): doubling, at most 8 s, the second half of it by chance.
    func pause(before number: Int) -> Duration {
        let whole = min(firstPause * (1 << min(number - 2, 16)), .seconds(8))
        return whole * Double.random(in: 0.5...1)
    }
}

/// Objects below one location, by S3's REST interface.
///
/// Every key is relative to the location's prefix, given and listed. Calls block; any number of threads may call. What
/// fails for the time being (5xx, 429, a broken connection) is repeated, but for `putIfAbsent`.
package final class S3Client: Sendable {
    package let location: S3Location
    let credentials: any CredentialsProvider
    let transport: HTTPTransport
    let retries: S3Retries
    private let now: @Sendable () -> Int64

    private struct Clock {
        /// What to add to our clock to get the server's.
        var skew: Int64 = 0
        var serverDate: Int64?
    }
    private let clock = Mutex(Clock())

    /// - Parameter now: milliseconds of Unix time.
    package init(
        _ location: S3Location, credentials: any CredentialsProvider, timeouts: S3Timeouts = S3Timeouts(),
        retries: S3Retries = S3Retries(), now: @escaping @Sendable () -> Int64 = SystemTime.milliseconds
    ) {
        self.location = location
        self.credentials = credentials
        self.retries = retries
        self.now = now
        transport = HTTPTransport(timeouts: timeouts, authorityFile: location.authorityFile)
    }

    /// The `Date` of the last answer, in milliseconds of Unix time; nil before the first.
    package var serverDate: Int64? { clock.withLock { $0.serverDate } }

    // MARK: Sending

    /// What to ask; texts are not yet encoded.
    struct Request {
        var action: String
        var method: String
        /// Relative to the prefix; nil asks about the bucket.
        var key: String?
        var query: [(String, String)] = []
        var headers: [(String, String)] = []
        var bodyLimit = 1 << 20
        var stallLimit: Duration?
        /// What the root of a good answer's document may be called; empty where the body is not looked at.
        var documents: [String] = []
    }

    struct Reply {
        let answer: HTTPAnswer
        let root: XMLElement?
    }

    enum Outcome {
        case reply(Reply)
        case refused(Refusal)
        case failed(HTTPFailure)
        /// The caller said, after the request was dated, that it is too late for it.
        case notSent
    }

    /// Sends until the answer is good, is a lasting refusal, or tries and time are used up.
    private func exchange(_ request: Request, _ body: UnsafeRawBufferPointer?) throws(S3Error) -> Reply {
        let payloadHash = unsafe Self.payloadHash(body)
        let start = ContinuousClock.now
        var (mayRenew, mayCorrectClock) = (true, true)
        var number = 1
        while true {
            let used = try credentials.current()
            let last: S3Error
            switch unsafe try attempt(request, body, payloadHash: payloadHash, used) {
            case .notSent: preconditionFailure("nobody forbade it")
            case .reply(let reply): return reply
            case .failed(let failure):
                last = error(failure, request)
                guard failure == .noConnection || failure == .timeout || failure == .broken || failure == .garbage
                else {
                    throw last
                }
            case .refused(let refusal):
                last = refusal.error(action: request.action, key: request.key)
                if mayRenew, refusal.isExpired(used, method: request.method) {
                    mayRenew = false
                    _ = try credentials.replacement(for: used)
                    continue
                }
                if mayCorrectClock, refusal.isClockSkew(now: signingTime, method: request.method),
                    adoptClock(of: refusal)
                {
                    mayCorrectClock = false
                    continue
                }
                guard refusal.isTransient else { throw last }
            }
            number += 1
            let pause = retries.pause(before: number)
            guard number <= retries.tries, ContinuousClock.now - start + pause < retries.total else { throw last }
            Thread.sleep(forTimeInterval: Double(pause.inMilliseconds) / 1000)
        }
    }

    /// A request without a body.
    func send(_ request: Request) throws(S3Error) -> Reply { unsafe try exchange(request, nil) }

    func send(_ request: Request, bytes: [UInt8]) throws(S3Error) -> Reply {
        unsafe try bytes.withBytes { (memory) throws(S3Error) in unsafe try exchange(request, memory) }
    }

    /// One try.
    ///
    /// - Throws: when it cannot be sent at all: nothing was.
    func attempt(
        _ request: Request, _ body: UnsafeRawBufferPointer?, payloadHash: String, _ used: S3Credentials,
        isSentOnce: Bool = false, isInTime: () -> Bool = { true }
    ) throws(S3Error) -> Outcome {
        let signed = try sign(request, payloadHash: payloadHash, used)
        guard isInTime() else { return .notSent }
        let message = HTTPRequest(
            method: request.method, url: signed.url, headers: signed.headers, bodyLimit: request.bodyLimit,
            stallLimit: request.stallLimit, isSentOnce: isSentOnce)
        do throws(HTTPFailure) {
            return judge(unsafe try transport.perform(message, body), request)
        } catch {
            return .failed(error)
        }
    }

    private func judge(_ answer: HTTPAnswer, _ request: Request) -> Outcome {
        if let date = answer["date"].flatMap({ Dates.milliseconds(http: $0) }) {
            clock.withLock { $0.serverDate = date }
        }
        let isGood = (200..<300).contains(answer.status)
        guard !isGood || !request.documents.isEmpty else { return .reply(Reply(answer: answer, root: nil)) }
        let root = try? XMLScanner.root(of: answer.body)
        guard isGood else { return .refused(Refusal(answer, root: root)) }
        if let root, request.documents.contains(root.name) { return .reply(Reply(answer: answer, root: root)) }
        // A 200 may be sent before the work is done; its body then says how it ended.
        return .refused(Refusal(answer, root: root, isGarbage: root.flatMap { ServerCode.inElement($0) } == nil))
    }

    static func payloadHash(_ body: UnsafeRawBufferPointer?) -> String {
        guard let body = unsafe body else { return Digests.hexadecimal(Digests.sha256([])) }
        return Digests.hexadecimal(unsafe Digests.sha256(body))
    }

    private func sign(_ request: Request, payloadHash: String, _ used: S3Credentials) throws(S3Error)
        -> (url: String, headers: [(String, String)])
    {
        let address = location.address(fullKey: request.key.map { location.fullKey($0) })
        let scope = Signature.Scope(region: location.region, service: "s3", timestamp: Dates.timestamp(signingTime))
        var headers =
            request.headers + [
                ("Host", address.host), ("x-amz-content-sha256", payloadHash), ("x-amz-date", scope.timestamp),
            ]
        if let token = used.sessionToken { headers.append(("x-amz-security-token", token.reveal())) }
        guard headers.allSatisfy({ !$0.1.utf8.contains { $0 < 0x20 || $0 == 0x7f } }),
            used.accessKeyID.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw S3Error(
                .credentials, action: request.action, key: request.key,
                "a part of the credentials or a header holds control characters")
        }
        let authorization = Signature.authorization(
            Signature.Request(
                method: request.method, path: address.path, query: request.query, headers: headers,
                payloadHash: payloadHash), scope, used)
        let query = URLText.query(request.query)
        return (
            address.base + address.path + (query.isEmpty ? "" : "?\(query)"),
            headers + [("Authorization", authorization)]
        )
    }

    // MARK: Clock

    /// The server's time as far as we know it.
    var signingTime: Int64 {
        let skew = clock.withLock { $0.skew }
        return now() + skew
    }

    /// False when the answer has no date.
    func adoptClock(of refusal: Refusal) -> Bool {
        guard let date = refusal.date else { return false }
        let skew = date - now()
        clock.withLock { $0.skew = skew }
        return true
    }

    func error(_ failure: HTTPFailure, _ request: Request) -> S3Error {
        let code: S3Error.Code =
            switch failure {
            case .noConnection, .timeout, .broken: .unreachable
            case .untrusted: .untrusted
            case .garbage: .damaged
            case .tooLarge: .tooLarge
            case .impossible: .refused
            }
        return S3Error(code, action: request.action, key: request.key, failure.reason)
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with a typed error.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(S3Error) -> Result) throws(S3Error) -> Result {
        let result = unsafe withUnsafeBytes { memory -> Swift.Result<Result, S3Error> in
            do throws(S3Error) {
                return .success(unsafe try body(memory))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
