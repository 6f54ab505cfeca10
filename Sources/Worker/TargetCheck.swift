internal import Model

/// What a target in PostgreSQL can hold and what is promised of its tables, looked at before any row is read.
struct TargetCheck {
    let target: PostgresTargetSpec
    let tables: [TableSpec]

    init(target: PostgresTargetSpec, tables: [TableSpec]) {
        self.target = target
        self.tables = tables
    }

    /// nil for targets of files, which hold everything.
    init?(_ pipeline: Pipeline) {
        guard case .postgres(let target) = pipeline.target.place else { return nil }
        self.target = target
        tables = pipeline.tables
    }

    /// What can be said without the sources: names of tables.
    func checkNames(into problems: inout ProblemList) {
        let names = tables.map(\.name)
        for table in tables where table.name.utf8.count > PostgresBounds.bytesPerName {
            problems.error(
                table.position, found: "table \"\(table.name)\" for a target in PostgreSQL",
                expected: "a name of at most \(PostgresBounds.bytesPerName) bytes")
        }
        for promise in target.tables {
            check(promise.table, among: names, "table", promise.position, into: &problems)
            for reference in promise.references {
                check(reference.table, among: names, "table", promise.position, into: &problems)
            }
        }
    }

    /// The columns of a table as they are published.
    func check(_ table: TableSpec, _ columns: [ColumnPlan], into problems: inout ProblemList) {
        if columns.count > PostgresBounds.columnsPerTable {
            problems.error(
                table.position, found: "table \"\(table.name)\" publishes \(columns.count) columns",
                expected: "at most \(PostgresBounds.columnsPerTable), as a table of PostgreSQL has",
                remedy: "drop columns, or publish to a folder or S3")
        }
        for column in columns {
            let what = "table \"\(table.name)\", column \"\(column.name.shown())\""
            let position = table.columns.first { $0.name == column.name }?.position ?? table.position
            if column.name.utf8.count > PostgresBounds.bytesPerName || column.name.isEmpty {
                problems.error(
                    position, found: "\(what) for a target in PostgreSQL",
                    expected: "a name of 1 to \(PostgresBounds.bytesPerName) bytes", remedy: "rename it by {from: …}")
            }
            if PostgresBounds.systemColumns.contains(column.name) {
                problems.error(
                    position, found: "\(what): every table of PostgreSQL has a column of this name for itself",
                    expected: "another name", remedy: "rename it by {from: …}")
            }
            if column.type.postgresName == nil {
                problems.error(
                    position,
                    found: "\(what) of type \(column.type), which a table of PostgreSQL does not hold exactly",
                    expected: "`{cast: text}` or `drop`, or a target of files")
            }
        }
    }

    /// What is promised, once the columns of every table are known.
    func checkPromises(_ columns: [String: [ColumnPlan]], into problems: inout ProblemList) {
        for promise in target.tables {
            guard let own = columns[promise.table] else { continue }
            let named = [promise.primaryKey] + promise.unique + promise.indexes
            for column in Set(named.flatMap { $0 } + promise.references.map(\.column)).sorted() {
                check(
                    column, among: own.map(\.name), "column", promise.position, of: promise.table, into: &problems)
            }
            for reference in promise.references {
                guard let other = columns[reference.table] else { continue }
                check(
                    reference.target, among: other.map(\.name), "column", promise.position, of: reference.table,
                    into: &problems)
                guard let type = own.first(where: { $0.name == reference.column })?.type,
                    let wanted = other.first(where: { $0.name == reference.target })?.type, type != wanted
                else { continue }
                problems.error(
                    promise.position,
                    found:
                        "\(promise.table).\(reference.column) of type \(type) refers to \(reference.table).\(reference.target) of type \(wanted)",
                    expected: "columns of one type")
            }
        }
    }

    private func check(
        _ name: String, among names: [String], _ kind: String, _ position: Position, of table: String? = nil,
        into problems: inout ProblemList
    ) {
        guard !names.contains(name) else { return }
        problems.error(
            position,
            found: "the target's `tables` name the \(kind) \"\(name.shown())\"\(table.map { " of \($0)" } ?? "")",
            expected: "a published \(kind)",
            remedy: NearestWord.find(name, among: names).map { "did you mean \"\($0)\"?" })
    }
}
