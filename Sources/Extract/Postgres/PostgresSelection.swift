package import Model

/// What is read of one table: from where, which expressions, which rows.
package struct PostgresSelection: Sendable, Codable, Hashable {
    package var origin: PostgresOrigin
    /// Items of the select list, identifiers quoted. Never `*` where rows are read.
    package var expressions: [String]
    /// A condition of the document, in SQL.
    package var filter: String?

    package init(origin: PostgresOrigin, expressions: [String], filter: String?) {
        self.origin = origin
        self.expressions = expressions
        self.filter = filter
    }

    /// The statement that selects all rows, without bounds of a shard; what metadata shows.
    package var statement: String {
        switch origin {
        case .relation(let schema, let name):
            select(from: PostgresName.qualified(schema, name), conditions: [])
        case .query(let sql):
            // The line breaks keep a comment at the query's end from swallowing what follows.
            select(from: "(\n\(Self.withoutTerminator(sql))\n) AS \"query\"", conditions: [])
        }
    }

    /// The statement for one shard.
    package func statement(for piece: Shard.Piece) -> String {
        guard case .blocks(let schema, let relation, let first, let limit) = piece,
            case .relation(_, let name) = origin
        else { return statement }
        var conditions: [String] = []
        if first > 0 { conditions.append("ctid >= '(\(first),0)'::pg_catalog.tid") }
        if let limit { conditions.append("ctid < '(\(limit),0)'::pg_catalog.tid") }
        // A filter that names the table finds it, whichever leaf is read.
        let alias = relation == name ? "" : " AS \(PostgresName.quoted(name))"
        return select(from: "ONLY \(PostgresName.qualified(schema, relation))\(alias)", conditions: conditions)
    }

    /// Statements that prove the document's SQL to be one condition, or one query: in them it stands without parentheses
    /// around it. They are analysed, never run.
    ///
    /// The parentheses of a valid statement pair up, so a text that is valid here and between parentheses closes none
    /// but its own. `a) or (b` and `true) union (select …` are valid between parentheses alone, and `;` nowhere.
    package var proofs: [String] {
        switch origin {
        case .relation(let schema, let name):
            filter.map {
                ["SELECT 1 FROM \(PostgresName.qualified(schema, name)) WHERE CASE WHEN\n\($0)\nTHEN true END"]
            } ?? []
        case .query(let sql): ["\(Self.withoutTerminator(sql))\n"]
        }
    }

    private func select(from relation: String, conditions: [String]) -> String {
        let conditions = conditions + (filter.map { ["(\n\($0)\n)"] } ?? [])
        return "SELECT \(expressions.joined(separator: ", ")) FROM \(relation)"
            + (conditions.isEmpty ? "" : " WHERE \(conditions.joined(separator: " AND "))")
    }

    private static func withoutTerminator(_ sql: String) -> String {
        var text = Substring(sql)
        while let last = text.last, last.isWhitespace || last == ";" { text.removeLast() }
        return String(text)
    }
}
