internal import Model
internal import ModuleStore

/// The types that the newest version's source columns were read as, by its `protocol.json`.
///
/// Whoever writes to the store may write there what they like: a type from it is that of a column without any value,
/// and a reason for a warning, nothing else.
struct EarlierTypes {
    let version: Int
    private let tables: [String: [String: DataType]]

    /// - Returns: nil when the module has no version that still holds its files, or its protocol is of another form.
    static func newest(of module: String, in store: Store) throws(StoreError) -> EarlierTypes? {
        guard let version = try store.latest(module: module) else { return nil }
        let record = try store.record(module: module, version: version)
        guard let json = try? JSON.parse(try store.readFile(record, "protocol.json")) else { return nil }
        return EarlierTypes(version: version, protocolDocument: json)
    }

    init?(version: Int, protocolDocument: JSON) {
        guard let found = protocolDocument["tables"]?.items else { return nil }
        self.version = version
        var tables: [String: [String: DataType]] = [:]
        for table in found {
            guard let name = table["name"]?.text else { continue }
            for column in table["columns"]?.items ?? [] {
                guard let source = column["source_column"]?.text, let text = column["source_type"]?.text,
                    let type = DataType(name: text)
                else { continue }
                tables[name, default: [:]][source] = type
            }
        }
        self.tables = tables
    }

    /// By source column; of a column that was dropped nothing is known.
    func types(ofTable table: String) -> [String: DataType] { tables[table] ?? [:] }
}
