package import Model

/// What a version says of its making, read back from `protocol.json` and `report/accounting.json`: schema, rules, keys,
/// counts. No cell value is in any of it.
package struct VersionStatement: Sendable {
    package struct Step: Sendable, Equatable {
        package let verb: String
        /// Rule with its arguments: `token(key: people, scope: patient)`.
        package let summary: String
        package let effect: String
        package let changed: Int64
        package let nulled: Int64
        package let dropped: Int64
        /// Nulls that came in.
        package let nulls: Int64
    }

    package struct Column: Sendable, Equatable {
        package let name: String
        package let type: String
        package let isProtected: Bool
        package let steps: [Step]

        package var rule: [String] { steps.map(\.summary) }

        /// Published as it was read, but for cleaning: its values may be looked at by whoever may read the version.
        package var isOpen: Bool { !isProtected && steps.allSatisfy { ["pass", "clean"].contains($0.effect) } }
    }

    package struct Table: Sendable, Equatable {
        package let name: String
        package let rows: RowAccount
        package let files: Int
        package let bytes: Int64
        package let columns: [Column]
        package let droppedColumns: [String]
    }

    package let record: CommitRecord
    package let keys: [KeyIdentity]
    package let tables: [Table]

    /// nil for documents of another form.
    package init?(record: CommitRecord, protocolDocument: JSON, accounting: JSON) {
        guard protocolDocument["format"]?.text == GatheringProtocol.format,
            let tables = protocolDocument["tables"]?.items
        else { return nil }
        self.record = record
        keys = (protocolDocument["keys"]?.items ?? []).compactMap { key in
            guard let name = key["name"]?.text, let value = key["check_value"]?.text else { return nil }
            return KeyIdentity(name: name, checkValue: value)
        }
        let accounts = accounting["tables"]?.items ?? []
        var read: [Table] = []
        for table in tables {
            guard let found = Table(table, accounts.first { $0["name"] == table["name"] }) else { return nil }
            read.append(found)
        }
        self.tables = read
    }
}

extension VersionStatement.Table {
    fileprivate init?(_ json: JSON, _ account: JSON?) {
        guard let name = json["name"]?.text, let columns = json["columns"]?.items, let counts = json["rows"] else {
            return nil
        }
        var rows = RowAccount()
        rows.read = counts["read"]?.integer ?? 0
        rows.published = counts["published"]?.integer ?? 0
        // Versions of earlier builds say `quarantined` of rows that nobody kept.
        rows.dropped = (counts["dropped"] ?? counts["quarantined"])?.integer ?? 0
        rows.suppressed = counts["suppressed"]?.integer ?? 0
        rows.filtered = counts["filtered"]?.integer ?? 0
        let shards = account?["shards"]?.items ?? []
        self.init(
            name: name, rows: rows, files: shards.count, bytes: shards.reduce(0) { $0 + ($1["bytes"]?.integer ?? 0) },
            columns: columns.compactMap { VersionStatement.Column($0) },
            droppedColumns: (json["dropped_columns"]?.items ?? []).compactMap(\.text))
    }
}

extension VersionStatement.Column {
    fileprivate init?(_ json: JSON) {
        guard let name = json["name"]?.text, let type = json["type"]?.text else { return nil }
        self.init(
            name: name, type: type, isProtected: json["is_protected"] != .boolean(false),
            steps: (json["steps"]?.items ?? []).map { VersionStatement.Step($0) })
    }
}

extension VersionStatement.Step {
    fileprivate init(_ json: JSON) {
        let counts = json["counts"]
        self.init(
            verb: json["verb"]?.text ?? "", summary: json["summary"]?.text ?? "", effect: json["effect"]?.text ?? "",
            changed: counts?["changed"]?.integer ?? 0, nulled: counts?["nulled"]?.integer ?? 0,
            dropped: (counts?["dropped"] ?? counts?["quarantined"])?.integer ?? 0, nulls: counts?["nulls"]?.integer ?? 0
        )
    }
}
