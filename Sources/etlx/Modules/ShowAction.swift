import Model
import ModuleStore

struct ShowAction: StoreAction {
    static let name = "show"
    static let usage = "show NAME[@VERSION]"

    func run(_ session: StoreSession) throws {
        try session.checkWords(1...1)
        let store = session.store
        let (name, version) = try session.versionNamed(session.words[0])
        let record = try store.record(module: name, version: version)
        let tombstone = try store.tombstone(module: name, version: version)
        let columns = columns(store, record)
        let dropped = DropReport.of(record, in: store)
        if session.common.json {
            let document = JSON.record([
                "record": record.json, "folder": .text(store.folder(record)),
                "is_withdrawn": .boolean(tombstone != nil), "withdrawal": tombstone?.json,
                "dropped": DropReport.json(dropped),
                "columns": .object(columns.map { .init($0.table, .texts($0.columns)) }),
            ])
            return print(document.text(isPretty: true), terminator: "")
        }
        guard !session.common.quiet else { return }
        print(
            "\(name)@\(version)\(tombstone == nil ? "" : " (withdrawn)"), published \(record.committedAt) by \(record.committedBy)"
        )
        var facts = [
            ["folder", store.folder(record)], ["files", "\(record.files), \(Console.size(record.bytes))"],
            ["semver", "\(version).0.0"], ["SHA256SUMS", record.sums],
            ["signed by", record.signedBy ?? "nobody"],
            ["parent", record.parent.map { "version \($0.version), \($0.commitSHA256)" } ?? "none"],
            ["expires", record.expiresAt ?? "never"],
        ]
        if let tombstone {
            facts.append(["withdrawn", "\(tombstone.withdrawnAt) by \(tombstone.withdrawnBy): \(tombstone.reason)"])
        }
        print(Console.aligned(facts))
        print("tables")
        print(
            Console.aligned(
                record.tables.map {
                    [$0.name, "\(Console.grouped($0.rows)) rows", store.folder(record, table: $0.name)]
                }))
        if !dropped.isEmpty {
            print("dropped rows")
            for table in dropped { print("  \(DropReport.line(table))") }
        }
        guard !columns.isEmpty else { return }
        print("columns")
        print(Console.aligned(columns.map { [$0.table, $0.columns.joined(separator: ", ")] }))
    }

    /// Columns by table as the version's description names them; empty where it is gone.
    private func columns(_ store: Store, _ record: CommitRecord) -> [(table: String, columns: [String])] {
        guard let bytes = try? store.readFile(record, ModuleLayout.croissant), let document = try? JSON.parse(bytes)
        else { return [] }
        return (document["recordSet"]?.items ?? []).compactMap { table in
            guard let name = table["@id"]?.text else { return nil }
            return (name, (table["field"]?.items ?? []).compactMap { $0["name"]?.text })
        }
    }
}
