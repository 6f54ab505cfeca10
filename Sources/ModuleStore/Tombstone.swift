package import Model

/// Why and when a version was withdrawn: `_versions/<number>.withdrawn.json`, created once, never changed.
///
/// `commit_sha256` is the digest of the version's commit record, which no later version may name yet and whose files are
/// gone. Tombstones of older releases lack it.
package struct Tombstone: Sendable, Equatable {
    package static let format = "etl-module-tombstone/1"

    package let module: String
    package let version: Int
    package let reason: String
    /// RFC 3339, UTC.
    package let withdrawnAt: String
    package let withdrawnBy: String
    package let commitSHA256: String?

    package var json: JSON {
        .record([
            "format": .text(Self.format), "module": .text(module), "version": .integer(Int64(version)),
            "reason": .text(reason), "withdrawn_at": .text(withdrawnAt), "withdrawn_by": .text(withdrawnBy),
            "commit_sha256": commitSHA256.map { .text($0) },
        ])
    }

    var bytesOfFile: [UInt8] { Array(json.text(isPretty: true).utf8) }
}

extension Tombstone {
    init?(json: JSON) {
        guard json["format"]?.text == Self.format, let module = json["module"]?.text,
            let version = json["version"]?.integer, let reason = json["reason"]?.text,
            let time = json["withdrawn_at"]?.text, let actor = json["withdrawn_by"]?.text
        else { return nil }
        self.init(
            module: module, version: Int(version), reason: reason, withdrawnAt: time, withdrawnBy: actor,
            commitSHA256: json["commit_sha256"]?.text)
    }
}

extension Store {
    /// nil for a version that is not withdrawn.
    ///
    /// - Throws: `.damaged` when there is something else in its place.
    package func tombstone(module: String, version: Int) throws(StoreError) -> Tombstone? {
        try checkName(module: module)
        let path = "\(module)/\(ModuleLayout.tombstone(version: version))"
        guard try storage.byteCount(path) != nil else { return nil }
        let bytes = try storage.read(path, limit: Limits.bytesPerRecord)
        guard let json = try? JSON.parse(bytes), let found = Tombstone(json: json), found.module == module,
            found.version == version
        else { throw StoreError(.damaged, path, "this is no tombstone of this version") }
        return found
    }
}
