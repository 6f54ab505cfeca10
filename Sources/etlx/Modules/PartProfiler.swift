import Columnar
import Formats
import Metadata
import Model
import ModuleStore

/// Reads columns that no rule protects out of a version's parts, to compare how their values are distributed.
///
/// - Cost: reads the columns asked for, all rows; memory as `ParquetReader` and one `ColumnProfile` a column.
struct PartProfiler: VersionProfiler {
    let store: Store

    func profile(_ record: CommitRecord, table: String, columns: [String]) throws -> [String: [JSON.Member]] {
        var profiles: [ColumnProfile] = []
        let parts = VersionParts(store: store, record: record)
        for file in try parts.files(of: ModuleLayout.identifier(table)) {
            let reader = try ParquetReader(file, columns: columns)
            if profiles.isEmpty { profiles = reader.fields.map { ColumnProfile($0.type) } }
            while let chunk = try reader.next() {
                for (index, column) in chunk.columns.enumerated() { profiles[index].add(column) }
            }
        }
        return Dictionary(zip(columns, profiles.map { Self.facts($0.json) }), uniquingKeysWith: { first, _ in first })
    }

    /// Rows are told of the table already.
    private static func facts(_ profile: JSON) -> [JSON.Member] {
        (profile.members ?? []).filter { $0.name != "rows" }
    }
}
