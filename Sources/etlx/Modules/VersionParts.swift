import Model
import ModuleStore

/// The parts of a version's tables, as `SHA256SUMS` lists them: in the order of the rows.
struct VersionParts {
    let store: Store
    let record: CommitRecord

    /// - Parameter table: as the commit record names it.
    func files(of table: String) throws -> [any ByteRange] {
        let folder = "data/\(table)/part-"
        let lines = String(decoding: try store.readFile(record, ModuleLayout.sums), as: UTF8.self).split(
            separator: "\n")
        return try lines.map { String($0.dropFirst(66)) }.filter { $0.hasPrefix(folder) && $0.hasSuffix(".parquet") }
            .map { try store.openFile(record, $0) }
    }
}
