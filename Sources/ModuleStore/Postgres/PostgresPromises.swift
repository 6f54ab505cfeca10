internal import Model
internal import Postgres

/// What the document promises of the published tables, looked at when all parts are placed.
///
/// A table of one part has real constraints. One of several has a unique index a part, and what goes across parts is
/// asked of the rows. What does not hold ends the publishing: by table, columns and count, never by value.
struct PostgresPromises {
    let storage: PostgresStorage
    let schema: String
    let module: String
    let attempt: String
    let partCounts: [String: Int]

    /// All of it in one transaction, with the mark that the attempt is ready: repeated, it is done whole or not at all.
    func keep() throws(StoreError) {
        do {
            try storage.pool.transaction { session in
                for promise in storage.promises where partCounts[promise.table] != nil {
                    if !isAlone(promise.table) { try checkAcross(session, promise) }
                    for reference in promise.references { try check(session, promise, reference) }
                }
                for table in partCounts.keys.sorted() where !isAlone(table) {
                    try session.execute("ANALYZE \(PostgresName.qualified(schema, table))")
                }
                try session.change("UPDATE etl.attempt SET state = 'ready' WHERE attempt = $1", [.text(attempt)])
            }
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            throw .postgres(error, "\(module)/\(attempt)", "check the target's promises")
        } catch {
            throw StoreError(.inputOutput, "\(module)/\(attempt)", "cannot check the target's promises")
        }
    }

    static func list(_ columns: [String]) -> String { columns.map(PostgresName.quoted).joined(separator: ", ") }

    private func isAlone(_ table: String) -> Bool { partCounts[table] == 1 }

    private func checkAcross(_ session: PostgresSession, _ promise: PostgresTargetSpec.TableSpec) throws {
        let place = PostgresName.qualified(schema, promise.table)
        for columns in promise.uniqueLists {
            try Self.checkUnique(session, place, columns, subject: "\(module)/\(promise.table)")
        }
    }

    private static func checkUnique(_ session: PostgresSession, _ place: String, _ columns: [String], subject: String)
        throws
    {
        let present = columns.map { "\(PostgresName.quoted($0)) IS NOT NULL" }.joined(separator: " AND ")
        let count =
            try session.query(
                """
                SELECT count(*)::text FROM
                (SELECT 1 FROM \(place) WHERE \(present) GROUP BY \(list(columns)) HAVING count(*) > 1) d
                """)[0][0] ?? "0"
        guard count == "0" else {
            throw StoreError(
                .brokenPromise, subject,
                "\(count) values of \(words(columns)) occur more than once, which the target's `tables` promises they do not"
            )
        }
    }

    private func check(
        _ session: PostgresSession, _ promise: PostgresTargetSpec.TableSpec, _ reference: PostgresTargetSpec.Reference
    ) throws {
        let place = PostgresName.qualified(schema, promise.table)
        let target = PostgresName.qualified(schema, reference.table)
        let (column, targetColumn) = (PostgresName.quoted(reference.column), PostgresName.quoted(reference.target))
        let count =
            try session.query(
                """
                SELECT count(*)::text FROM \(place) a WHERE a.\(column) IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM \(target) b WHERE b.\(targetColumn) = a.\(column))
                """)[0][0] ?? "0"
        guard count == "0" else {
            throw StoreError(
                .brokenPromise, "\(module)/\(promise.table)",
                "\(count) rows hold a value of \"\(reference.column)\" that is not found in \(reference.table).\(reference.target), which the target's `tables` promises"
            )
        }
        let isKey = storage.promises.contains {
            $0.table == reference.table && $0.uniqueLists.contains([reference.target])
        }
        guard isAlone(promise.table), isAlone(reference.table), isKey else { return }
        try session.execute("ALTER TABLE \(place) ADD FOREIGN KEY (\(column)) REFERENCES \(target) (\(targetColumn))")
    }

    /// Why a constraint of one part could not be made. Returns when nothing is found.
    static func explain(
        _ promise: PostgresTargetSpec.TableSpec, storage: PostgresStorage, module: String,
        staged: (schema: String, part: AcceptedPart), attempt: String
    ) throws(StoreError) {
        let subject = "\(module)/\(promise.table)"
        try storage.pool.with(subject, "check the target's promises") { session in
            guard
                let name = try session.query(
                    """
                    SELECT table_name FROM etl.part WHERE attempt = $1::uuid AND "table" = $2 AND shard = $3::int4 AND sha256 = $4
                    """, [attempt, promise.table, "\(staged.part.shard)", staged.part.sha256]
                ).first?[0]
            else { return }
            let place = PostgresName.qualified(staged.schema, name)
            if !promise.primaryKey.isEmpty {
                let absent = promise.primaryKey.map { "\(PostgresName.quoted($0)) IS NULL" }.joined(separator: " OR ")
                let count = try session.query("SELECT count(*)::text FROM \(place) WHERE \(absent)")[0][0] ?? "0"
                guard count == "0" else {
                    throw StoreError(
                        .brokenPromise, subject,
                        "\(count) rows have no value of \(words(promise.primaryKey)), the primary key that the target's `tables` promises"
                    )
                }
            }
            for columns in promise.uniqueLists { try checkUnique(session, place, columns, subject: subject) }
        }
    }

    private static func words(_ columns: [String]) -> String {
        columns.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}

extension PostgresTargetSpec.TableSpec {
    /// The columns that are unique together, the primary key's first.
    var uniqueLists: [[String]] { (primaryKey.isEmpty ? [] : [primaryKey]) + unique.filter { $0 != primaryKey } }

    var constraints: [String] {
        let key = primaryKey.isEmpty ? [] : ["PRIMARY KEY (\(PostgresPromises.list(primaryKey)))"]
        return key + unique.filter { $0 != primaryKey }.map { "UNIQUE (\(PostgresPromises.list($0)))" }
    }
}
