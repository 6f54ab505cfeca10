import Model

/// Tables: their names, where they are read from, which rows.
extension DocumentWalk {
    mutating func readTables(_ values: SectionValues) -> [TableSpec] {
        var seen: [String: String] = [:]
        return entries("tables", values).compactMap { entry in
            let isNamed = tableName(entry, seen: &seen)
            return readTable(entry).flatMap { isNamed ? $0 : nil }
        }
    }

    private mutating func tableName(_ entry: Node.Entry, seen: inout [String: String]) -> Bool {
        guard Names.isTable(entry.key) else {
            problems.error(
                entry.keyPosition, found: "\"\(entry.key.shown())\" as a table's name", expected: Names.tablePattern)
            return false
        }
        // Some file systems and databases do not tell case apart.
        if let other = seen.updateValue(entry.key, forKey: entry.key.lowercased()) {
            problems.error(
                entry.keyPosition, found: "the tables \"\(other)\" and \"\(entry.key)\" differ only in case",
                expected: "names that differ otherwise")
            return false
        }
        return true
    }

    private mutating func readTable(_ entry: Node.Entry) -> TableSpec? {
        let what = "the table \"\(entry.key.shown())\""
        guard entry.value.map != nil else {
            problems.error(
                entry.value.position, found: "\(what) is no mapping",
                expected: "a mapping with the keys from, where, columns")
            return nil
        }
        guard let values = section(.table, at: entry.value, what: what) else { return nil }
        let origin = values["from"].flatMap { readOrigin($0) }
        let filter = readFilter(values, origin: origin?.origin)
        let columns = values["columns"].map { readColumns($0, what: what) } ?? []
        guard let origin, let from = values["from"] else {
            hasUnclearOrigin = true
            return nil
        }
        return TableSpec(
            name: entry.key, position: entry.keyPosition, source: origin.source, origin: origin.origin,
            originPosition: from.position, filter: filter,
            filterPosition: filter == nil ? nil : values["where"]?.position,
            columns: columns)
    }

    private mutating func readFilter(_ values: SectionValues, origin: TableSpec.Origin?) -> String? {
        guard let node = values["where"], let filter = text("where", values) else { return nil }
        refuseIfPublished(node, "where", where: "the plan and the lineage")
        switch origin {
        case .query:
            problems.error(node.position, found: "\"where\" beside a query", remedy: "put the condition into the query")
            return nil
        case .files:
            problems.error(
                node.position, found: "\"where\" for files",
                expected: "\"where\" only for tables of a database, which evaluates it")
            return nil
        case .relation, nil: return filter
        }
    }

    private mutating func readOrigin(_ node: Node) -> (source: String, origin: TableSpec.Origin)? {
        if node.map != nil { return readQuery(node) }
        guard let text = node.text, let written = node.written else {
            problems.error(node.position, found: "\(node.found) for \"from\"", expected: Self.originForms)
            return nil
        }
        guard !Placeholders.isIn(written) else {
            refuseIfPublished(node, "from", where: "the plan and the lineage")
            return nil
        }
        guard let parts = DottedName.parts(of: text), let name = parts.first else {
            problems.error(
                node.position, found: "\"\(written.shown())\" for \"from\"", expected: Self.originForms,
                remedy: "put a name with a dot or space in double quotes: 'hospital.public.\"odd.name\"'")
            return nil
        }
        guard let family = family(of: name, at: node.position) else { return nil }
        switch (family, parts.count) {
        case (.database, 3): return (name, .relation(schema: parts[1], name: parts[2]))
        case (.files, 1): return (name, .files)
        case (.unknown, _): return nil
        case (.database, _):
            let remedy = parts.count == 2 ? "did you mean \"\(name).public.\(parts[1].shown())\"?" : nil
            problems.error(
                node.position, found: "\"\(written.shown())\" for \"from\"", expected: "source.schema.table",
                remedy: remedy)
        case (.files, _):
            problems.error(
                node.position, found: "\"\(written.shown())\" for \"from\"",
                expected: "a file source's name alone: \(name)")
        }
        return nil
    }

    private static let originForms = "source.schema.table, {source: …, query: …}, or a file source's name"

    private mutating func readQuery(_ node: Node) -> (source: String, origin: TableSpec.Origin)? {
        guard let values = section(.query, at: node, what: "from") else { return nil }
        let query = text("query", values).map(Self.withoutSemicolon)
        for key in ["query", "source"] { refuseIfPublished(values[key], key, where: "the plan and the lineage") }
        guard let source = values["source"], let name = text("source", values),
            !Placeholders.isIn(source.written ?? ""), let family = family(of: name, at: source.position)
        else { return nil }
        if family == .files {
            problems.error(
                source.position, found: "a query to the file source \"\(name)\"",
                expected: "a database, or the file source's name alone: from: \(name)")
        }
        guard family == .database, let query else { return nil }
        if query.isEmpty {
            problems.error(values["query"]?.position, found: "an empty query", expected: "one SQL query")
            return nil
        }
        return (name, .query(sql: query))
    }

    /// The query is put inside another statement, where the semicolon that people end it with would be wrong.
    private static func withoutSemicolon(_ query: String) -> String {
        var rest = Substring(query)
        while let last = rest.last, last.isWhitespace || last == ";" { rest.removeLast() }
        return String(rest)
    }

    /// Looks a source up and notes that it is used; nil for an unknown one, which is told.
    private mutating func family(of name: String, at position: Position) -> SourceFamily? {
        if let source = families.first(where: { $0.name == name }) {
            usedSources.insert(name)
            return source.family
        }
        problems.unknownWord(name, kind: "source", at: position, among: families.map(\.name))
        return nil
    }
}

/// `source.schema.table`: names stand for themselves, case kept. A name with a dot, a space or a quote is written in
/// double quotes, in which a quote is doubled: `hospital.public."odd.name"`.
enum DottedName {
    static func parts(of text: String) -> [String]? {
        var parts: [String] = []
        var rest = Substring(text)
        while true {
            guard let part = rest.first == "\"" ? quoted(&rest) : bare(&rest), !part.isEmpty else { return nil }
            parts.append(part)
            guard let next = rest.popFirst() else { return parts }
            guard next == "." else { return nil }
        }
    }

    private static func bare(_ rest: inout Substring) -> String? {
        let part = rest.prefix { $0 != "." }
        rest = rest.dropFirst(part.count)
        return part.contains { $0.isWhitespace || $0 == "\"" } ? nil : String(part)
    }

    private static func quoted(_ rest: inout Substring) -> String? {
        rest.removeFirst()
        var part = ""
        while let character = rest.popFirst() {
            if character != "\"" {
                part.append(character)
            } else if rest.first == "\"" {
                part.append("\"")
                rest.removeFirst()
            } else {
                return part
            }
        }
        return nil
    }
}
