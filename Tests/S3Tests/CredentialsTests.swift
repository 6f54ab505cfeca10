import Foundation
import Secrets
import Synchronization
import Testing

@testable import S3

@Suite("credentials")
struct CredentialsTests {
    /// A folder with these files, as long as the test.
    private func withFiles<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-s3-\(UUID().uuidString)")
        for (name, text) in files {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }

    /// No machine's metadata unless a test says so.
    private func chain(_ environment: [String: String], now: @escaping @Sendable () -> Int64 = { 0 })
        -> CredentialsChain
    {
        CredentialsChain(
            environment: environment.merging(["AWS_EC2_METADATA_DISABLED": "true"]) { old, _ in old },
            region: "eu-west-1",
            now: now)
    }

    private func message(_ environment: [String: String]) -> String {
        do {
            return "\(try chain(environment).current())"
        } catch {
            return error.code == .credentials ? error.description : "another code"
        }
    }

    private func shown(_ credentials: S3Credentials) -> [String?] {
        [credentials.accessKeyID, credentials.secretKey.reveal(), credentials.sessionToken?.reveal()]
    }

    @Test("come from the environment first")
    func environment() throws {
        let variables = [
            "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T", "AWS_PROFILE": "p",
        ]
        #expect(try shown(chain(variables).current()) == ["A", "S", "T"])
        #expect(message(["AWS_ACCESS_KEY_ID": "A"]).contains("AWS_SECRET_ACCESS_KEY is not"))
        #expect(message([:]).contains("none found"))
    }

    @Test("come from a profile of the shared files")
    func profiles() throws {
        let files = [
            ".aws/credentials": """
            # a comment
            [default]
            aws_access_key_id=D
            aws_secret_access_key = DS   # behind
            [ work ]
            AWS_ACCESS_KEY_ID = W
            aws_secret_access_key = WS
            s3 =
              aws_access_key_id = nested
            [half]
            aws_access_key_id = H
            [bare]
            region = x
            """,
            ".aws/config": """
            [profile work]
            aws_access_key_id = other
            aws_session_token = WT
            [profile program]
            credential_process = /bin/secret-tool --password x
            [profile single]
            sso_session = y
            """,
        ]
        try withFiles(files) { home throws in
            #expect(try shown(chain(["HOME": home]).current()) == ["D", "DS", nil])
            #expect(try shown(chain(["HOME": home, "AWS_PROFILE": "work"]).current()) == ["W", "WS", "WT"])
            let elsewhere = [
                "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "/absent", "HOME": home,
            ]
            #expect(try shown(chain(elsewhere).current()) == ["D", "DS", nil])
            let program = message(["HOME": home, "AWS_PROFILE": "program"])
            #expect(program.contains("credential_process") && !program.contains("secret-tool"))
            #expect(message(["HOME": home, "AWS_PROFILE": "single"]).contains("sso_session"))
            #expect(message(["HOME": home, "AWS_PROFILE": "absent"]).contains("in neither"))
            #expect(message(["HOME": home, "AWS_PROFILE": "half"]).contains("without a secret key"))
            #expect(message(["HOME": home, "AWS_PROFILE": "bare"]).contains("holds no credentials"))
        }
    }

    private static func role(_ number: Int, end: String) -> String {
        "{\"Code\":\"Success\",\"AccessKeyId\":\"K\(number)\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"\(end)\"}"
    }

    @Test("come from STS for a token in a file, read anew each time")
    func webIdentity() throws {
        let stub = StubServer { request, number in
            if number == 0 { return .plain(503) }
            guard request.method == "POST", request.target == "/", request.text.contains("WebIdentityToken=to.ken%2F1"),
                request.text.contains("Action=AssumeRoleWithWebIdentity"),
                request.text.contains("RoleArn=arn%3Aaws%3Arole")
            else {
                return .plain(
                    400, [:],
                    "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>x</Message></Error></ErrorResponse>"
                )
            }
            return .plain(
                200, [:],
                """
                <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>K</AccessKeyId><SecretAccessKey>S</SecretAccessKey>
                <SessionToken>T</SessionToken><Expiration>1970-01-01T01:00:00Z</Expiration></Credentials>
                </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
                """)
        }
        defer { stub.stop() }
        try withFiles([
            "token": "to.ken/1\n", "bad": "other",
            "config": "[default]\nrole_arn = arn:aws:role\nweb_identity_token_file = X",
        ]) {
            folder throws in
            var variables = [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "\(folder)/token", "AWS_ROLE_ARN": "arn:aws:role",
                "AWS_ENDPOINT_URL_STS": stub.endpoint,
            ]
            let credentials = try chain(variables).current()
            #expect(shown(credentials) == ["K", "S", "T"] && credentials.expiresAt == 3_600_000)
            #expect(stub.requests.count == 2)
            variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "\(folder)/bad"
            let refused = message(variables)
            #expect(refused.contains("InvalidIdentityToken") && !refused.contains("other"))
            variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "\(folder)/absent"
            #expect(message(variables).contains("not there"))
            variables["AWS_ROLE_ARN"] = nil
            #expect(message(variables).contains("AWS_ROLE_ARN is not"))
        }
    }

    @Test("come from the container's address, with its token")
    func container() throws {
        let stub = StubServer { request, number in
            guard request.target == "/creds?x=1", request.headers["authorization"] == "Bearer word" else {
                return .plain(401)
            }
            return .plain(200, [:], Self.role(1, end: "2100-01-01T00:00:00Z"))
        }
        defer { stub.stop() }
        try withFiles(["auth": "Bearer word\n"]) { folder throws in
            var variables = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(stub.endpoint)/creds?x=1"]
            #expect(message(variables).contains("HTTP 401"))
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Bearer word"
            #expect(try shown(chain(variables).current()) == ["K1", "S", "T"])
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "stale"
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "\(folder)/auth"
            #expect(try shown(chain(variables).current()) == ["K1", "S", "T"])
        }
        for address in [
            "http://example.org/creds", "http://127.0.0.1.example.org/", "http://169.254.170.2@evil/", "file:///etc/x",
        ] {
            #expect(
                message(["AWS_CONTAINER_CREDENTIALS_FULL_URI": address]).contains("no http:// address of this machine"))
        }
    }

    @Test("come from the machine's metadata, by a token first")
    func instance() throws {
        let stub = StubServer { request, _ in
            if request.method == "PUT", request.target == "/latest/api/token" {
                return request.headers["x-aws-ec2-metadata-token-ttl-seconds"] == nil
                    ? .plain(400) : .plain(200, [:], "word")
            }
            guard request.headers["x-aws-ec2-metadata-token"] == "word" else { return .plain(401) }
            switch request.target {
            case "/latest/meta-data/iam/security-credentials/": return .plain(200, [:], "my-role")
            case "/latest/meta-data/iam/security-credentials/my-role":
                return .plain(200, [:], Self.role(1, end: "2100-01-01T00:00:00Z"))
            default: return .plain(404)
            }
        }
        defer { stub.stop() }
        let variables = [
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "\(stub.endpoint)/", "AWS_EC2_METADATA_DISABLED": "false",
        ]
        #expect(try shown(chain(variables).current()) == ["K1", "S", "T"])
        let silent = StubServer { _, _ in .stalled("") }
        defer { silent.stop() }
        let start = ContinuousClock.now
        #expect(throws: S3Error.self) {
            try chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": silent.endpoint, "AWS_EC2_METADATA_DISABLED": ""]).current()
        }
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test("are kept, renewed before they end, and outlive a source that fails meanwhile")
    func renewal() throws {
        let isUp = Mutex(true)
        let stub = StubServer { _, number in
            isUp.withLock { $0 }
                ? .plain(200, [:], Self.role(number, end: "1970-01-01T0\(number + 1):00:00Z")) : .plain(404)
        }
        defer { stub.stop() }
        let minutes = Mutex<Int64>(0)
        let chain = chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": stub.endpoint]) { minutes.withLock { $0 } * 60_000 }
        #expect(try chain.current().accessKeyID == "K0")
        minutes.withLock { $0 = 54 }
        #expect(try chain.current().accessKeyID == "K0")
        minutes.withLock { $0 = 56 }
        isUp.withLock { $0 = false }
        #expect(try chain.current().accessKeyID == "K0")
        minutes.withLock { $0 = 61 }
        #expect(throws: S3Error.self) { try chain.current() }
        isUp.withLock { $0 = true }
        let third = try chain.current()
        #expect(third.accessKeyID == "K\(stub.requests.count - 1)")
        let asked = stub.requests.count
        #expect(try chain.replacement(for: third).accessKeyID == "K\(asked)")
        // Whoever comes late with the same refused ones gets those that are there.
        #expect(try chain.replacement(for: third).accessKeyID == "K\(asked)")
        #expect(stub.requests.count == asked + 1)
        let fixed = self.chain(["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"])
        let same = try fixed.current()
        #expect(throws: S3Error.self) { try fixed.replacement(for: same) }
    }
}
