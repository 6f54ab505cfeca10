internal import Model
internal import Secrets

/// The address that a container's surroundings name (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`), with the
/// authorization that they give (`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `…_TOKEN`).
struct ContainerCredentials: CredentialsSource {
    let settings: Settings
    let transport: HTTPTransport

    func load() throws(S3Error) -> S3Credentials? {
        guard let url = try url() else { return nil }
        var headers: [(String, String)] = []
        if let file = settings["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            headers = [("Authorization", try SmallFile.word(file, what: "the container's authorization token"))]
        } else if let token = settings["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            guard !token.utf8.contains(where: { $0 < 0x20 }) else {
                throw S3Error(
                    .credentials, action: "credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN has several lines")
            }
            headers = [("Authorization", token)]
        }
        let question = SmallQuestion(action: "container credentials", url: url, headers: headers, avoidsProxies: true)
        let answer = try question.ask(transport)
        guard answer.status == 200 else { throw question.refusal(answer) }
        return try RoleDocument.credentials(answer.body, action: question.action)
    }

    private func url() throws(S3Error) -> String? {
        if let path = settings["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else { throw Self.badAddress }
            return "http://169.254.170.2\(path)"
        }
        guard let url = settings["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
        guard let (host, rest) = EndpointText.split(url), rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?")
        else {
            throw Self.badAddress
        }
        // In the clear only to this machine and the two well-known addresses: the answer is a secret.
        guard host.scheme == "https" || Self.isNear(host.text) else { throw Self.badAddress }
        return "\(host.scheme)://\(host.text)\(rest)"
    }

    private static func isNear(_ host: String) -> Bool {
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        let isLoopback = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
        return isLoopback || ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(name)
    }

    private static let badAddress = S3Error(
        .credentials, action: "credentials",
        "AWS_CONTAINER_CREDENTIALS_…_URI is no https:// address and no http:// address of this machine")
}

/// The JSON that container and instance answer with.
enum RoleDocument {
    static func credentials(_ body: [UInt8], action: String) throws(S3Error) -> S3Credentials {
        guard let json = try? JSON.parse(body), let identifier = json["AccessKeyId"]?.text, !identifier.isEmpty,
            let secret = json["SecretAccessKey"]?.text, !secret.isEmpty
        else { throw S3Error(.damaged, action: action, "the answer holds no credentials") }
        let end = json["Expiration"]?.text
        let expiresAt = end.flatMap { Dates.milliseconds(iso: $0) }
        guard end == nil || expiresAt != nil else {
            throw S3Error(.damaged, action: action, "the answer's credentials expire at no time that can be read")
        }
        return S3Credentials(
            accessKeyID: identifier, secretKey: WipedBytes(secret),
            sessionToken: json["Token"]?.text.map { WipedBytes($0) }, expiresAt: expiresAt)
    }
}
