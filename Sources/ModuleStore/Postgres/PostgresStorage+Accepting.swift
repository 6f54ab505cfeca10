internal import Model
internal import Postgres

/// From staged parts to published tables.
///
/// Each part is placed in a transaction of its own and marked as accepted in it, so that a publisher that dies is followed
/// by one that carries on. Nobody but the owner may look into the schema before the commit.
extension PostgresStorage {
    package func accept(_ parts: [AcceptedPart], module: String, attempt: String) throws(StoreError) {
        let schema = try seal(module: module, attempt: attempt)
        guard let schema else { return }
        let counts = Dictionary(grouping: parts, by: \.table).mapValues(\.count)
        for part in parts {
            try place(part, in: schema, module: module, attempt: attempt, isAlone: counts[part.table] == 1)
        }
        try dropLosers(schema: schema, attempt: attempt, module: module)
        try PostgresPromises(
            storage: self, schema: schema, module: module, attempt: attempt, partCounts: counts
        ).keep()
    }

    /// No part is added from here on. The attempt's schema; nil when all of it was done before.
    private func seal(module: String, attempt: String) throws(StoreError) -> String? {
        try pool.transaction("\(module)/\(attempt)", "seal the attempt") { session in
            let row = try session.query(
                "SELECT schema_name, state FROM etl.attempt WHERE attempt = $1::uuid AND module = $2 FOR UPDATE",
                [attempt, module]
            ).first
            guard let row, let schema = row[0] else {
                throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over")
            }
            if row[1] == "ready" { return nil }
            try session.change("UPDATE etl.attempt SET state = 'sealed' WHERE attempt = $1", [.text(attempt)])
            return schema
        }
    }

    private func place(_ part: AcceptedPart, in schema: String, module: String, attempt: String, isAlone: Bool)
        throws(StoreError)
    {
        let promise = promises.first { $0.table == part.table }
        do {
            try pool.transaction { session in
                guard let kept = try keptRow(session, part, attempt: attempt) else { return }
                let name = isAlone ? part.table : PostgresNames.part(table: part.table, shard: part.shard)
                let place = PostgresName.qualified(schema, name)
                try session.execute(
                    "ALTER TABLE \(PostgresName.qualified(schema, kept.name)) RENAME TO \(PostgresName.quoted(name))")
                if isAlone {
                    for constraint in promise?.constraints ?? [] {
                        try session.execute("ALTER TABLE \(place) ADD \(constraint)")
                    }
                } else {
                    try inherit(session, place, kept.columns, part.table, in: schema, promise)
                }
                for columns in promise?.indexes ?? [] {
                    try session.execute("CREATE INDEX ON \(place) (\(PostgresPromises.list(columns)))")
                }
                try guardTable(session, place)
                try session.execute("ANALYZE \(place)")
                try session.change(
                    """
                    UPDATE etl.part SET is_accepted = true, table_name = $5
                    WHERE attempt = $1 AND "table" = $2 AND shard = $3 AND epoch = $4
                    """, [.text(attempt), .text(part.table), .number(part.shard), .number(kept.epoch), .text(name)])
            }
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            if error.state == "23505" || error.state == "23502", let promise {
                try PostgresPromises.explain(
                    promise, storage: self, module: module, staged: (schema, part), attempt: attempt)
            }
            throw .postgres(error, part.path, "place the part")
        } catch {
            throw StoreError(.inputOutput, part.path, "cannot place the part")
        }
    }

    /// What the registry has of a part that is still to be placed; nil for one that was.
    private func keptRow(_ session: PostgresSession, _ part: AcceptedPart, attempt: String) throws -> (
        name: String, epoch: Int, columns: [OutputColumn]
    )? {
        let rows = try session.query(
            """
            SELECT table_name, epoch::text, rows::text, bytes::text, sha256, columns, is_accepted FROM etl.part
            WHERE attempt = $1::uuid AND "table" = $2 AND shard = $3::int4
            """, [attempt, part.table, "\(part.shard)"])
        func isThis(_ row: [String?]) -> Bool {
            row[1].flatMap { Int($0) }.map {
                ModuleLayout.stagedPart(attempt: attempt, table: part.table, shard: part.shard, epoch: $0)
                    == part.stagedPath
            } ?? false
        }
        guard let row = rows.first(where: isThis), let name = row[0], let epoch = row[1].flatMap({ Int($0) }),
            let columns = row[5].flatMap(PartColumns.columns)
        else { throw StoreError(.damaged, part.path, "the part is absent") }
        guard row[2] == String(part.rows), row[3] == String(part.byteCount), row[4] == part.sha256 else {
            throw StoreError(.damaged, part.path, "the part's table is not the one that its receipt tells of")
        }
        return row[6] == "t" ? nil : (name, epoch, columns)
    }

    /// A part of several becomes a child: it keeps its rows in their order, and costs nothing.
    private func inherit(
        _ session: PostgresSession, _ place: String, _ columns: [OutputColumn], _ table: String, in schema: String,
        _ promise: PostgresTargetSpec.TableSpec?
    ) throws {
        let parent = PostgresName.qualified(schema, table)
        if try session.query("SELECT pg_catalog.to_regclass($1) IS NULL", [parent])[0][0] == "t" {
            let list = columns.map { column in
                let isKey = promise?.primaryKey.contains(column.name) == true
                return
                    "\(PostgresName.quoted(column.name)) \(column.type.postgresName ?? "")\(isKey ? " NOT NULL" : "")"
            }
            try session.execute("CREATE TABLE \(parent) (\(list.joined(separator: ", ")))")
            try guardTable(session, parent)
        }
        for column in promise?.primaryKey ?? [] {
            try session.execute("ALTER TABLE \(place) ALTER COLUMN \(PostgresName.quoted(column)) SET NOT NULL")
        }
        for columns in promise?.uniqueLists ?? [] {
            try session.execute("CREATE UNIQUE INDEX ON \(place) (\(PostgresPromises.list(columns)))")
        }
        try session.execute("ALTER TABLE \(place) INHERIT \(parent)")
    }

    /// Nobody writes to a published table, its owner neither; readers read it once its schema is opened to them.
    private func guardTable(_ session: PostgresSession, _ place: String) throws {
        try session.execute(
            """
            CREATE TRIGGER etl_read_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(place)
            FOR EACH STATEMENT EXECUTE FUNCTION etl.refuse()
            """)
        for reader in readers { try session.execute("GRANT SELECT ON \(place) TO \(PostgresName.quoted(reader))") }
    }

    private func dropLosers(schema: String, attempt: String, module: String) throws(StoreError) {
        let losers = try rows(
            "\(module)/\(attempt)", "SELECT table_name FROM etl.part WHERE attempt = $1::uuid AND NOT is_accepted",
            [attempt])
        for name in losers.compactMap({ $0[0] }) {
            try pool.transaction("\(module)/\(attempt)", "drop a part that was not accepted") { session in
                try session.execute("DROP TABLE IF EXISTS \(PostgresName.qualified(schema, name))")
                try session.change(
                    "DELETE FROM etl.part WHERE attempt = $1 AND table_name = $2 AND NOT is_accepted",
                    [.text(attempt), .text(name)])
            }
        }
    }

    package func annotate(_ tables: [TableNote], module: String, attempt: String) throws(StoreError) {
        guard !tables.isEmpty else { return }
        try pool.transaction("\(module)/\(attempt)", "describe the tables") { session in
            guard
                let schema = try session.query(
                    "SELECT schema_name FROM etl.attempt WHERE attempt = $1::uuid", [attempt]
                ).first?[0]
            else { throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over") }
            for table in tables {
                let place = PostgresName.qualified(schema, table.table)
                // A table without a part is none here.
                if try session.query("SELECT pg_catalog.to_regclass($1) IS NULL", [place])[0][0] == "t" { continue }
                try session.execute("COMMENT ON TABLE \(place) IS \(PostgresName.literal(table.text))")
                for column in table.columns {
                    try session.execute(
                        "COMMENT ON COLUMN \(place).\(PostgresName.quoted(column.name)) IS \(PostgresName.literal(column.text))"
                    )
                }
            }
        }
    }
}
