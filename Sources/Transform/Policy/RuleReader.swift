internal import Model

/// A step with its arguments read.
struct ReadStep {
    let spec: StepSpec
    let verb: Verb
    let definition: any StepDefinition
    /// Its index in the rule, which counts and errors name.
    let index: Int
    let allowsWeak: Bool
    /// How many rows it may drop; nil: not said.
    let atMost: RowLimit?
}

/// A key's name where the document has it.
struct KeyReference: Sendable {
    let text: String
    let position: Position
}

extension StepDefinition {
    /// The key that the step needs; nil for most.
    var keyName: KeyReference? { (self as? any UsesKey)?.keyReference }
}

/// A step that needs a key.
protocol UsesKey: StepDefinition {
    var keyReference: KeyReference? { get }
}

/// Reads a rule's steps: known verbs, right arguments, sensible order. Needs no schema.
enum RuleReader {
    /// The steps whose verb and arguments are right; all others are in `problems`.
    static func read(_ rule: ColumnRule, into problems: inout ProblemList) -> [ReadStep] {
        if rule.steps.isEmpty {
            problems.error(
                rule.position, found: "column \"\(rule.name)\" has no rule", expected: "a verb or a list of verbs",
                remedy: "`keep` publishes the column as it is, `drop` leaves it out")
        }
        var steps: [ReadStep] = []
        for (index, spec) in rule.steps.enumerated() {
            guard let verb = VerbList.find(spec.verb) else {
                problems.unknownWord(spec.verb, kind: "verb", at: spec.position, among: VerbList.names)
                continue
            }
            guard verb.isAvailable else {
                problems.error(
                    spec.position, found: "verb \"\(verb.name)\" is not available in this version",
                    expected: problems.expectation(VerbList.names))
                continue
            }
            guard checkPlace(of: verb, at: index, spec: spec, rule: rule, into: &problems) else { continue }
            guard var arguments = Arguments(spec, verb: verb, problems: &problems) else { continue }
            let definition = verb.read(&arguments)
            let allowsWeak = verb.parameters.contains { $0.name == "allow_weak" } && arguments.allowsWeak()
            let atMost = arguments.atMost()
            problems.append(contentsOf: arguments.problems.problems)
            guard let definition, arguments.problems.problems.isEmpty else { continue }
            steps.append(
                ReadStep(
                    spec: spec, verb: verb, definition: definition, index: index, allowsWeak: allowsWeak,
                    atMost: atMost))
        }
        return steps
    }

    private static func checkPlace(
        of verb: Verb, at index: Int, spec: StepSpec, rule: ColumnRule, into problems: inout ProblemList
    ) -> Bool {
        switch verb.name {
        case "drop" where rule.steps.count > 1:
            // `{from: X}` in front says which source column is dropped under another name; all else contradicts.
            problems.error(
                spec.position, found: "drop among other steps", expected: "drop alone",
                remedy: "remove drop or the other steps")
            return false
        case "from" where index > 0, "constant" where index > 0:
            problems.error(
                spec.position, found: "\(verb.name) as step \(index + 1)", expected: "\(verb.name) as the first step")
            return false
        case "on_special":
            let isLeading = rule.steps[..<index].allSatisfy { ["from", "cast"].contains($0.verb) }
            if !isLeading {
                problems.error(
                    spec.position, found: "on_special as step \(index + 1)",
                    expected: "on_special before all steps but `from` and `cast`: it says how the source is read")
            }
            return isLeading
        default:
            return true
        }
    }
}
