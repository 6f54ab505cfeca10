internal import Model

/// Looks types up in `pg_type`, each once.
struct PostgresTypes {
    private struct Entry {
        let typname: String
        let kind: String
        let isArray: Bool
        let element: UInt32
        let baseType: UInt32
        let baseTypmod: Int32
        let extensionName: String?
        var labels: [String] = []
        var fields: [(name: String, oid: UInt32, typmod: Int32, collation: String)] = []
    }

    private let connection: PostgresConnection
    private var entries: [UInt32: Entry] = [:]

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// The types of columns; `name` of each is what `format_type` prints.
    mutating func resolve(_ columns: [(oid: UInt32, typmod: Int32)]) throws(ExtractError) -> [PostgresType] {
        try load(Set(columns.map(\.oid)))
        let names = try names(of: columns)
        return zip(columns, names).map { column, name in type(column.oid, column.typmod, name: name) }
    }

    /// A canonical text of a type: what a mapping and a decoder depend on, members and labels included.
    func fingerprint(oid: UInt32, typmod: Int32) -> String {
        guard let entry = entries[oid] else { return "\(oid)/\(typmod)" }
        var text = "\(oid)/\(typmod)/\(entry.kind)"
        if entry.kind == "e" {
            text += JSON.texts(entry.labels).text()
        } else if entry.kind == "d" {
            text += "<" + fingerprint(oid: entry.baseType, typmod: entry.baseTypmod) + ">"
        } else if entry.kind == "c" {
            let fields = entry.fields.map {
                JSON.texts([$0.name, $0.collation]).text() + fingerprint(oid: $0.oid, typmod: $0.typmod)
            }
            text += "(" + fields.joined(separator: ",") + ")"
        } else if entry.isArray {
            text += "[" + fingerprint(oid: entry.element, typmod: typmod) + "]"
        }
        return text
    }

    /// A type below its domains, as a server describes a result's columns.
    mutating func undressed(oid: UInt32, typmod: Int32) throws(ExtractError) -> (oid: UInt32, typmod: Int32) {
        try load([oid])
        var (oid, typmod) = (oid, typmod)
        while let entry = entries[oid], entry.kind == "d" { (oid, typmod) = (entry.baseType, entry.baseTypmod) }
        return (oid, typmod)
    }

    // MARK: Loading

    private mutating func load(_ oids: Set<UInt32>) throws(ExtractError) {
        var wanted = oids.subtracting(entries.keys).filter { $0 != 0 }
        while !wanted.isEmpty {
            let list = Self.list(wanted)
            let rows = try connection.query(
                """
                SELECT t.oid, t.typname, t.typtype, COALESCE(e.typarray = t.oid, false), t.typelem, t.typbasetype,
                       t.typtypmod, x.extname
                FROM pg_catalog.pg_type t
                LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typelem <> 0
                LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                     AND d.objid = t.oid AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                WHERE t.oid = ANY ($1::pg_catalog.oid[])
                """, [list])
            for row in rows {
                entries[UInt32(row[0] ?? "") ?? 0] = Entry(
                    typname: row[1] ?? "", kind: row[2] ?? "", isArray: row[3] == "t",
                    element: UInt32(row[4] ?? "") ?? 0, baseType: UInt32(row[5] ?? "") ?? 0,
                    baseTypmod: Int32(row[6] ?? "") ?? -1, extensionName: row[7])
            }
            try loadLabels(list)
            try loadFields(list)
            var next: Set<UInt32> = []
            for oid in wanted {
                guard let entry = entries[oid] else { continue }
                if entry.isArray { next.insert(entry.element) }
                if entry.kind == "d" { next.insert(entry.baseType) }
                next.formUnion(entry.fields.map(\.oid))
            }
            wanted = next.subtracting(entries.keys).subtracting(wanted)
        }
    }

    private mutating func loadLabels(_ list: String) throws(ExtractError) {
        let rows = try connection.query(
            """
            SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = ANY ($1::pg_catalog.oid[])
            ORDER BY enumtypid, enumsortorder
            """, [list])
        for row in rows { entries[UInt32(row[0] ?? "") ?? 0]?.labels.append(row[1] ?? "") }
    }

    private mutating func loadFields(_ list: String) throws(ExtractError) {
        let rows = try connection.query(
            """
            SELECT t.oid, a.attname, a.atttypid, a.atttypmod, a.attcollation
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
            WHERE t.oid = ANY ($1::pg_catalog.oid[]) AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY t.oid, a.attnum
            """, [list])
        for row in rows {
            entries[UInt32(row[0] ?? "") ?? 0]?.fields.append(
                (row[1] ?? "", UInt32(row[2] ?? "") ?? 0, Int32(row[3] ?? "") ?? -1, row[4] ?? "0"))
        }
    }

    private func names(of columns: [(oid: UInt32, typmod: Int32)]) throws(ExtractError) -> [String] {
        if columns.isEmpty { return [] }
        let rows = try connection.query(
            """
            SELECT pg_catalog.format_type(o, m)
            FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]))
                 WITH ORDINALITY AS u(o, m, n) ORDER BY n
            """,
            [
                "{" + columns.map { String($0.oid) }.joined(separator: ",") + "}",
                "{" + columns.map { String($0.typmod) }.joined(separator: ",") + "}",
            ])
        return rows.map { $0[0] ?? "???" }
    }

    private static func list(_ oids: Set<UInt32>) -> String {
        "{" + oids.sorted().map(String.init).joined(separator: ",") + "}"
    }

    // MARK: Building

    private func type(_ oid: UInt32, _ typmod: Int32, name: String?) -> PostgresType {
        guard let entry = entries[oid] else {
            return .scalar(oid: oid, base: "unknown", typmod: typmod, extensionName: nil, name: name ?? "unknown")
        }
        let name = name ?? entry.typname
        switch entry.kind {
        case "e": return .enumeration(oid: oid, labels: entry.labels, name: name)
        case "c":
            return .composite(
                oid: oid,
                fields: entry.fields.map { PostgresField(name: $0.name, type: type($0.oid, $0.typmod, name: nil)) },
                name: name)
        case "d": return .domain(oid: oid, base: type(entry.baseType, entry.baseTypmod, name: nil), name: name)
        case "r", "m": return .range(oid: oid, isMulti: entry.kind == "m", name: name)
        default:
            if entry.isArray {
                return .array(oid: oid, element: type(entry.element, typmod, name: nil), name: name)
            }
            return .scalar(
                oid: oid, base: entry.typname, typmod: typmod, extensionName: entry.extensionName, name: name)
        }
    }
}
