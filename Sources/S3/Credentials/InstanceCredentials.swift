/// The role of a virtual machine, from its metadata service, version 2 alone (a token first).
///
/// `AWS_EC2_METADATA_SERVICE_ENDPOINT` names another address, `AWS_EC2_METADATA_DISABLED=true` leaves it alone. No answer
/// within a second means that this is no such machine.
struct InstanceCredentials: CredentialsSource {
    let settings: Settings
    let transport: HTTPTransport

    func load() throws(S3Error) -> S3Credentials? {
        if settings["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" { return nil }
        let endpoint = settings["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        guard let host = EndpointText.host(of: endpoint) else {
            throw S3Error(
                .credentials, action: "credentials",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http:// or https:// address")
        }
        let root = "\(host.scheme)://\(host.text)/latest"
        let token: HTTPAnswer
        do throws(S3Error) {
            token = try SmallQuestion(
                action: "instance credentials", method: "PUT", url: "\(root)/api/token",
                headers: [("X-aws-ec2-metadata-token-ttl-seconds", "21600")], body: [], avoidsProxies: true, tries: 1
            ).ask(transport)
        } catch {
            // Not on such a machine, unless somebody says that we are.
            if settings["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == nil { return nil }
            throw error
        }
        let word = String(decoding: token.body, as: UTF8.self)
        guard token.status == 200, !word.isEmpty, word.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        let folder = "\(root)/meta-data/iam/security-credentials/"
        guard let names = try get(folder, token: word) else { return nil }
        let role = String(decoding: names.prefix { $0 != 0x0a && $0 != 0x0d }, as: UTF8.self)
        guard !role.isEmpty, let document = try get(folder + URLText.encoded(role), token: word) else { return nil }
        return try RoleDocument.credentials(document, action: "instance credentials")
    }

    /// nil: the machine has no role.
    private func get(_ url: String, token: String) throws(S3Error) -> [UInt8]? {
        let question = SmallQuestion(
            action: "instance credentials", url: url, headers: [("X-aws-ec2-metadata-token", token)],
            avoidsProxies: true)
        let answer = try question.ask(transport)
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw question.refusal(answer) }
        return answer.body
    }
}
