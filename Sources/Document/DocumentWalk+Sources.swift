import Model

/// Sources and keys.
extension DocumentWalk {
    static let sourceKinds = ["postgres", "csv"]
    /// Kinds that are planned: refused by name, so that nobody looks for a typing mistake.
    static let laterSourceKinds = ["parquet", "mysql", "jsonl", "sqlite"]

    mutating func readSources(_ values: SectionValues) -> [SourceSpec] {
        entries("sources", values).compactMap { entry in
            let isNamed = label(entry, what: "a source's name")
            let (kind, family, allows) = readSource(entry)
            families.append((entry.key, family))
            guard isNamed, let kind else { return nil }
            return SourceSpec(
                name: entry.key, position: entry.keyPosition, kind: kind, allowsUnverifiedTLS: allows)
        }
    }

    mutating func readKeys(_ values: SectionValues) -> [KeySpec] {
        guard let node = values["keys"], node.map?.isEmpty != true else { return [] }
        return entries("keys", values).compactMap { entry in
            let isNamed = label(entry, what: "a key's name")
            // The node is not quoted: what stands here in place of a mapping may be the key itself.
            guard entry.value.map != nil else {
                problems.error(
                    entry.value.position, found: "the key \"\(entry.key.shown())\" without a file",
                    expected: "{file: PATH}", remedy: "the bytes of a key never stand in a document")
                return nil
            }
            guard let keyValues = section(.key, at: entry.value, what: "the key \"\(entry.key.shown())\""),
                let path = path("file", keyValues), isNamed
            else { return nil }
            return KeySpec(
                name: entry.key, position: entry.keyPosition, path: Paths.absolute(path, in: baseDirectory),
                written: keyValues["file"]?.written.flatMap { Placeholders.isIn($0) ? $0 : nil })
        }
    }

    /// The entries of a mapping from names; told when it is none or empty.
    mutating func entries(_ name: String, _ values: SectionValues) -> [Node.Entry] {
        guard let node = values[name] else { return [] }
        guard let entries = node.map, !entries.isEmpty else {
            problems.error(
                node.position, found: node.map == nil ? "\(node.found) for \"\(name)\"" : "no entry in \"\(name)\"",
                expected: values.form(name))
            return []
        }
        return entries
    }

    private mutating func label(_ entry: Node.Entry, what: String) -> Bool {
        if Names.isLabel(entry.key) { return true }
        problems.error(
            entry.keyPosition, found: "\"\(entry.key.shown())\" as \(what)", expected: Names.labelPattern)
        return false
    }

    private mutating func readSource(_ entry: Node.Entry) -> (SourceSpec.Kind?, SourceFamily, allowsUnverifiedTLS: Bool)
    {
        let what = "the source \"\(entry.key.shown())\""
        guard entry.value.map != nil else {
            problems.error(
                entry.value.position, found: "\(what) is no mapping", expected: "a mapping that begins with kind",
                remedy: "for example {kind: csv, path: \"labs/*.csv\"}")
            return (nil, .unknown, false)
        }
        guard let kindNode = entry.value["kind"], let kind = kindNode.text else {
            problems.error(
                entry.value["kind"]?.position ?? entry.keyPosition, found: "no \"kind\" in \(what)",
                expected: "one of \(Self.sourceKinds.joined(separator: ", "))")
            return (nil, .unknown, false)
        }
        switch kind.lowercased() {
        case "postgres":
            let values = section(.postgres, at: entry.value, what: what)
            let allows = values.flatMap { boolean("allow_unverified_tls", $0) } ?? false
            return (values.flatMap { readPostgres($0) }, .database, allows)
        case "csv":
            let values = section(.csv, at: entry.value, what: what)
            return (values.flatMap { readDelimited($0) }.map { .csv($0) }, .files, false)
        case "s3":
            problems.error(
                kindNode.position, found: "\"s3\" as a kind of source", expected: "the kind of what lies there",
                remedy: "for example {kind: csv, path: \"s3://bucket/labs/*.csv\"}")
        case let other where Self.laterSourceKinds.contains(other):
            problems.error(
                kindNode.position, found: "sources of kind \"\(other)\" are not available in this version",
                expected: "one of \(Self.sourceKinds.joined(separator: ", "))")
        default:
            problems.unknownWord(
                kindNode.written ?? "", kind: "kind of source", at: kindNode.position, among: Self.sourceKinds)
        }
        return (nil, .unknown, false)
    }

    private mutating func readPostgres(_ values: SectionValues) -> SourceSpec.Kind? {
        connection("url", values).map { .postgres(url: $0) }
    }

    /// A libpq connection text; its form is checked, the server is not.
    mutating func connection(_ name: String, _ values: SectionValues) -> Secret? {
        guard let node = values[name] else { return nil }
        guard let text = node.text, let written = node.written else {
            problems.error(node.position, found: "no text for \"\(name)\"", expected: values.form(name))
            return nil
        }
        guard ConnectionText.isKnownForm(text) else {
            // Not quoted: it may hold a password.
            let isReplaced = Placeholders.isIn(written)
            problems.error(
                node.position,
                found: isReplaced
                    ? "\(written.shown()) does not stand for a connection" : "a \"\(name)\" of another form",
                expected: "postgresql://user@host/database or host=… dbname=…")
            return nil
        }
        if ConnectionText.holdsPassword(written) {
            problems.warning(
                node.position, found: "a password in the document", expected: "\"${env:NAME}\" or a passfile",
                remedy: "whoever can read the document can read the database")
        }
        // A text that is a placeholder and nothing else may print as it stands; in any other, parts may be secret.
        return Secret(text, written: Placeholders.isWhole(written) ? written : text)
    }
}
