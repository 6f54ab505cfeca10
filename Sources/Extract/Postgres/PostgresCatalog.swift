internal import Model

/// Asks a server what its relations and queries are.
package struct PostgresCatalog {
    private let connection: PostgresConnection
    private var types: PostgresTypes

    package init(_ connection: PostgresConnection) {
        self.connection = connection
        types = PostgresTypes(connection)
    }

    package mutating func describe(_ origin: PostgresOrigin) throws(ExtractError) -> PostgresRelation {
        switch origin {
        case .relation(let schema, let name): try describe(schema: schema, relation: name)
        case .query(let sql): try describe(query: sql)
        }
    }

    /// - Throws: `.notFound` with the nearest name; `.notPermitted`; `.rowSecurity` when policies apply to this role,
    ///   on the table or on a leaf of it.
    package mutating func describe(schema: String, relation: String) throws(ExtractError) -> PostgresRelation {
        let subject = "\(schema).\(relation)"
        let (oid, kind) = try find(schema: schema, relation: relation)
        let leaves = kind == .view ? [] : try self.leaves(of: oid, kind: kind, subject: subject)
        try checkRowSecurity(of: [oid] + leaves.map(\.oid), subject: subject)
        // A table that others inherit from is as little a set of blocks as a partitioned one.
        let isInherited = kind == .table && leaves.count > 1
        let attributes = try attributes(of: oid, inheritors: isInherited ? leaves.map(\.oid) : [], subject: subject)
        let resolved = try types.resolve(attributes.map { ($0.oid, $0.typmod) })
        let columns = zip(attributes, resolved).map { attribute, type in
            SourceColumn(
                name: attribute.name, native: .postgres(type), isNotNull: attribute.isNotNull,
                isUnique: attribute.isUnique && !isInherited)
        }
        return PostgresRelation(
            origin: .relation(schema: schema, name: relation), kind: kind, oid: oid, columns: columns, leaves: leaves,
            fingerprintText: try fingerprintText(attributes))
    }

    /// Describes a query by parse analysis; it is not run.
    ///
    /// - Throws: `.statementRefused` with the SQLSTATE when the server does not take it.
    package mutating func describe(query: String) throws(ExtractError) -> PostgresRelation {
        let selection = PostgresSelection(origin: .query(query), expressions: ["*"], filter: nil)
        let described = try connection.describe(statement: selection.statement, subject: "query")
        var names: Set<String> = []
        for column in described where !names.insert(column.name).inserted {
            throw ExtractError(
                .statementRefused, source: connection.source, subject: "query",
                reason: "the query gives two columns named \"\(column.name)\"", remedy: "name one of them by `AS`")
        }
        let resolved = try types.resolve(described.map { ($0.typeOID, $0.typmod) })
        let fingerprint = described.map {
            JSON.texts([$0.name]).text() + types.fingerprint(oid: $0.typeOID, typmod: $0.typmod)
        }
        return PostgresRelation(
            origin: .query(query), kind: .query, oid: 0,
            columns: zip(described, resolved).map { SourceColumn(name: $0.name, native: .postgres($1)) }, leaves: [],
            fingerprintText: fingerprint.joined(separator: "\n"))
    }

    /// `PostgresRelation.fingerprintText` as it is now. Looks at catalogues alone and waits for no lock, but for a query's.
    mutating func fingerprintText(of origin: PostgresOrigin) throws(ExtractError) -> String {
        guard case .relation(let schema, let name) = origin else { return try describe(origin).fingerprintText }
        let (oid, _) = try find(schema: schema, relation: name)
        return try fingerprintText(try attributes(of: oid, inheritors: [], subject: origin.name))
    }

    private mutating func fingerprintText(_ attributes: [Attribute]) throws(ExtractError) -> String {
        _ = try types.resolve(attributes.map { ($0.oid, $0.typmod) })
        return attributes.map { attribute in
            JSON.texts([attribute.name, attribute.collation, attribute.isDeclaredNotNull ? "not null" : ""]).text()
                + types.fingerprint(oid: attribute.oid, typmod: attribute.typmod)
        }.joined(separator: "\n")
    }

    // MARK: Parts of a description

    private func find(schema: String, relation: String) throws(ExtractError) -> (
        oid: UInt32, kind: PostgresRelation.Kind
    ) {
        let subject = "\(schema).\(relation)"
        let found = try connection.query(
            """
            SELECT c.oid, c.relkind, pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
                   pg_catalog.has_schema_privilege(n.oid, 'USAGE'), c.relispopulated
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            """, [schema, relation], subject: subject)
        guard let row = found.first, let oid = UInt32(row[0] ?? "") else {
            throw try notFound(schema: schema, relation: relation)
        }
        guard let isReadable = row[2] else {
            throw ExtractError(
                .notFound, source: connection.source, subject: subject,
                reason: "the table was dropped after the snapshot")
        }
        guard isReadable == "t", row[3] == "t" else {
            throw ExtractError(
                .notPermitted, source: connection.source, subject: subject, reason: "the role may not read the table",
                remedy: "grant SELECT on it and USAGE on its schema")
        }
        guard row[4] == "t" else {
            throw ExtractError(
                .statementRefused, source: connection.source, subject: subject,
                reason: "the materialized view was never filled", remedy: "run REFRESH MATERIALIZED VIEW on it")
        }
        let kind: PostgresRelation.Kind =
            switch row[1] {
            case "p": .partitioned
            case "v": .view
            case "m": .materializedView
            case "f": .foreign
            default: .table
            }
        return (oid, kind)
    }

    private struct Attribute {
        let name: String
        let oid: UInt32
        let typmod: Int32
        let isNotNull: Bool
        let isDeclaredNotNull: Bool
        let collation: String
        let isUnique: Bool
    }

    /// `inheritors`: a column is NOT NULL only if it is so in each of them.
    private func attributes(of oid: UInt32, inheritors: [UInt32], subject: String) throws(ExtractError) -> [Attribute] {
        let rows = try connection.query(
            """
            SELECT a.attname, a.atttypid, a.atttypmod,
                   a.attnotnull AND NOT EXISTS (
                       SELECT 1 FROM pg_catalog.pg_attribute h
                       WHERE h.attrelid = ANY ($2::pg_catalog.oid[]) AND h.attname = a.attname AND NOT h.attnotnull),
                   a.attcollation,
                   EXISTS (SELECT 1 FROM pg_catalog.pg_index i
                           WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                             AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
                   a.attnotnull
            FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [String(oid), "{" + inheritors.map(String.init).joined(separator: ",") + "}"], subject: subject)
        return rows.map { row in
            Attribute(
                name: row[0] ?? "", oid: UInt32(row[1] ?? "") ?? 0, typmod: Int32(row[2] ?? "") ?? -1,
                isNotNull: row[3] == "t", isDeclaredNotNull: row[6] == "t", collation: row[4] ?? "0",
                isUnique: row[5] == "t")
        }
    }

    private func leaves(of oid: UInt32, kind: PostgresRelation.Kind, subject: String) throws(ExtractError)
        -> [PostgresRelation.Leaf]
    {
        let tree =
            kind == .partitioned
            ? "SELECT relid AS oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass)"
            : """
            WITH RECURSIVE heirs(oid) AS (
                SELECT $1::pg_catalog.oid
                UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN heirs h ON h.oid = i.inhparent)
            SELECT oid FROM heirs
            """
        let rows = try connection.query(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind, COALESCE(m.amname = 'heap', false),
                   pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
                   COALESCE(pg_catalog.pg_relation_size(c.oid), 0), COALESCE(pg_catalog.pg_table_size(c.oid), 0),
                   c.reltuples::pg_catalog.int8, pg_catalog.current_setting('block_size')
            FROM (\(tree)) t JOIN pg_catalog.pg_class c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
            WHERE c.relkind IN ('r', 'm', 'f')
            ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
            """, [String(oid)], subject: subject)
        return rows.map { row in
            let heapBytes = Int64(row[6] ?? "") ?? 0
            let analysedRows = Int64(row[8] ?? "") ?? -1
            return PostgresRelation.Leaf(
                schema: row[1] ?? "", name: row[2] ?? "", oid: UInt32(row[0] ?? "") ?? 0, isForeign: row[3] == "f",
                isHeap: row[4] == "t", isReadable: row[5] == "t", isLockable: row[5] == "t" && row[3] == "r",
                blocks: UInt32(heapBytes / (Int64(row[9] ?? "") ?? 8192)), byteCount: Int64(row[7] ?? "") ?? 0,
                estimatedRows: analysedRows >= 0 ? analysedRows : heapBytes / 128)
        }
    }

    private func checkRowSecurity(of oids: [UInt32], subject: String) throws(ExtractError) {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p') AND pg_catalog.row_security_active(c.oid)
            ORDER BY 1, 2
            """, ["{" + oids.map(String.init).joined(separator: ",") + "}"], subject: subject)
        guard let first = rows.first else { return }
        let name = "\(first[0] ?? "").\(first[1] ?? "")"
        throw ExtractError(
            .rowSecurity, source: connection.source, subject: name,
            reason: "row-level security would hide rows of it from this role",
            remedy: "read as a role with BYPASSRLS, or name the rows in a `query` over a view that the owner made")
    }

    private func notFound(schema: String, relation: String) throws(ExtractError) -> ExtractError {
        let names = try connection.query(
            """
            SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1 LIMIT 10000
            """, [schema]
        ).compactMap { $0[0] }
        if !names.isEmpty {
            let nearest = NearestWord.find(relation, among: names)
            return ExtractError(
                .notFound, source: connection.source, subject: "\(schema).\(relation)",
                reason: "the table is not there",
                remedy: nearest.map { "did you mean \"\(schema).\($0)\"?" })
        }
        let schemas = try connection.query("SELECT nspname FROM pg_catalog.pg_namespace ORDER BY 1").compactMap {
            $0[0]
        }
        let reason =
            schemas.contains(schema)
            ? "the schema \"\(schema)\" holds no tables" : "the schema \"\(schema)\" is not there"
        let nearest = schemas.contains(schema) ? nil : NearestWord.find(schema, among: schemas)
        return ExtractError(
            .notFound, source: connection.source, subject: "\(schema).\(relation)", reason: reason,
            remedy: nearest.map { "did you mean schema \"\($0)\"?" })
    }
}
