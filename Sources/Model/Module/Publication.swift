/// What a version will be called and hang on to, fixed before its files are described. The commit record repeats it.
package struct Publication: Sendable, Equatable {
    package var module: String
    package var version: Int
    package var attempt: String
    package var parent: CommitRecord.Parent?
    /// RFC 3339, UTC.
    package var committedAt: String
    package var committedBy: String
    package var expiresAt: String?

    package init(
        module: String, version: Int, attempt: String, parent: CommitRecord.Parent?, committedAt: String,
        committedBy: String, expiresAt: String?
    ) {
        self.module = module
        self.version = version
        self.attempt = attempt
        self.parent = parent
        self.committedAt = committedAt
        self.committedBy = committedBy
        self.expiresAt = expiresAt
    }

    /// As it stands in `protocol.json`: what a commit record states beside digests, so that an edited record is found
    /// even where no later record names its digest.
    package func json(tables: [(name: String, rows: Int64)]) -> JSON {
        .record([
            "module": .text(module),
            "version": .integer(Int64(version)),
            "attempt": .text(attempt),
            "tables": CommitRecord.json(tables: tables),
            "parent": parent?.json,
            "committed_at": .text(committedAt),
            "committed_by": .text(committedBy),
            "expires_at": expiresAt.map { .text($0) },
        ])
    }
}

/// A file of a version that describes its data.
package struct MetadataFile: Sendable, Equatable {
    /// Relative to the run's folder, with `/`.
    package var path: String
    package var bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}
