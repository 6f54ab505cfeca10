internal import Secrets

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`.
struct EnvironmentCredentials: CredentialsSource {
    let settings: Settings

    func load() throws(S3Error) -> S3Credentials? {
        guard let identifier = settings["AWS_ACCESS_KEY_ID"] else { return nil }
        guard let secret = settings["AWS_SECRET_ACCESS_KEY"] else {
            throw S3Error(
                .credentials, action: "credentials", "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")
        }
        return S3Credentials(
            accessKeyID: identifier, secretKey: WipedBytes(secret),
            sessionToken: settings["AWS_SESSION_TOKEN"].map { WipedBytes($0) })
    }
}
