import Columnar
import Formats
import Metadata
import Model
import ModuleStore

/// Reads columns that no rule protects out of a version's parts, to compare how their values are distributed.
///
/// - Cost: reads the columns asked for, all rows, and those with very many different values once more; memory as
///   `ParquetReader` and one `ColumnProfile` a column.
struct PartProfiler: VersionProfiler {
    let store: Store

    func profile(_ record: CommitRecord, table: String, columns: [String]) throws -> [String: [JSON.Member]] {
        var profiles: [String: ColumnProfile] = [:]
        try read(record, table, columns, into: &profiles)
        // Counts of frequent values that are bounds depend on the order of rows, which two versions need not share.
        let unsettled = columns.filter { profiles[$0]?.needsRecount == true }
        if !unsettled.isEmpty {
            for name in unsettled { profiles[name]?.beginRecount() }
            try read(record, table, unsettled, into: &profiles)
        }
        return profiles.mapValues { Self.facts($0.json) }
    }

    private func read(
        _ record: CommitRecord, _ table: String, _ columns: [String], into profiles: inout [String: ColumnProfile]
    ) throws {
        let parts = VersionParts(store: store, record: record)
        for file in try parts.files(of: ModuleLayout.identifier(table)) {
            let reader = try ParquetReader(file, columns: columns)
            while let chunk = try reader.next() {
                for (name, (field, column)) in zip(columns, zip(reader.fields, chunk.columns)) {
                    profiles[name, default: ColumnProfile(field.type)].add(column)
                }
            }
            // A part without rows has a type too.
            for (name, field) in zip(columns, reader.fields) where profiles[name] == nil {
                profiles[name] = ColumnProfile(field.type)
            }
        }
    }

    /// Rows are told of the table already.
    private static func facts(_ profile: JSON) -> [JSON.Member] {
        (profile.members ?? []).filter { $0.name != "rows" }
    }
}
