/// Where a module is published, and how.
package struct TargetSpec: Sendable {
    package enum Codec: String, Sendable, Codable, CaseIterable { case lz4, zstd, none }

    package enum Place: Sendable {
        /// A folder, absolute.
        case directory(String)
        case s3(S3TargetSpec)
        case postgres(PostgresTargetSpec)
    }

    package let place: Place
    package let position: Position
    package let codec: Codec
    /// Whether Iceberg metadata is written too. It holds absolute paths.
    package let iceberg: Bool
    /// The private key that signs versions, absolute; nil: they are not signed. A cluster's coordinator has its own.
    package let signingKeyFile: Secret?

    package init(
        _ place: Place, position: Position, codec: Codec = .lz4, iceberg: Bool = false, signingKeyFile: Secret? = nil
    ) {
        self.place = place
        self.position = position
        self.codec = codec
        self.iceberg = iceberg
        self.signingKeyFile = signingKeyFile
    }
}

/// A bucket.
package struct S3TargetSpec: Sendable, Equatable {
    package enum Encryption: Sendable, Equatable {
        case none
        /// With the store's own keys (SSE-S3).
        case store
        /// With a key of the key service, by its id (SSE-KMS).
        case key(String)
    }

    package let bucket: String
    /// Without `/` at its ends; empty for the bucket's root.
    package let prefix: String
    package let connection: S3ConnectionSpec
    package let encryption: Encryption
    /// For a bucket that cannot create a name only if it is free: versions are claimed in this database.
    package let claims: Secret?
    /// The document takes a server of `claims` whose certificate and name nobody checks.
    package let allowsUnverifiedTLS: Bool

    package init(
        bucket: String, prefix: String = "", connection: S3ConnectionSpec = S3ConnectionSpec(),
        encryption: Encryption = .none, claims: Secret? = nil, allowsUnverifiedTLS: Bool = false
    ) {
        self.bucket = bucket
        self.prefix = prefix
        self.connection = connection
        self.encryption = encryption
        self.claims = claims
        self.allowsUnverifiedTLS = allowsUnverifiedTLS
    }

    package static func == (a: S3TargetSpec, b: S3TargetSpec) -> Bool {
        a.bucket == b.bucket && a.prefix == b.prefix && a.connection == b.connection && a.encryption == b.encryption
    }
}

/// A database. Each version is a schema of its own.
package struct PostgresTargetSpec: Sendable {
    /// What a published table promises; checked before the version is committed. Names are those of published columns.
    package struct TableSpec: Sendable, Equatable {
        package let table: String
        package let position: Position
        package let primaryKey: [String]
        package let unique: [[String]]
        package let indexes: [[String]]
        package let references: [Reference]

        package init(
            table: String, position: Position, primaryKey: [String] = [], unique: [[String]] = [],
            indexes: [[String]] = [], references: [Reference] = []
        ) {
            self.table = table
            self.position = position
            self.primaryKey = primaryKey
            self.unique = unique
            self.indexes = indexes
            self.references = references
        }
    }

    /// A column whose values are found in a column of another published table.
    package struct Reference: Sendable, Equatable {
        package let column: String
        package let table: String
        package let target: String

        package init(column: String, table: String, target: String) {
            self.column = column
            self.table = table
            self.target = target
        }
    }

    package let url: Secret
    /// Roles that may read what is published.
    package let readers: [String]
    package let tables: [TableSpec]
    /// The document takes a server whose certificate and name nobody checks.
    package let allowsUnverifiedTLS: Bool

    package init(
        url: Secret, readers: [String] = [], tables: [TableSpec] = [], allowsUnverifiedTLS: Bool = false
    ) {
        self.url = url
        self.readers = readers
        self.tables = tables
        self.allowsUnverifiedTLS = allowsUnverifiedTLS
    }
}
