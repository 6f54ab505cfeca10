package import Model

extension S3Location {
    /// As a document says; what it leaves open comes from the environment (see `parse`), as with AWS's own tools.
    ///
    /// - Throws: `.badLocation`, saying which piece cannot be.
    package init(
        bucket: String, prefix: String = "", connection: S3ConnectionSpec, encryption: Encryption = .none,
        environment: [String: String]
    ) throws(S3Error) {
        let usual = try Self.parse("s3://\(bucket)/\(prefix)", environment: environment)
        try self.init(
            bucket: bucket, prefix: prefix, region: connection.region ?? usual.region,
            endpoints: connection.endpoints.isEmpty ? usual.endpoints : connection.endpoints,
            usesPathStyle: connection.usesPathStyle, authorityFile: connection.certificateFile ?? usual.authorityFile,
            encryption: encryption)
    }
}
