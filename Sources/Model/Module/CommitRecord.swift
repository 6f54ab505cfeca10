/// The record whose existence is the version. Created once, never changed.
package struct CommitRecord: Sendable, Equatable {
    package struct Parent: Sendable, Equatable {
        package var version: Int
        package var commitSHA256: String

        package init(version: Int, commitSHA256: String) {
            self.version = version
            self.commitSHA256 = commitSHA256
        }
    }

    package static let format = "etl-module-commit/1"

    package var module: String
    package var version: Int
    package var attempt: String
    package var files: Int
    package var bytes: Int64
    /// SHA-256 of `SHA256SUMS`.
    package var sums: String
    package var croissantSHA256: String
    package var tables: [(name: String, rows: Int64)]
    package var parent: Parent?
    /// RFC 3339, UTC.
    package var committedAt: String
    package var committedBy: String
    package var expiresAt: String?

    package init(
        module: String, version: Int, attempt: String, files: Int, bytes: Int64, sums: String, croissantSHA256: String,
        tables: [(name: String, rows: Int64)], parent: Parent?, committedAt: String, committedBy: String,
        expiresAt: String?
    ) {
        self.module = module
        self.version = version
        self.attempt = attempt
        self.files = files
        self.bytes = bytes
        self.sums = sums
        self.croissantSHA256 = croissantSHA256
        self.tables = tables
        self.parent = parent
        self.committedAt = committedAt
        self.committedBy = committedBy
        self.expiresAt = expiresAt
    }

    package static func == (a: CommitRecord, b: CommitRecord) -> Bool { a.json == b.json }

    package var json: JSON {
        .record([
            "format": .text(Self.format),
            "module": .text(module),
            "version": .integer(Int64(version)),
            "semver": .text("\(version).0.0"),
            "attempt": .text(attempt),
            "path": .text("\(ModuleLayout.run(attempt))/"),
            "files": .integer(Int64(files)),
            "bytes": .integer(bytes),
            "sha256sums": .text(sums),
            "croissant": .record([
                "path": .text("\(ModuleLayout.run(attempt))/croissant.json"), "sha256": .text(croissantSHA256),
            ]),
            "tables": .object(tables.map { .init($0.name, .record(["rows": .integer($0.rows)])) }),
            "parent": parent.map {
                .record(["version": .integer(Int64($0.version)), "commit_sha256": .text($0.commitSHA256)])
            },
            "committed_at": .text(committedAt),
            "committed_by": .text(committedBy),
            "expires_at": expiresAt.map { .text($0) },
        ])
    }
}
