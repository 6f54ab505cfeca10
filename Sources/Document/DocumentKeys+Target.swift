/// The keys of `target` and of what stands in it.
extension DocumentSection {
    static let targetKeys = [
        DocumentKey(
            "directory", "a path", standard: "one of directory, s3, postgres is needed",
            example: "directory: ./modules", "the store; a relative one starts from the document's folder"),
        DocumentKey(
            "s3", "a mapping", standard: "one of directory, s3, postgres is needed",
            example: "s3: {bucket: data, prefix: modules}", "the store: a bucket"),
        DocumentKey(
            "postgres", "a mapping", standard: "one of directory, s3, postgres is needed",
            example: "postgres: {url: \"${env:TARGET_URL}\"}", "the store: a database"),
        DocumentKey(
            "compression", "one of lz4, zstd, none", standard: "lz4", example: "compression: zstd",
            "of the published Parquet files"),
        DocumentKey(
            "iceberg", "true or false", standard: "false", example: "iceberg: true",
            "Iceberg metadata too; it holds absolute paths, so a moved or copied version cannot be read by it"),
        DocumentKey(
            "sign", "a path", standard: "versions are not signed", example: "sign: publisher.ed25519",
            "OpenSSH's private key that signs each version; on a cluster the coordinator's own is used"),
    ]

    static let s3TargetKeys =
        [
            DocumentKey(
                "bucket", "a text", isRequired: true, example: "bucket: data", "an existing bucket, versioning off"),
            DocumentKey(
                "prefix", "a text", standard: "the bucket's root", example: "prefix: modules", "before every key"),
        ] + s3ConnectionKeys + [
            DocumentKey(
                "encryption", "none, s3 or a key's id", standard: "none", example: "encryption: s3",
                "at rest: by the store's keys, or by a key of its key service"),
            DocumentKey(
                "claims", "a connection", standard: "the bucket decides", example: "claims: \"${env:CLAIMS_URL}\"",
                "a PostgreSQL database that decides which version is next, for a bucket without conditional writes"),
            unverifiedKey,
        ]

    /// Wherever a database is named.
    static let unverifiedKey = DocumentKey(
        "allow_unverified_tls", "true or false", standard: "false", example: "allow_unverified_tls: true",
        "take a server elsewhere without `sslmode=verify-full`; loopback and sockets need no word")

    /// Of a source in S3 too.
    static let s3ConnectionKeys = [
        DocumentKey(
            "endpoint", "a URL or a list of URLs", standard: "`AWS_ENDPOINT_URL_S3`, else AWS",
            example: "endpoint: https://s3.hospital.example", "where the bucket is served, when it is not AWS"),
        DocumentKey(
            "region", "a text", standard: "`AWS_REGION`, else us-east-1", example: "region: eu-central-1",
            "the bucket's region"),
        DocumentKey(
            "path_style", "true or false", standard: "true with an endpoint", example: "path_style: false",
            "the bucket in the path, not in the host's name"),
        DocumentKey(
            "certificates", "a path", standard: "the system's", example: "certificates: ca.pem",
            "PEM file of the authorities that vouch for the endpoint"),
    ]

    static let postgresTargetKeys = [
        DocumentKey(
            "url", "a connection", isRequired: true, example: "url: \"${env:TARGET_URL}\"",
            "the database, as a role that may create schemas"),
        unverifiedKey,
        DocumentKey(
            "readers", "a text or a list of texts", example: "readers: [analysts]",
            "roles that may read what is published"),
        DocumentKey(
            "tables", "a mapping of tables to promises", example: "tables: {patients: {primary_key: id}}",
            "keys, indexes and references; checked before the version appears"),
    ]

    static let targetTableKeys = [
        DocumentKey("primary_key", "a text or a list of texts", example: "primary_key: id", "published columns"),
        DocumentKey(
            "unique", "a list of columns or of lists of columns", example: "unique: [[site, number]]",
            "columns whose values together occur once"),
        DocumentKey(
            "indexes", "a list of columns or of lists of columns", example: "indexes: [visited_on]",
            "for readers' speed"),
        DocumentKey(
            "references", "a mapping of columns to table.column", example: "references: {patient: patients.id}",
            "values that are found in a unique column of another table"),
    ]
}
