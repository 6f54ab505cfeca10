internal import Secrets

/// The profile `AWS_PROFILE` (`default` without) of `~/.aws/credentials` and `~/.aws/config`, or of the files that
/// `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name. What the first holds wins.
///
/// A profile holds a key, or a role with a web identity token. Programs, single sign-on and roles by other profiles are
/// not supported: such a profile is an error that says so.
struct SharedFileCredentials: CredentialsSource {
    let settings: Settings
    let service: TokenService

    func load() throws(S3Error) -> S3Credentials? {
        let name = settings["AWS_PROFILE"] ?? "default"
        var profile: [String: String] = [:]
        var isThere = false
        for (file, section) in files(name) {
            guard let bytes = try SmallFile.read(file), let found = ProfileText.section(section, of: bytes) else {
                continue
            }
            isThere = true
            profile.merge(found) { old, _ in old }
        }
        guard isThere else {
            if settings["AWS_PROFILE"] == nil { return nil }
            throw Self.error("the profile \(name) is in neither of the shared files")
        }
        if let identifier = profile["aws_access_key_id"] {
            guard let secret = profile["aws_secret_access_key"] else {
                throw Self.error("the profile \(name) has a key id without a secret key")
            }
            return S3Credentials(
                accessKeyID: identifier, secretKey: WipedBytes(secret),
                sessionToken: profile["aws_session_token"].map { WipedBytes($0) })
        }
        if let role = profile["role_arn"], let file = profile["web_identity_token_file"] {
            return try service.assume(role: role, tokenFile: file, session: profile["role_session_name"])
        }
        for word in ["credential_process", "sso_session", "sso_start_url", "source_profile", "credential_source"]
        where profile[word] != nil {
            throw Self.error(
                "the profile \(name) uses \(word), which is not supported: put credentials into the environment instead"
            )
        }
        if settings["AWS_PROFILE"] == nil { return nil }
        throw Self.error("the profile \(name) holds no credentials")
    }

    /// The files with what the profile's section is called in each.
    private func files(_ name: String) -> [(file: String, section: String)] {
        func path(_ variable: String, _ usual: String) -> String? {
            let home = settings["HOME"]
            guard let path = settings[variable] else { return home.map { "\($0)/.aws/\(usual)" } }
            guard path.hasPrefix("~/"), let home else { return path }
            return home + path.dropFirst()
        }
        return [
            (path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name),
            (path("AWS_CONFIG_FILE", "config"), name == "default" ? "default" : "profile \(name)"),
        ].compactMap { file, section in file.map { ($0, section) } }
    }

    private static func error(_ detail: String) -> S3Error { S3Error(.credentials, action: "credentials", detail) }
}

/// Sections `[name]` of lines `word = value`; `#` and `;` begin a comment; indented lines belong to the line before.
enum ProfileText {
    /// nil: there is no such section. Words are in lower case; the first of several wins.
    static func section(_ wanted: String, of bytes: [UInt8]) -> [String: String]? {
        var found: [String: String]?
        var isInside = false
        for line in bytes.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            let first = line[line.startIndex]
            if first == UInt8(ascii: "#") || first == UInt8(ascii: ";") || first == 0x20 || first == 0x09 { continue }
            let text = String(decoding: line, as: UTF8.self)
            if first == UInt8(ascii: "[") {
                let name = text.dropFirst().prefix { $0 != "]" }.split { $0 == " " || $0 == "\t" }.joined(
                    separator: " ")
                isInside = name == wanted
                if isInside { found = found ?? [:] }
            } else if isInside, let sign = text.firstIndex(of: "=") {
                let word = trimmed(text[..<sign]).lowercased()
                let value = trimmed(text[text.index(after: sign)...])
                if !value.isEmpty, found?[word] == nil { found?[word] = value }
            }
        }
        return found
    }

    /// Without space around it and without a comment behind it.
    private static func trimmed(_ text: Substring) -> String {
        var text = text
        for comment in [" #", " ;", "\t#", "\t;"] {
            if let range = text.firstRange(of: comment) { text = text[..<range.lowerBound] }
        }
        text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
