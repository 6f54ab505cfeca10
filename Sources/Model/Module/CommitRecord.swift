/// The record whose existence is the version. Created once, never changed.
package struct CommitRecord: Sendable, Equatable {
    package struct Parent: Sendable, Equatable {
        package var version: Int
        package var commitSHA256: String

        package init(version: Int, commitSHA256: String) {
            self.version = version
            self.commitSHA256 = commitSHA256
        }

        package var json: JSON {
            .record(["version": .integer(Int64(version)), "commit_sha256": .text(commitSHA256)])
        }
    }

    package static let format = "etl-module-commit/1"

    package var module: String
    package var version: Int
    package var attempt: String
    /// Of the files that `SHA256SUMS` lists, their number and bytes.
    package var files: Int
    package var bytes: Int64
    /// SHA-256 of `SHA256SUMS`.
    package var sums: String
    package var croissantSHA256: String
    /// Names as `ModuleLayout.identifier` writes them.
    package var tables: [(name: String, rows: Int64)]
    package var parent: Parent?
    /// RFC 3339, UTC.
    package var committedAt: String
    package var committedBy: String
    package var expiresAt: String?
    /// The fingerprint of the key that signed `SHA256SUMS`, `SHA256:` and base64; nil where nobody did.
    package var signedBy: String?

    package init(
        module: String, version: Int, attempt: String, files: Int, bytes: Int64, sums: String, croissantSHA256: String,
        tables: [(name: String, rows: Int64)], parent: Parent?, committedAt: String, committedBy: String,
        expiresAt: String?, signedBy: String? = nil
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
        self.signedBy = signedBy
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
            "signature": signedBy.map { key in
                .record([
                    "path": .text("\(ModuleLayout.run(attempt))/\(ModuleLayout.signature)"), "key": .text(key),
                ])
            },
            "tables": Self.json(tables: tables),
            "parent": parent?.json,
            "committed_at": .text(committedAt),
            "committed_by": .text(committedBy),
            "expires_at": expiresAt.map { .text($0) },
        ])
    }

    /// The bytes of the record's file.
    package var bytesOfFile: [UInt8] { Array(json.text(isPretty: true).utf8) }

    static func json(tables: [(name: String, rows: Int64)]) -> JSON {
        .object(tables.map { .init($0.name, .record(["rows": .integer($0.rows)])) })
    }
}

extension CommitRecord {
    /// The record that a file's JSON states, or nil when a required member is absent or of another kind.
    package init?(json: JSON) {
        guard json["format"]?.text == Self.format, let module = json["module"]?.text,
            let version = json["version"]?.integer, let attempt = json["attempt"]?.text,
            let files = json["files"]?.integer, let bytes = json["bytes"]?.integer,
            let sums = json["sha256sums"]?.text, let croissant = json["croissant"]?["sha256"]?.text,
            let tables = json["tables"]?.members, let committedAt = json["committed_at"]?.text,
            let committedBy = json["committed_by"]?.text
        else { return nil }
        var counted: [(name: String, rows: Int64)] = []
        for table in tables {
            guard let rows = table.value["rows"]?.integer else { return nil }
            counted.append((table.name, rows))
        }
        var parent: Parent?
        if let stated = json["parent"] {
            guard let number = stated["version"]?.integer, let digest = stated["commit_sha256"]?.text else {
                return nil
            }
            parent = Parent(version: Int(number), commitSHA256: digest)
        }
        var signedBy: String?
        if let stated = json["signature"] {
            guard let key = stated["key"]?.text else { return nil }
            signedBy = key
        }
        self.init(
            module: module, version: Int(version), attempt: attempt, files: Int(files), bytes: bytes, sums: sums,
            croissantSHA256: croissant, tables: counted, parent: parent, committedAt: committedAt,
            committedBy: committedBy, expiresAt: json["expires_at"]?.text, signedBy: signedBy)
    }
}

extension CommitRecord {
    /// Published rows of each table, in the tables' order, as a record states them.
    package static func rows(tables: [String], receipts: [PartReceipt]) -> [(name: String, rows: Int64)] {
        var counts: [String: Int64] = [:]
        for receipt in receipts { counts[receipt.table, default: 0] += receipt.rows.published }
        return tables.map { (ModuleLayout.identifier($0), counts[$0] ?? 0) }
    }
}
