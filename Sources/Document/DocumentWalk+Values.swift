import Model

/// The values of one section's keys, after unknown, refused, empty and missing keys have been told.
struct SectionValues {
    let section: DocumentSection
    /// Where the section begins.
    let position: Position
    private let values: [String: Node]

    init(section: DocumentSection, position: Position, values: [String: Node]) {
        self.section = section
        self.position = position
        self.values = values
    }

    subscript(_ name: String) -> Node? {
        precondition(section.key(name) != nil, "the key is in the section's table")
        return values[name]
    }

    func form(_ name: String) -> String { section.key(name)?.form ?? "" }
}

extension DocumentWalk {
    /// Reads a mapping whose keys are those of `section`; nil when the node is no mapping.
    mutating func section(_ section: DocumentSection, at node: Node, what: String) -> SectionValues? {
        guard let entries = node.map else {
            let names = section.keys.map(\.name).joined(separator: ", ")
            problems.error(
                node.position, found: "\(node.isText ? "a text" : node.found) as \(what)",
                expected: "a mapping with the keys \(names)")
            return nil
        }
        var values: [String: Node] = [:]
        // What is there, or stands there under a mistyped or refused name, is not told as missing too.
        var present: Set<String> = []
        for entry in entries {
            guard let key = section.key(entry.key) else {
                present.formUnion(refuseKey(entry, in: section, what: what))
                continue
            }
            present.insert(key.name)
            if entry.value.isNull, !(section == .csv && key.name == "nulls") {
                problems.error(
                    entry.keyPosition, found: "no value for \"\(key.name)\"", expected: key.form,
                    remedy: "give it one or remove the key")
            } else {
                values[key.name] = entry.value
            }
        }
        for key in section.keys where key.isRequired && !present.contains(key.name) {
            problems.error(
                node.position, found: "no \"\(key.name)\" in \(what)", expected: key.form,
                remedy: "for example \(key.example)")
        }
        return SectionValues(section: section, position: node.position, values: values)
    }

    /// Gives the keys that the refused one stands in for.
    private mutating func refuseKey(_ entry: Node.Entry, in section: DocumentSection, what: String) -> [String] {
        if let refused = section.refused.first(where: { $0.names.contains(entry.key) }) {
            problems.error(entry.keyPosition, found: "\"\(entry.key)\": \(refused.reason)", remedy: refused.remedy)
            return refused.standsFor
        }
        let words = section.keys.map(\.name)
        problems.unknownWord(entry.key, kind: "key", at: entry.keyPosition, among: words, in: what)
        return NearestWord.find(entry.key, among: words).map { [$0] } ?? []
    }

    /// A text that is not blank, or nil; a missing key is no problem here.
    mutating func text(_ name: String, _ values: SectionValues) -> String? {
        guard let node = values[name] else { return nil }
        return text(node, name: name, form: values.form(name))
    }

    mutating func text(_ node: Node, name: String, form: String) -> String? {
        guard let text = node.text else {
            problems.error(node.position, found: "\(node.found) for \"\(name.shown())\"", expected: form)
            return nil
        }
        guard text.contains(where: { !$0.isWhitespace }) else {
            let isReplaced = node.written.map(Placeholders.isIn) ?? false
            problems.error(
                node.position, found: "an empty text for \"\(name.shown())\"", expected: form,
                remedy: isReplaced ? "what the placeholder stands for is empty" : nil)
            return nil
        }
        return text
    }

    /// A text or a list of texts, none blank.
    mutating func texts(_ name: String, _ values: SectionValues) -> [String] {
        guard let node = values[name] else { return [] }
        guard let items = node.list else { return text(name, values).map { [$0] } ?? [] }
        if items.isEmpty {
            problems.error(node.position, found: "an empty list for \"\(name)\"", expected: values.form(name))
        }
        return items.compactMap { text($0, name: name, form: values.form(name)) }
    }

    mutating func boolean(_ name: String, _ values: SectionValues) -> Bool? {
        guard let node = values[name] else { return nil }
        if let boolean = node.boolean { return boolean }
        problems.error(
            node.position, found: "\(node.found) for \"\(name)\"", expected: "true or false",
            remedy: node.written.flatMap(PlainScalar.booleanHint))
        return nil
    }

    mutating func integer(_ name: String, _ values: SectionValues, in range: ClosedRange<Int64>) -> Int? {
        guard let node = values[name] else { return nil }
        if let integer = node.integer, range.contains(integer) { return Int(integer) }
        problems.error(
            node.position, found: "\(node.found) for \"\(name)\"",
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            remedy: node.isText ? node.written.flatMap(PlainScalar.numberHint) : nil)
        return nil
    }

    /// One of a few words, case ignored; as it stands in `words`.
    mutating func word(_ name: String, _ values: SectionValues, among words: [String]) -> String? {
        guard let node = values[name], let text = text(name, values) else { return nil }
        if let word = words.first(where: { $0.lowercased() == text.lowercased() }) { return word }
        problems.unknownWord(node.written ?? "", kind: name, at: node.position, among: words)
        return nil
    }

    mutating func uri(_ name: String, _ values: SectionValues) -> String? {
        guard let node = values[name], let text = text(name, values) else { return nil }
        if TextForms.isAbsoluteURI(text) { return text }
        problems.error(
            node.position, found: "\(node.found) for \"\(name)\"", expected: "an absolute URI",
            remedy: "for example https://example.org/data")
        return nil
    }

    /// A path that is not blank. `~` is refused: a shell would replace it, this reader does not.
    mutating func path(_ name: String, _ values: SectionValues) -> String? {
        guard let node = values[name], let path = text(name, values) else { return nil }
        if path == "~" || path.hasPrefix("~/") {
            problems.error(
                node.position, found: "a path that begins with ~ for \"\(name)\"", expected: values.form(name),
                remedy: "~ is not replaced here: write \"${env:HOME}/…\", or ./~ for a folder of that name")
            return nil
        }
        return path
    }

    /// Refuses a placeholder where its value would leave the machine as part of what is published or shown.
    mutating func refuseIfPublished(_ node: Node?, _ name: String, where place: String) {
        guard let node else { return }
        for item in node.list ?? node.map?.map(\.value) ?? [node] {
            if let written = item.written, Placeholders.isIn(written) {
                problems.error(
                    item.position, found: "a placeholder in \"\(name)\", whose value would appear in \(place)",
                    expected: "the text itself")
            }
        }
    }
}

extension Node {
    var isText: Bool {
        if case .scalar(let scalar) = value { scalar.kind == .text } else { false }
    }
}

extension ProblemList {
    /// Like `unknownWord(_:kind:at:among:)`, naming the part of the document that the word stands in.
    mutating func unknownWord(
        _ word: String, kind: String, at position: Position?, among words: [String], in what: String
    ) {
        error(
            position, found: "unknown \(kind) \"\(word.shown())\" in \(what)", expected: expectation(words),
            remedy: suggestion(for: word, among: words))
    }
}
