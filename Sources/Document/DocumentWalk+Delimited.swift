import Model

/// A source of delimited files.
extension DocumentWalk {
    mutating func readDelimited(_ values: SectionValues) -> DelimitedSpec? {
        let path = path("path", values)
        // How a file is read stands in the plan and in what is published of the source.
        for key in values.section.keys where !["path", "s3", "kind"].contains(key.name) {
            refuseIfPublished(values[key.name], key.name, where: "the plan and the published metadata")
        }
        var spec = DelimitedSpec(path: path ?? "", pathPosition: values["path"]?.position ?? values.position)
        if let delimiter = readDelimiter(values) { spec.delimiter = delimiter }
        if let quote = readCharacter("quote", values) { spec.quote = quote }
        if let escape = readCharacter("escape", values) { spec.escape = escape }
        if let comment = readCharacter("comment", values) { spec.comment = comment }
        refuseClashes(spec, values)
        if let hasHeader = boolean("header", values) { spec.hasHeader = hasHeader }
        spec.encoding = readEncoding(values)
        spec.compression = word("compression", values, among: ["auto"] + DelimitedSpec.Compression.words)
            .flatMap { DelimitedSpec.Compression(rawValue: $0) }
        if let nulls = readNulls(values) { spec.nullTexts = nulls }
        if let count = integer("skip_lines", values, in: 0...1_000_000) { spec.skippedLines = count }
        spec.types = readTypes(values)
        spec.names = readNames(values)
        if !spec.hasHeader, values["names"] == nil, let header = values["header"] {
            problems.error(
                header.position, found: "header: false without names", expected: "names: [first, second, …]",
                remedy: "rules name columns, so every column needs a name")
        }
        if let names = values["names"], values["header"] == nil {
            problems.error(
                names.position, found: "names without header",
                expected: "header: false where the first record is data, header: true where names stand instead of it",
                remedy: "which of them it is decides whether the first record is published")
        }
        readOnMalformed(values, &spec)
        readS3(path, values, &spec)
        return path == nil ? nil : spec
    }

    private mutating func readOnMalformed(_ values: SectionValues, _ spec: inout DelimitedSpec) {
        if let node = values["on_malformed"], node.text?.lowercased() == "quarantine" {
            problems.error(
                node.position, found: "`on_malformed: quarantine`: such records are counted and dropped, not kept",
                expected: "`on_malformed: drop`")
        } else if let word = word("on_malformed", values, among: DelimitedSpec.OnMalformed.words) {
            spec.onMalformed = DelimitedSpec.OnMalformed(rawValue: word) ?? .stop
        }
        guard let node = values["at_most"] else { return }
        spec.atMost = node.text.flatMap { RowLimit($0) }
        if spec.atMost == nil {
            problems.error(node.position, found: "\(node.found) for \"at_most\"", expected: values.form("at_most"))
        } else if values["on_malformed"] == nil || spec.onMalformed == .stop {
            problems.error(
                node.position, found: "\"at_most\" without `on_malformed: drop`", expected: "both or neither")
        }
    }

    /// A path in S3, and the settings that go with such a one alone.
    private mutating func readS3(_ path: String?, _ values: SectionValues, _ spec: inout DelimitedSpec) {
        if let node = values["s3"], let settings = section(.s3Source, at: node, what: "s3 of the source") {
            spec.connection = readS3Connection(settings)
        }
        guard let path, let node = values["path"] else { return }
        if let place = S3Path(path) {
            check(place, at: node)
        } else if ["https://", "http://"].contains(where: path.lowercased().hasPrefix) {
            // Not quoted: such an address may be signed.
            problems.error(
                node.position, found: "a URL for \"path\"", expected: "a path, a glob or s3://bucket/key",
                remedy: "the address of a server stands in s3: {endpoint: …}")
        } else if let settings = values["s3"] {
            problems.error(
                settings.position, found: "\"s3\" beside a path on disk", expected: "path: \"s3://bucket/key\"",
                remedy: "remove it, or name the bucket in the path")
        }
    }

    private mutating func check(_ place: S3Path, at node: Node) {
        let form = "s3://bucket/key, the key a name or glob"
        if place.bucket.contains(where: { $0 == "@" || $0 == ":" }) || place.key.lowercased().contains("x-amz-") {
            // Not quoted: it holds what opens the bucket.
            problems.error(
                node.position, found: "\"path\": \(DocumentSection.noCredentials)", expected: form,
                remedy: DocumentSection.whereCredentialsBelong)
        } else if !Names.isBucket(place.bucket) {
            problems.error(
                node.position, found: "\(node.found) for \"path\"", expected: form,
                remedy: "a bucket is named literally: \(Names.bucketPattern)")
        } else if place.key.isEmpty || place.key.hasSuffix("/") {
            problems.error(
                node.position, found: "\(node.found) for \"path\"", expected: form,
                remedy: "for example s3://bucket/folder/*.csv")
        }
    }

    private mutating func readDelimiter(_ values: SectionValues) -> UInt8? {
        guard let node = values["delimiter"] else { return nil }
        switch node.text {
        case ",": return UInt8(ascii: ",")
        case ";": return UInt8(ascii: ";")
        case "|": return UInt8(ascii: "|")
        case "\t", "\\t", "tab": return UInt8(ascii: "\t")
        default:
            problems.error(
                node.position, found: "\(node.found) for \"delimiter\"", expected: values.form("delimiter"))
            return nil
        }
    }

    /// Outer nil: absent or wrong. Inner nil: `none`.
    private mutating func readCharacter(_ name: String, _ values: SectionValues) -> UInt8?? {
        guard let node = values[name] else { return nil }
        if node.text?.lowercased() == "none" { return .some(nil) }
        if let text = node.text, text.utf8.count == 1, let byte = text.utf8.first, (0x21...0x7E).contains(byte),
            !(byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")),
            !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        {
            return .some(byte)
        }
        problems.error(
            node.position, found: "\(node.found) for \"\(name)\"",
            expected: "one ASCII character that is no letter, digit or space, or none")
        return nil
    }

    /// One character cannot mean two things. (An escape that equals the quote is the doubled quote, which always holds.)
    private mutating func refuseClashes(_ spec: DelimitedSpec, _ values: SectionValues) {
        let pairs = [
            ("quote", spec.quote, "delimiter", spec.delimiter as UInt8?),
            ("escape", spec.escape, "delimiter", spec.delimiter),
            ("comment", spec.comment, "delimiter", spec.delimiter),
            ("comment", spec.comment, "quote", spec.quote),
        ]
        for (name, character, otherName, other) in pairs where character != nil && character == other {
            problems.error(
                (values[name] ?? values[otherName])?.position ?? values.position,
                found: "the same character for \"\(name)\" and \"\(otherName)\"", expected: "different ones")
        }
    }

    private mutating func readEncoding(_ values: SectionValues) -> DelimitedSpec.Encoding? {
        word("encoding", values, among: ["auto"] + DelimitedSpec.Encoding.words)
            .flatMap { DelimitedSpec.Encoding(rawValue: $0) }
    }

    /// Texts that stand for NULL. An unquoted `NULL` or `~` here means that text: nothing else would make sense.
    private mutating func readNulls(_ values: SectionValues) -> [String]? {
        guard let node = values["nulls"] else { return nil }
        let items = node.list ?? [node]
        return items.compactMap { item in
            if case .scalar(let scalar) = item.value { return scalar.text }
            problems.error(item.position, found: "\(item.found) in \"nulls\"", expected: values.form("nulls"))
            return nil
        }
    }

    private mutating func readTypes(_ values: SectionValues) -> [DelimitedSpec.DeclaredType] {
        guard values["types"] != nil else { return [] }
        return entries("types", values).compactMap { entry in
            guard let name = text(entry.value, name: entry.key, form: "a type") else { return nil }
            if let type = DataType(name: name) {
                return DelimitedSpec.DeclaredType(column: entry.key, type: type, position: entry.value.position)
            }
            let written = entry.value.written ?? ""
            if written.lowercased().hasPrefix("decimal") || written.lowercased().hasPrefix("numeric") {
                problems.error(
                    entry.value.position, found: "the type \"\(written.shown())\"",
                    expected: "decimal(P,S) with a precision P from 1 to 38 and a scale S from 0 to P")
            } else {
                problems.unknownWord(written, kind: "type", at: entry.value.position, among: DataType.names)
            }
            return nil
        }
    }

    private mutating func readNames(_ values: SectionValues) -> [String] {
        guard let node = values["names"] else { return [] }
        guard let items = node.list, !items.isEmpty else {
            problems.error(node.position, found: "\(node.found) for \"names\"", expected: "a list of texts")
            return []
        }
        var seen: Set<String> = []
        return items.compactMap { item in
            guard let name = text(item, name: "names", form: "a column's name") else { return nil }
            if seen.insert(name).inserted { return name }
            problems.error(
                item.position, found: "the column name \"\((item.written ?? "").shown())\" for the second time",
                expected: "each name once")
            return nil
        }
    }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
    /// The words of a document that mean the cases.
    static var words: [String] { allCases.map(\.rawValue) }
}
