internal import Secrets

/// A token in a file (`AWS_WEB_IDENTITY_TOKEN_FILE`), which STS turns into credentials of `AWS_ROLE_ARN`.
struct WebIdentityCredentials: CredentialsSource {
    let settings: Settings
    let service: TokenService

    func load() throws(S3Error) -> S3Credentials? {
        guard let file = settings["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
        guard let role = settings["AWS_ROLE_ARN"] else {
            throw S3Error(
                .credentials, action: "credentials", "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not")
        }
        return try service.assume(role: role, tokenFile: file, session: settings["AWS_ROLE_SESSION_NAME"])
    }
}

/// STS, for the one question that needs no signature: AssumeRoleWithWebIdentity.
struct TokenService: Sendable {
    let settings: Settings
    let region: String
    let transport: HTTPTransport

    func assume(role: String, tokenFile: String, session: String?) throws(S3Error) -> S3Credentials {
        // Read each time: whoever runs the pod replaces the file before its token expires.
        let token = try SmallFile.word(tokenFile, what: "the web identity token")
        let form = URLText.query([
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session ?? "etl-express"), ("WebIdentityToken", token),
        ])
        var url = settings["AWS_ENDPOINT_URL_STS"] ?? settings["AWS_ENDPOINT_URL"]
        if url == nil { url = "https://sts.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")" }
        guard let host = url.flatMap({ EndpointText.host(of: $0) }) else {
            throw S3Error(.badLocation, action: "assume role", "AWS_ENDPOINT_URL_STS is no http:// or https:// address")
        }
        let question = SmallQuestion(
            action: "assume role", method: "POST", url: "\(host.scheme)://\(host.text)/",
            headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(form.utf8))
        let answer = try question.ask(transport)
        guard answer.status == 200 else { throw question.refusal(answer) }
        guard let root = try? XMLScanner.root(of: answer.body),
            let found = root["AssumeRoleWithWebIdentityResult"]?["Credentials"],
            let identifier = found.text("AccessKeyId"), !identifier.isEmpty, let secret = found.text("SecretAccessKey"),
            let session = found.text("SessionToken"),
            let end = found.text("Expiration").flatMap({ Dates.milliseconds(iso: $0) })
        else { throw S3Error(.damaged, action: "assume role", "the answer holds no credentials") }
        return S3Credentials(
            accessKeyID: identifier, secretKey: WipedBytes(secret), sessionToken: WipedBytes(session), expiresAt: end)
    }
}
