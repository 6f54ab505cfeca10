import Model

/// Column rules in their three forms: a verb, `{verb: argument}`, a list of those. Which verbs there are, and what they
/// take, is not looked at here.
extension DocumentWalk {
    mutating func readColumns(_ node: Node, what: String) -> [ColumnRule] {
        guard let entries = node.map, !entries.isEmpty else {
            problems.error(
                node.position, found: node.map == nil ? "\(node.found) for \"columns\"" : "no column in \(what)",
                expected: "every column of the source with its rule", remedy: "for example columns: {id: keep}")
            return []
        }
        var rules: [ColumnRule] = []
        var outputs: [String: String] = [:]
        var isComplete = true
        for entry in entries {
            guard let steps = readRule(entry) else {
                isComplete = false
                continue
            }
            let rule = ColumnRule(name: entry.key, position: entry.keyPosition, steps: steps)
            rules.append(rule)
            allRules.append(rule)
            if steps.contains(where: { $0.verb == "drop" }) { continue }
            if let other = outputs.updateValue(entry.key, forKey: entry.key.lowercased()) {
                problems.error(
                    entry.keyPosition,
                    found: "the columns \"\(other.shown())\" and \"\(entry.key.shown())\" differ only in case",
                    expected: "names that differ otherwise",
                    remedy: "give one another name: other_name: [{from: \(entry.key.shown())}, …]")
            }
        }
        if isComplete, outputs.isEmpty {
            problems.error(
                node.position, found: "\(what) drops every column", expected: "at least one column that is published")
        }
        return rules
    }

    /// nil when the rule has another form; an item that is wrong is told and the others are still looked at.
    private mutating func readRule(_ entry: Node.Entry) -> [StepSpec]? {
        let name = entry.key.shown()
        if entry.value.isNull {
            problems.error(
                entry.keyPosition, found: "no rule for the column \"\(name)\"", expected: Self.ruleForms,
                remedy: "keep publishes it as it is, drop leaves it out")
            return nil
        }
        guard let items = entry.value.list else { return readStep(entry.value, column: name).map { [$0] } }
        if items.isEmpty {
            problems.error(
                entry.value.position, found: "an empty list as the rule of \"\(name)\"", expected: Self.ruleForms)
            return nil
        }
        let steps = items.compactMap { readStep($0, column: name) }
        return steps.count == items.count ? steps : nil
    }

    private static let ruleForms = "a verb, {verb: argument}, or a list of those"

    private mutating func readStep(_ node: Node, column: String) -> StepSpec? {
        switch node.value {
        case .scalar(let scalar):
            // As written: a verb that comes out of a variable could change what is published without the document
            // showing it, and an unknown one would print the variable.
            if scalar.kind == .text { return StepSpec(verb: scalar.written, position: node.position, argument: nil) }
            problems.error(
                node.position, found: "\(node.found) in the rule of \"\(column)\"", expected: Self.ruleForms)
        case .list:
            problems.error(
                node.position, found: "a list inside the list of \"\(column)\"", expected: "one list of steps")
        case .map(let entries):
            if entries.count == 1 {
                noteKeys(in: entries[0].value)
                return StepSpec(verb: entries[0].key, position: entries[0].keyPosition, argument: entries[0].value)
            }
            if entries.isEmpty {
                problems.error(
                    node.position, found: "an empty mapping in the rule of \"\(column)\"", expected: Self.ruleForms)
            } else {
                for entry in entries { noteKeys(in: entry.value) }
                let verbs = entries.map { $0.key.shown(limit: 20) }
                problems.error(
                    node.position, found: "\(entries.count) verbs in one step of \"\(column)\"",
                    expected: "one verb per step",
                    remedy: "write a list: [\(verbs.map { "{\($0): …}" }.joined(separator: ", "))]")
            }
        }
        return nil
    }

    /// Remembers every key that an argument names, wherever the verb wants it, and refuses placeholders: plans and
    /// metadata show a rule with its arguments.
    private mutating func noteKeys(in node: Node) {
        switch node.value {
        case .scalar: refuseIfPublished(node, "columns", where: "the plan and the published metadata")
        case .list(let items): for item in items { noteKeys(in: item) }
        case .map(let entries):
            for entry in entries {
                if entry.key == "key", let name = entry.value.text { usedKeys.insert(name) }
                noteKeys(in: entry.value)
            }
        }
    }
}
