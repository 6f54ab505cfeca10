import Metadata
import Model
import ModuleStore

/// What people and programs are told of the rows that a version dropped.
enum DropReport {
    /// By table, those that dropped any; empty where the version's protocol cannot be read.
    static func of(_ record: CommitRecord, in store: Store) -> [DroppedRows] {
        (try? VersionStatement(record, in: store))?.tables.compactMap(\.droppedRows) ?? []
    }

    static func json(_ dropped: [DroppedRows]) -> JSON { .list(dropped.map(\.json)) }

    /// `table t: 3 of 1,000 rows dropped: 1 malformed record, 2 by column visits, step 1 (cast)`
    static func line(_ dropped: DroppedRows) -> String {
        "table \(dropped.table): \(Console.grouped(dropped.dropped)) of \(Console.grouped(dropped.read)) rows dropped: \(reasons(dropped))"
    }

    static func reasons(_ dropped: DroppedRows) -> String {
        dropped.rules.map { rule in
            guard let column = rule.column, let step = rule.step, let verb = rule.verb else {
                return "\(Console.grouped(rule.rows)) malformed (on_malformed)"
            }
            return "\(Console.grouped(rule.rows)) by column \(column), step \(step + 1) (\(verb), on_failure)"
        }.joined(separator: ", ")
    }
}

extension VersionStatement {
    /// nil: what the version says of its making cannot be read.
    init?(_ record: CommitRecord, in store: Store) throws {
        let texts = try [ModuleLayout.protocolFile, ModuleLayout.accounting].map { try store.readFile(record, $0) }
        guard let stated = try? JSON.parse(texts[0]), let account = try? JSON.parse(texts[1]) else { return nil }
        self.init(record: record, protocolDocument: stated, accounting: account)
    }
}
