package import Model

/// Looks into columns of a version that no rule protects.
package protocol VersionProfiler {
    /// Facts of columns, in the order in which they are shown: `nulls`, `distinct`, `minimum` …
    ///
    /// - Parameter columns: open ones alone (`VersionStatement.Column.isOpen`).
    func profile(_ record: CommitRecord, table: String, columns: [String]) throws -> [String: [JSON.Member]]
}

/// How two versions of a module differ in schema, rules, keys and counts, and, with a profiler, in the distribution of
/// columns that are open in both. Values of protected columns are never looked at.
package struct VersionDifference: Sendable {
    /// Equal or not; nil on the side that has none.
    package struct Pair<Value: Sendable & Equatable>: Sendable {
        package let before: Value?
        package let after: Value?

        package var isEqual: Bool { before == after }
    }

    package struct TableDifference: Sendable {
        package let name: String
        package let table: Pair<VersionStatement.Table>
        /// Those of the later version in its order, then those that are gone.
        package let columns: [ColumnDifference]
    }

    package struct ColumnDifference: Sendable {
        package let name: String
        package let column: Pair<VersionStatement.Column>
        /// Facts that differ; nil where they were not compared.
        package var distribution: [(name: String, before: JSON?, after: JSON?)]?

        package var isEqual: Bool { column.isEqual && distribution?.isEmpty ?? true }
    }

    package let before: CommitRecord
    package let after: CommitRecord
    /// Keys by name that are new, gone, or have another check value.
    package let keys: [(name: String, checkValue: Pair<String>)]
    package let tables: [TableDifference]
    package let hasDistributions: Bool

    package init(_ before: VersionStatement, _ after: VersionStatement, profiler: (any VersionProfiler)? = nil) throws {
        self.before = before.record
        self.after = after.record
        hasDistributions = profiler != nil
        keys = Self.merged(before.keys.map(\.name), after.keys.map(\.name)).compactMap { name in
            let pair = Pair(
                before: before.keys.first { $0.name == name }?.checkValue,
                after: after.keys.first { $0.name == name }?.checkValue)
            return pair.isEqual ? nil : (name, pair)
        }
        tables = try Self.merged(before.tables.map(\.name), after.tables.map(\.name)).map { name in
            let pair = Pair(
                before: before.tables.first { $0.name == name }, after: after.tables.first { $0.name == name })
            var columns = Self.columns(pair)
            if let profiler, pair.before != nil, pair.after != nil {
                try Self.compare(&columns, name, before.record, after.record, profiler)
            }
            return TableDifference(name: name, table: pair, columns: columns)
        }
    }

    /// Schema, rules, keys and counts are the same.
    package var isEmpty: Bool {
        keys.isEmpty && tables.allSatisfy { $0.table.isEqual && $0.columns.allSatisfy(\.isEqual) }
    }

    private static func columns(_ table: Pair<VersionStatement.Table>) -> [ColumnDifference] {
        let (before, after) = (table.before?.columns ?? [], table.after?.columns ?? [])
        return merged(before.map(\.name), after.map(\.name)).map { name in
            ColumnDifference(
                name: name,
                column: Pair(before: before.first { $0.name == name }, after: after.first { $0.name == name }))
        }
    }

    private static func compare(
        _ columns: inout [ColumnDifference], _ table: String, _ before: CommitRecord, _ after: CommitRecord,
        _ profiler: any VersionProfiler
    ) throws {
        let open = columns.filter { $0.column.before?.isOpen == true && $0.column.after?.isOpen == true }.map(\.name)
        guard !open.isEmpty else { return }
        let earlier = try profiler.profile(before, table: table, columns: open)
        let later = try profiler.profile(after, table: table, columns: open)
        for index in columns.indices where open.contains(columns[index].name) {
            let (old, new) = (earlier[columns[index].name] ?? [], later[columns[index].name] ?? [])
            columns[index].distribution = merged(old.map(\.name), new.map(\.name)).compactMap { fact in
                let sides = (old.first { $0.name == fact }?.value, new.first { $0.name == fact }?.value)
                return sides.0 == sides.1 ? nil : (fact, sides.0, sides.1)
            }
        }
    }

    /// The later names in their order, then the earlier ones that are gone.
    private static func merged(_ before: [String], _ after: [String]) -> [String] {
        after + before.filter { !after.contains($0) }
    }
}
