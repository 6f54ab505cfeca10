internal import Model

/// The arguments of one step, as its verb reads them. Every mistake becomes a problem at its place.
struct Arguments {
    let step: StepSpec
    private let verb: Verb
    private let entries: [Node.Entry]
    private let shortNode: (name: String, node: Node)?
    var problems: ProblemList

    /// Checks the argument's form and its names against the verb's; nil after a problem with the form.
    init?(_ step: StepSpec, verb: Verb, problems: inout ProblemList) {
        self.step = step
        self.verb = verb
        let argument = step.argument.flatMap { $0.isNull ? nil : $0 }
        var entries: [Node.Entry] = []
        var short: (String, Node)?
        switch (verb.form, argument) {
        case (.own, _), (.bare, nil), (.optional, nil): break
        case (.bare, let argument?):
            problems.error(argument.position, found: "\(verb.name) has \(argument.found)", expected: "no argument")
            return nil
        case (.short, nil), (.mapping, nil):
            problems.error(step.position, found: "\(verb.name) without argument", expected: Arguments.forms(of: verb))
            return nil
        case (_, let argument?):
            if let map = argument.map {
                entries = map
            } else if case .short(let name) = verb.form {
                short = (name, argument)
            } else if case .optional(let name?) = verb.form {
                short = (name, argument)
            } else {
                problems.error(
                    argument.position, found: "\(verb.name) has \(argument.found)", expected: Arguments.forms(of: verb))
                return nil
            }
        }
        let names = verb.parameters.map(\.name)
        for entry in entries where !names.contains(entry.key) {
            problems.unknownWord(entry.key, kind: "argument of \(verb.name)", at: entry.keyPosition, among: names)
        }
        for parameter in verb.parameters where parameter.isRequired {
            guard !entries.contains(where: { $0.key == parameter.name }), short?.0 != parameter.name else { continue }
            problems.error(
                argument?.position ?? step.position, found: "\(verb.name) without \"\(parameter.name)\"",
                expected: "\(parameter.name): \(parameter.meaning)")
        }
        self.entries = entries
        shortNode = short
        self.problems = problems.continued
    }

    private static func forms(of verb: Verb) -> String {
        let mapping = "{\(verb.parameters.map { "\($0.name): …" }.joined(separator: ", "))}"
        switch verb.form {
        case .short(let name): return "\(name), or \(mapping)"
        case .optional(let name?): return "nothing, \(name), or \(mapping)"
        case .optional(nil): return "nothing, or \(mapping)"
        case .bare: return "no argument"
        case .mapping, .own: return mapping
        }
    }

    func node(_ name: String) -> Node? {
        if let shortNode, shortNode.name == name { return shortNode.node }
        return entries.first { $0.key == name }?.value
    }

    func has(_ name: String) -> Bool { node(name) != nil }

    func position(_ name: String) -> Position { node(name)?.position ?? step.position }

    mutating func refuse(_ name: String, expected: String, remedy: String? = nil) {
        let node = node(name)
        problems.error(
            node?.position ?? step.position,
            found: "\(verb.name): \(name) is \(node?.found ?? "not there")", expected: expected, remedy: remedy)
    }

    mutating func text(_ name: String) -> String? {
        guard let node = node(name) else { return nil }
        if let text = node.text { return text }
        refuse(name, expected: "a text")
        return nil
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let node = node(name) else { return nil }
        if let value = node.integer, range.contains(value) { return value }
        refuse(name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func boolean(_ name: String) -> Bool? {
        guard let node = node(name) else { return nil }
        if let value = node.boolean { return value }
        refuse(name, expected: "true or false")
        return nil
    }

    /// One of the cases' raw values; an unknown word offers the nearest. A null scalar stands for the word `null`.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _: Choice.Type) -> Choice? {
        guard let node = node(name) else { return nil }
        let word = node.isNull ? "null" : node.text
        if let word, let choice = Choice(rawValue: word) { return choice }
        if refuseQuarantine(name, node) { return nil }
        let words = Choice.allCases.map(\.rawValue)
        if let word {
            problems.unknownWord(
                node.written ?? word, kind: "`\(name)` of \(verb.name)", at: node.position, among: words)
        } else {
            refuse(name, expected: "one of \(words.joined(separator: ", "))")
        }
        return nil
    }

    /// A text, or a list of at least one text.
    mutating func texts(_ name: String) -> [String]? {
        guard let node = node(name) else { return nil }
        if let text = node.text { return [text] }
        if let items = node.list, !items.isEmpty {
            let texts = items.compactMap(\.text)
            if texts.count == items.count { return texts }
        }
        refuse(name, expected: "a text or a list of texts")
        return nil
    }

    mutating func type(_ name: String) -> DataType? {
        guard let node = node(name) else { return nil }
        guard let word = node.text else {
            refuse(name, expected: "a type: \(DataType.names.joined(separator: ", "))")
            return nil
        }
        if let type = DataType(name: word) { return type }
        problems.unknownWord(word, kind: "type", at: node.position, among: DataType.names)
        return nil
    }

    /// A scope: nil after a problem.
    mutating func scope(_ name: String) -> String? {
        guard let text = text(name) else { return nil }
        if KeyPurpose.isScope(text) { return text }
        refuse(name, expected: "1 to 64 letters, digits, dots, underscores or hyphens")
        return nil
    }

    mutating func onFailure() -> OnFailure { choice("on_failure", OnFailure.self) ?? .stop }

    /// The word that `drop_row` once was: it promised to keep what was thrown away.
    ///
    /// - Returns: whether it stood there; the problem is told then.
    mutating func refuseQuarantine(_ name: String, _ node: Node) -> Bool {
        guard name == "on_failure", node.text == "quarantine" else { return false }
        problems.error(
            node.position,
            found: "`on_failure: quarantine` of \(verb.name): such rows are counted and dropped, not kept",
            expected: "`on_failure: drop_row`")
        return true
    }

    /// How many rows the step may drop; nil: nothing is said of it.
    mutating func atMost() -> RowLimit? {
        guard verb.parameters.contains(where: { $0.name == "at_most" }), let argument = step.argument,
            let node = argument["at_most"]
        else { return nil }
        // Of `map` the argument may be the table itself.
        if case .own = verb.form, argument["values"] == nil, argument["file"] == nil { return nil }
        guard argument["on_failure"]?.text == OnFailure.dropRow.rawValue else {
            problems.error(
                node.position, found: "\(verb.name): at_most without `on_failure: drop_row`",
                expected: "both or neither")
            return nil
        }
        if let limit = node.text.flatMap({ RowLimit($0) }) { return limit }
        problems.error(
            node.position, found: "\(verb.name): at_most is \(node.found)", expected: RowLimit.form,
            remedy: "for example 100 or 2%")
        return nil
    }

    mutating func allowsWeak() -> Bool { boolean("allow_weak") ?? false }
}

extension Verb.Parameter {
    static let onFailure = Verb.Parameter(
        "on_failure", default: "stop", "what becomes of a failing value: stop, null or drop_row")
    static let atMost = Verb.Parameter(
        "at_most", default: "1%, with other rules",
        "how many rows drop_row may drop of a table: a number or a percentage")
    static let allowWeak = Verb.Parameter(
        "allow_weak", default: "false", "true permits a choice that is refused as weak")
}
