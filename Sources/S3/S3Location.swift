/// Where objects lie: a bucket, a prefix in it, and how its servers are reached. It holds no secret.
package struct S3Location: Sendable, Equatable, CustomStringConvertible {
    package enum Encryption: Sendable, Equatable {
        /// Whatever the bucket does by itself.
        case none
        /// SSE-S3: AES-256 with the store's keys.
        case s3
        /// SSE-KMS with this key, or the account's own key for S3 when nil.
        case kms(keyID: String?)
    }

    package let bucket: String
    /// Without slashes at the ends; empty for the whole bucket. Every key of a client is below it.
    package let prefix: String
    package let region: String
    /// `http://` or `https://`, host, and port if it is not the usual one. Empty: AWS's own for the region.
    /// Requests go to the first; the others are further ways to the same objects.
    package let endpoints: [String]
    /// `https://host/bucket/key`, not `https://bucket.host/key`.
    package let usesPathStyle: Bool
    /// A file of certificates (PEM) to trust instead of the system's.
    package let authorityFile: String?
    package let encryption: Encryption

    /// - Parameter usesPathStyle: nil means with endpoints of one's own, and for a bucket with a dot in its name.
    /// - Throws: `.badLocation`, saying which piece cannot be.
    package init(
        bucket: String, prefix: String = "", region: String, endpoints: [String] = [], usesPathStyle: Bool? = nil,
        authorityFile: String? = nil, encryption: Encryption = .none
    ) throws(S3Error) {
        let bucketBytes = Array(bucket.utf8)
        // Older and foreign stores take capitals and underscores; what matters is that it stays one piece of a URL.
        guard (3...255).contains(bucketBytes.count), bucketBytes.allSatisfy(Self.isNameByte), bucketBytes[0] != 0x2e
        else {
            throw Self.bad("a bucket's name is 3 to 255 letters, digits, dots, dashes and underscores")
        }
        guard !region.isEmpty, region.utf8.allSatisfy(Self.isNameByte) else {
            throw Self.bad("a region is a word such as eu-central-1")
        }
        self.bucket = bucket
        self.prefix = try Self.trimmed(prefix)
        self.region = region
        var checked: [String] = []
        for endpoint in endpoints { checked.append(try Self.checked(endpoint)) }
        self.endpoints = checked
        self.usesPathStyle = usesPathStyle ?? (!endpoints.isEmpty || bucket.contains("."))
        self.authorityFile = authorityFile
        self.encryption = encryption
    }

    /// From `s3://bucket/prefix` and AWS's usual variables: `AWS_REGION` or `AWS_DEFAULT_REGION` (us-east-1 without),
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_CA_BUNDLE`.
    package static func parse(_ url: String, environment: [String: String], encryption: Encryption = .none)
        throws(S3Error) -> S3Location
    {
        guard url.hasPrefix("s3://") else { throw bad("a location is written s3://bucket/prefix") }
        let rest = url.dropFirst(5)
        guard !rest.contains(where: { $0 == "?" || $0 == "#" || $0 == "@" }) else {
            throw bad("a location is written s3://bucket/prefix, without user, query or fragment")
        }
        let bucket = rest.prefix { $0 != "/" }
        func first(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }
        return try S3Location(
            bucket: String(bucket), prefix: String(rest.dropFirst(bucket.count)),
            region: first("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1",
            endpoints: first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL").map { [$0] } ?? [],
            authorityFile: first("AWS_CA_BUNDLE"), encryption: encryption)
    }

    /// The same objects by each of the endpoints alone.
    package var throughEachEndpoint: [S3Location] {
        endpoints.isEmpty ? [self] : endpoints.map { S3Location(self, endpoints: [$0], prefix: prefix) }
    }

    /// A place below this one.
    package func appending(_ path: String) throws(S3Error) -> S3Location {
        S3Location(self, endpoints: endpoints, prefix: try Self.trimmed(prefix.isEmpty ? path : "\(prefix)/\(path)"))
    }

    package var description: String { prefix.isEmpty ? "s3://\(bucket)" : "s3://\(bucket)/\(prefix)" }

    private init(_ other: S3Location, endpoints: [String], prefix: String) {
        bucket = other.bucket
        self.prefix = prefix
        region = other.region
        self.endpoints = endpoints
        usesPathStyle = other.usesPathStyle
        authorityFile = other.authorityFile
        encryption = other.encryption
    }

    private static func trimmed(_ prefix: String) throws(S3Error) -> String {
        let pieces = prefix.split(separator: "/", omittingEmptySubsequences: true)
        guard pieces.allSatisfy({ $0 != "." && $0 != ".." }), prefix.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
        else {
            throw bad("a prefix has no dot segments and no control characters")
        }
        guard prefix.utf8.count <= 512 else { throw bad("a prefix has at most 512 bytes") }
        return pieces.joined(separator: "/")
    }

    private static func checked(_ endpoint: String) throws(S3Error) -> String {
        guard let host = EndpointText.host(of: endpoint) else {
            throw bad("an endpoint is written https://host or https://host:port, without user and path")
        }
        return host.scheme + "://" + host.text
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || [0x2d, 0x2e, 0x5f].contains(byte)
    }

    private static func bad(_ detail: String) -> S3Error { S3Error(.badLocation, action: "location", detail) }
}

/// The pieces of `scheme://host:port`.
enum EndpointText {
    struct Host: Equatable {
        let scheme: String
        /// With the port if it is not the scheme's own: what a `Host` header says.
        let text: String
    }

    /// nil: another scheme, a user, a path beyond a slash, or bytes that no host has.
    static func host(of url: String) -> Host? {
        guard let (host, rest) = split(url), rest.isEmpty || rest == "/" else { return nil }
        return host
    }

    /// Host and all from the path on.
    static func split(_ url: String) -> (host: Host, rest: String)? {
        for scheme in ["https", "http"] where url.lowercased().hasPrefix("\(scheme)://") {
            let after = url.dropFirst(scheme.count + 3)
            let authority = after.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            let isPlain = authority.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
                    || [0x2d, 0x2e, 0x5f, 0x3a].contains(byte) || byte == 0x5b || byte == 0x5d
            }
            guard !authority.isEmpty, isPlain else { return nil }
            let ownPort = scheme == "https" ? ":443" : ":80"
            let text = authority.hasSuffix(ownPort) ? authority.dropLast(ownPort.count) : authority
            return (Host(scheme: scheme, text: text.lowercased()), String(after.dropFirst(authority.count)))
        }
        return nil
    }
}

extension S3Location {
    /// The URL's front, the signed host and the encoded path of a key (the bucket itself for nil).
    func address(fullKey: String?) -> (base: String, host: String, path: String) {
        let server: EndpointText.Host
        if let endpoint = endpoints.first, let host = EndpointText.host(of: endpoint) {
            server = host
        } else {
            let top = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
            server = EndpointText.Host(scheme: "https", text: "s3.\(region).\(top)")
        }
        let key = fullKey.map { URLText.path($0) } ?? ""
        if usesPathStyle {
            return (
                "\(server.scheme)://\(server.text)", server.text,
                fullKey == nil ? "/\(bucket)" : "/\(bucket)/\(key)"
            )
        }
        let host = "\(bucket).\(server.text)"
        return ("\(server.scheme)://\(host)", host, "/\(key)")
    }

    /// A key of the bucket from one that is relative to the prefix.
    func fullKey(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

    /// The part of a bucket's key that is below the prefix.
    ///
    /// By bytes: a combining character after the slash would be one character with it.
    func relativeKey(_ key: String) -> String {
        String(decoding: key.utf8.dropFirst(prefix.isEmpty ? 0 : prefix.utf8.count + 1), as: UTF8.self)
    }
}
