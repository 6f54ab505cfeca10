import Foundation
import Secrets
import Synchronization
import Testing

@testable import S3

/// Servers that fail in every way: what is repeated, what is not, and what is said.
@Suite("failing servers")
struct FailureTests {
    private func client(
        _ stub: StubServer, credentials: any CredentialsProvider = S3TestServer.credentials,
        region: String = "us-east-1", stall: Duration = .seconds(30),
        now: @escaping @Sendable () -> Int64 = SystemTime.milliseconds
    ) throws -> S3Client {
        S3Client(
            try S3Location(bucket: "bucket", prefix: "p", region: region, endpoints: [stub.endpoint]),
            credentials: credentials, timeouts: S3Timeouts(connect: .seconds(30), stall: stall),
            // Tries end it, not the time: a machine under load is slow.
            retries: S3Retries(tries: 3, total: .seconds(600), firstPause: .milliseconds(1)), now: now)
    }

    private func with<Result>(
        _ answer: @escaping @Sendable (StubServer.Request, Int) -> StubServer.Answer,
        _ body: (StubServer) throws -> Result
    ) throws -> Result {
        let stub = StubServer(answer)
        defer { stub.stop() }
        return try body(stub)
    }

    /// A stall is waited for in full, so it is short; on a machine so busy that the server's own thread does not come to
    /// run within it, it is made longer.
    ///
    /// - Parameter body: false: nothing can be said of this try, unless it was the last and longest.
    private func patiently(_ answer: StubServer.Answer, _ body: (_ stall: Duration) throws -> Bool) throws {
        for stall in answer.isStalled ? [5, 20, 60] : [60] {
            if try body(.seconds(stall)) { return }
        }
    }

    private static func error(_ code: String) -> String {
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>jane@example.org may not</Message></Error>"
    }

    private func caught(_ body: () throws -> Void) -> S3Error? {
        do {
            try body()
            return nil
        } catch {
            return error as? S3Error
        }
    }

    @Test(
        "what passes is asked for again",
        arguments: [
            StubServer.Answer.plain(503, [:], error("SlowDown")), .plain(500), .plain(429), .plain(502), .plain(504),
            .plain(400, [:], error("RequestTimeout")), .truncated(announced: 100, body: "abc"),
            .reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab"), .reset(""), .stalled("HTTP/1.1 200 OK\r\n"),
            .stalled("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), .stalled(""),
        ])
    func transient(answer: StubServer.Answer) throws {
        try patiently(answer) { stall in
            try with({ _, number in number < 2 ? answer : .plain(200, [:], "whole") }) { stub throws in
                let found = Result { try client(stub, stall: stall).get("key", limit: 200) }
                // The client gave up on a server that had not come to listen, or to answer.
                if (try? found.get()) == nil, stall < .seconds(60) { return false }
                #expect(try found.get() == Array("whole".utf8))
                #expect(stub.requests.count == 3)
                return true
            }
        }
    }

    @Test("a refusal is final at once, and names the server's word, not its text")
    func final() throws {
        try with({ _, _ in .plain(403, [:], Self.error("AccessDenied")) }) { stub throws in
            let client = try client(stub)
            let error = try #require(caught { _ = try client.get("a/key", limit: 10) })
            #expect(error.code == .notAllowed && error.status == 403 && error.serverCode == "AccessDenied")
            #expect(error.key == "a/key" && error.action == "get")
            #expect(!error.description.contains("jane") && error.description.contains("AccessDenied"))
            #expect(stub.requests.count == 1)
        }
    }

    @Test("after the last try the error is the server's")
    func tries() throws {
        try with({ _, _ in .plain(503, [:], Self.error("SlowDown")) }) { stub throws in
            let client = try client(stub)
            #expect(caught { try client.put("key", [1]) }?.code == .server)
            #expect(stub.requests.count == 3)
        }
        let location = try S3Location(bucket: "bucket", region: "r", endpoints: ["http://127.0.0.1:1"])
        let nobody = S3Client(
            location, credentials: S3TestServer.credentials, retries: S3Retries(tries: 2, firstPause: .milliseconds(1)))
        #expect(caught { try nobody.put("key", [1]) }?.code == .unreachable)
    }

    @Test("a body that is longer than announced bytes allow, or has no length, is no object")
    func lengths() throws {
        try with({ _, _ in .stalled("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc") }) { stub throws in
            #expect(caught { _ = try client(stub, stall: .seconds(1)).get("key", limit: 10) }?.code == .unreachable)
        }
        try with({ _, _ in .plain(200, [:], "1234567890") }) { stub throws in
            #expect(caught { _ = try client(stub).get("key", limit: 9) }?.code == .tooLarge)
            #expect(caught { _ = try client(stub).get("key", range: 0..<5, limit: 20) }?.code == .damaged)
        }
    }

    @Test("another region is named")
    func region() throws {
        for status in [301, 307, 400] {
            let code = status == 400 ? "AuthorizationHeaderMalformed" : "PermanentRedirect"
            try with({ _, _ in .plain(status, ["x-amz-bucket-region": "eu-north-1"], Self.error(code)) }) {
                stub throws in
                let error = try #require(caught { _ = try client(stub).get("key", limit: 10) })
                #expect(error.code == .wrongRegion && error.description.contains("eu-north-1"))
                #expect(stub.requests.count == 1)
            }
        }
        try with({ _, _ in .plain(301, ["x-amz-bucket-region": "eu-north-1"]) }) { stub throws in
            #expect(caught { _ = try client(stub).head("key") }?.code == .wrongRegion)
        }
    }

    @Test("a wrong clock is set right once, by the server's date")
    func clock() throws {
        let date = "Fri, 24 May 2013 00:00:00 GMT"
        let answer: @Sendable (StubServer.Request, Int) -> StubServer.Answer = { request, _ in
            let isRight = request.headers["x-amz-date"]?.hasPrefix("20130524T0000") == true
            if request.method == "HEAD", !isRight { return .plain(403, ["Date": date]) }
            return isRight
                ? .plain(200, ["Date": date], "x") : .plain(403, ["Date": date], Self.error("RequestTimeTooSkewed"))
        }
        try with(answer) { stub throws in
            let late = try client(stub)
            #expect(try late.get("key", limit: 10) == [0x78])
            #expect(try late.get("key", limit: 10) == [0x78])
            #expect(stub.requests.count == 3)
            #expect(late.serverDate == 1_369_353_600_000)
            #expect(try client(stub).head("key")?.byteCount == 1)
        }
        try with({ _, _ in .plain(403, ["Date": date], Self.error("RequestTimeTooSkewed")) }) { stub throws in
            #expect(caught { _ = try client(stub).get("key", limit: 10) }?.code == .refused)
            #expect(stub.requests.count == 2)
        }
    }

    private final class Renewing: CredentialsProvider {
        let number = Mutex(1)
        func current() throws(S3Error) -> S3Credentials {
            let number = number.withLock { $0 }
            return S3Credentials(
                accessKeyID: "KEY\(number)", secretKey: WipedBytes("s"), sessionToken: WipedBytes("token\(number)"))
        }
        func replacement(for refused: S3Credentials) throws(S3Error) -> S3Credentials {
            number.withLock { $0 += 1 }
            return try current()
        }
    }

    @Test("credentials that end in the middle are renewed once")
    func expiry() throws {
        let answer: @Sendable (StubServer.Request, Int) -> StubServer.Answer = { request, _ in
            if request.headers["x-amz-security-token"] == "token2" { return .plain(200, [:], "x") }
            return .plain(400, [:], request.method == "HEAD" ? "" : Self.error("ExpiredToken"))
        }
        try with(answer) { stub throws in
            #expect(try client(stub, credentials: Renewing()).get("key", limit: 10) == [0x78])
            #expect(try client(stub, credentials: Renewing()).head("key")?.byteCount == 1)
            let fixed = try client(stub)
            let error = try #require(caught { _ = try fixed.get("key", limit: 10) })
            #expect(error.code == .credentials)
            let creating = try client(stub, credentials: Renewing())
            #expect(try creating.putIfAbsent("key", [1]) == .unknown(reason: "ExpiredToken"))
            #expect(try creating.putIfAbsent("key", [1]) == .created)
        }
        try with({ _, _ in .plain(400, [:], Self.error("ExpiredToken")) }) { stub throws in
            #expect(
                caught { _ = try client(stub, credentials: Renewing()).get("key", limit: 10) }?.code == .credentials)
            #expect(stub.requests.count == 2)
        }
    }

    @Test(
        "to create is one request, and only plain answers are believed",
        arguments: [
            (StubServer.Answer.plain(200), S3Creation.created),
            (.plain(412, [:], error("PreconditionFailed")), .exists),
            (.plain(409, [:], error("ConditionalRequestConflict")), .unknown(reason: "ConditionalRequestConflict")),
            (.plain(500), .unknown(reason: "HTTP 500")),
            (.plain(503, [:], error("SlowDown")), .unknown(reason: "SlowDown")),
            (.plain(204), .unknown(reason: "HTTP 204")),
            (.plain(200, [:], error("InternalError")), .unknown(reason: "HTTP 200")),
            (.plain(501, [:], error("NotImplemented")), .refused(status: 501, serverCode: "NotImplemented")),
            (.plain(403, [:], error("AccessDenied")), .refused(status: 403, serverCode: "AccessDenied")),
            (.plain(400), .refused(status: 400, serverCode: nil)),
            (.reset(""), .unknown(reason: "the connection broke")),
            (.stalled(""), .unknown(reason: "no answer in time")),
            (.truncated(announced: 10, body: "a"), .unknown(reason: "the connection broke")),
            (.stalled("junk\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), .unknown(reason: "the answer is no HTTP")),
        ])
    func creation(answer: StubServer.Answer, expected: S3Creation) throws {
        try patiently(answer) { stall in
            try with({ _, _ in answer }) { stub throws in
                let found = Result { try client(stub, stall: stall).putIfAbsent("key", Array("record".utf8)) }
                guard !stub.requests.isEmpty || stall == .seconds(60) else { return false }
                #expect(try found.get() == expected)
                #expect(stub.requests.count == 1)
                #expect(stub.requests.first?.headers["if-none-match"] == "*")
                #expect(stub.requests.first?.target == "/bucket/p/key")
                #expect(stub.requests.first?.text == "record")
                return true
            }
        }
    }

    @Test("whether it is too late to create is asked once the request has its date, and then nothing is sent")
    func creationTooLate() throws {
        try with({ _, _ in .plain(200) }) { stub throws in
            let events = Mutex<[String]>([])
            let client = try client(
                stub,
                now: {
                    events.withLock { $0.append("dated") }
                    return SystemTime.milliseconds()
                })
            func create(_ isInTime: Bool) throws -> S3Creation {
                try client.putIfAbsent(
                    "key", [1],
                    isInTime: {
                        events.withLock { $0.append("asked") }
                        return isInTime
                    })
            }
            #expect(try create(false) == .tooLate)
            #expect(stub.requests.isEmpty && events.withLock { $0 } == ["dated", "asked"])
            #expect(try create(true) == .created)
            #expect(stub.requests.count == 1)
        }
    }

    @Test("a kept connection that is gone does not make a creation two requests")
    func creationOnOldConnection() throws {
        try with({ request, number in number == 0 ? .plain(200) : .reset("") }) { stub throws in
            let client = try client(stub)
            try client.put("other", [1])
            #expect(try client.putIfAbsent("key", [1]) == .unknown(reason: "the connection broke"))
            #expect(stub.requests.count == 2)
        }
    }

    @Test("a 200 that holds an error is an error")
    func errorInside() throws {
        let parts = [S3Part(number: 1, etag: "\"a\"", byteCount: 5)]
        try with({ _, number in .plain(200, [:], Self.error(number < 1 ? "InternalError" : "EntityTooSmall")) }) {
            stub throws in
            let client = try client(stub)
            let error = try #require(caught { try client.completeUpload("key", uploadID: "u", parts) })
            #expect(error.serverCode == "EntityTooSmall")
            #expect(stub.requests.count == 2)
        }
        try with({ _, _ in .plain(200, [:], "<html><body>Welcome</body></html>") }) { stub throws in
            #expect(caught { _ = try client(stub).list() }?.code == .damaged)
        }
        let answer = """
            <DeleteResult><Deleted><Key>p/a</Key></Deleted><Error><Key>p/b&amp;c</Key><Code>AccessDenied</Code></Error>\
            <Error><Key>p/d</Key><Code>NoSuchKey</Code></Error></DeleteResult>
            """
        try with({ _, _ in .plain(200, [:], answer) }) { stub throws in
            #expect(
                try client(stub).delete(["a", "b&c", "d"]) == [S3DeleteFailure(key: "b&c", serverCode: "AccessDenied")])
            #expect(stub.requests.first?.text.contains("<Key>p/b&amp;c</Key>") == true)
            #expect(stub.requests.first?.headers["content-md5"]?.count == 24)
        }
    }

    @Test("the completion whose answer was lost is found done, by size and digest")
    func lostCompletion() throws {
        let one = Digests.hexadecimal(Digests.md5([1, 2, 3]))
        let whole = Digests.hexadecimal(Digests.md5(Digests.md5([1, 2, 3])))
        let parts = [S3Part(number: 1, etag: "\"\(one)\"", byteCount: 3)]
        func complete(_ head: StubServer.Answer) throws -> S3Error? {
            try with({ request, number in
                if number == 0 { return .reset("") }
                return request.method == "HEAD" ? head : .plain(404, [:], Self.error("NoSuchUpload"))
            }) { stub throws in
                let client = try client(stub)
                return caught { try client.completeUpload("key", uploadID: "u", parts) }
            }
        }
        #expect(try complete(.plain(200, ["Content-Length": "3", "ETag": "\"\(whole)-1\""])) == nil)
        #expect(try complete(.plain(200, ["Content-Length": "3", "ETag": "\"opaque\""])) == nil)
        #expect(
            try complete(.plain(200, ["Content-Length": "3", "ETag": "\"\(one)-1\""]))?.serverCode == "NoSuchUpload")
        #expect(try complete(.plain(200, ["Content-Length": "4"]))?.serverCode == "NoSuchUpload")
        #expect(try complete(.plain(404))?.serverCode == "NoSuchUpload")
        // With the server in doubt to the end, only a digest is proof.
        func doubt(_ etag: String) throws -> S3Error? {
            try with({ request, _ in
                request.method == "HEAD" ? .plain(200, ["Content-Length": "3", "ETag": "\"\(etag)\""]) : .plain(500)
            }) { stub in
                let client = try client(stub)
                return caught { try client.completeUpload("key", uploadID: "u", parts) }
            }
        }
        #expect(try doubt("\(whole)-1") == nil)
        #expect(try doubt("opaque")?.code == .server)
    }

    @Test("a listing that does not end or leads nowhere is an error")
    func endlessListing() throws {
        @Sendable func page(_ token: String) -> String {
            "<ListBucketResult><IsTruncated>true</IsTruncated>\(token)</ListBucketResult>"
        }
        for token in ["", "<NextContinuationToken>same</NextContinuationToken>"] {
            try with({ _, _ in .plain(200, [:], page(token)) }) { stub throws in
                #expect(caught { _ = try client(stub).list() }?.code == .damaged)
            }
        }
    }

    @Test("an object that is replaced while it is read ends the reading")
    func changed() throws {
        let answer: @Sendable (StubServer.Request, Int) -> StubServer.Answer = { request, _ in
            if request.method == "HEAD" { return .plain(200, ["Content-Length": "6", "ETag": "\"one\""]) }
            guard request.headers["if-match"] == "\"one\"" else { return .plain(400) }
            return request.headers["range"] == "bytes=0-3"
                ? .plain(206, [:], "abcd") : .plain(412, [:], Self.error("PreconditionFailed"))
        }
        try with(answer) { stub throws in
            let reader = try client(stub).getStream("key", rangeByteCount: 4)
            var memory = [UInt8](repeating: 0, count: 10)
            #expect(try unsafe memory.withUnsafeMutableBytes { try unsafe reader.read(into: $0) } == 4)
            #expect(
                caught { _ = try unsafe memory.withUnsafeMutableBytes { try unsafe reader.read(into: $0) } }?.code
                    == .changed)
        }
    }

    @Test("headers of encryption go with what creates objects")
    func encryption() throws {
        try with({ _, _ in .plain(200) }) { stub throws in
            let location = try S3Location(
                bucket: "bucket", region: "r", endpoints: [stub.endpoint], encryption: .kms(keyID: "arn:key"))
            let client = S3Client(location, credentials: S3TestServer.credentials)
            try client.put("a", [])
            _ = try client.putIfAbsent("a", [])
            for request in stub.requests {
                #expect(request.headers["x-amz-server-side-encryption"] == "aws:kms")
                #expect(request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:key")
                #expect(request.headers["content-length"] == "0")
                #expect(request.headers["expect"] == nil && request.headers["content-type"] == nil)
            }
        }
    }

    @Test("a secret with a line's end in it is refused, not sent")
    func injection() throws {
        try with({ _, _ in .plain(200) }) { stub throws in
            let bad = FixedCredentials(
                S3Credentials(accessKeyID: "A", secretKey: WipedBytes("s"), sessionToken: WipedBytes("a\r\nX-Y: z")))
            #expect(caught { try client(stub, credentials: bad).put("k", [1]) }?.code == .credentials)
            #expect(stub.requests.isEmpty)
        }
    }
}
