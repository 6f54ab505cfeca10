/// `s3://bucket/key`: an object, or several where the key is a pattern. The bucket is a name, never a pattern.
package struct S3Path: Sendable, Equatable, CustomStringConvertible {
    package static let scheme = "s3://"

    package let bucket: String
    /// Without the slash that ends the bucket; empty where the text has none.
    package let key: String

    package init(bucket: String, key: String) {
        self.bucket = bucket
        self.key = key
    }

    /// nil: a text that does not begin with `s3://`. Whether the bucket can be one is not looked at.
    ///
    /// By bytes: a combining character after a slash would be one character with it.
    package init?(_ text: String) {
        guard text.utf8.starts(with: Self.scheme.utf8) else { return nil }
        let rest = text.utf8.dropFirst(Self.scheme.utf8.count)
        let bucket = rest.prefix { $0 != UInt8(ascii: "/") }
        self.bucket = String(decoding: bucket, as: UTF8.self)
        key = String(decoding: rest.dropFirst(bucket.count + 1), as: UTF8.self)
    }

    package var description: String { "\(Self.scheme)\(bucket)/\(key)" }
}

/// How the servers of a bucket are reached. What is nil or empty is taken from the environment, as AWS's own tools do;
/// credentials always are.
package struct S3ConnectionSpec: Sendable, Codable, Equatable {
    /// All of them lead to the same bucket; requests use the first, the probe of a target uses each.
    package var endpoints: [String] = []
    package var region: String?
    package var usesPathStyle: Bool?
    /// PEM file of the authorities that the endpoint's certificate is checked against; absolute.
    package var certificateFile: String?

    package init(
        endpoints: [String] = [], region: String? = nil, usesPathStyle: Bool? = nil, certificateFile: String? = nil
    ) {
        self.endpoints = endpoints
        self.region = region
        self.usesPathStyle = usesPathStyle
        self.certificateFile = certificateFile
    }
}
