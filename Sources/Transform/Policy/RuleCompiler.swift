internal import Model

/// A rule ready to run.
struct CompiledColumn: Sendable {
    let plan: ColumnPlan
    let position: Position
    /// Index among the inputs; nil: a constant.
    let input: Int?
    /// The steps that do something; `index` is the one in the rule.
    let steps: [(index: Int, step: CompiledStep)]
    /// Inputs that steps look at beside their own.
    let besides: [Int]
    let showsLastCharacters: Bool
}

/// Follows the type of one column along its rule.
enum RuleCompiler {
    struct Scene {
        let table: TableSpec
        let inputs: [InputColumn]
        let keys: KeyRing?
        let estimatedRows: Int64
        let baseDirectory: String
    }

    static func compile(
        _ rule: ColumnRule, input: Int?, scene: Scene, into problems: inout ProblemList
    ) -> CompiledColumn? {
        let read = RuleReader.read(rule, into: &problems)
        guard read.count == rule.steps.count, !read.isEmpty else { return nil }
        // A constant starts from a column of nothing; its own step gives the type.
        var type = input.map { scene.inputs[$0].type } ?? .boolean
        var steps: [(Int, CompiledStep)] = []
        var besides: [Int] = []
        for step in read {
            guard let valueType = step.verb.valueType(of: type) else {
                let isTextForIdentity = type == .text && input.map { scene.inputs[$0].isTextForIdentity } ?? false
                problems.error(
                    step.spec.position,
                    found:
                        "column \"\(rule.name)\": \(step.verb.name) does not take \(type)\(native(input, scene, isFirst: steps.isEmpty))",
                    expected: step.verb.acceptedTypes,
                    remedy: isTextForIdentity ? declareType : remedy(for: type, verb: step.verb))
                return nil
            }
            if let name = step.definition.keyName, let keys = scene.keys, keys[name.text] == nil {
                problems.unknownWord(name.text, kind: "key", at: name.position, among: keys.names)
                return nil
            }
            var context = StepContext(
                table: scene.table.name, column: rule.name, verb: step.verb, position: step.spec.position,
                type: valueType, isFirst: steps.allSatisfy { $0.1.operation is PassOperation }, inputs: scene.inputs,
                keys: scene.keys, estimatedRows: scene.estimatedRows, baseDirectory: scene.baseDirectory,
                allowsWeak: step.allowsWeak, problems: problems.continued)
            let compiled = step.definition.compile(&context)
            problems.append(contentsOf: context.problems.problems)
            guard var compiled else { return nil }
            if let atMost = step.atMost {
                compiled.plan.atMost = atMost
                compiled.plan.summary = "\(compiled.plan.summary.dropLast()), at_most: \(atMost))"
            }
            if let name = (step.definition as? any LooksBeside)?.besideColumn,
                let index = scene.inputs.firstIndex(where: { $0.name == name })
            {
                besides.append(index)
            }
            if valueType != type {
                steps.append((step.index, Elementwise.lift(compiled)))
                type = .list(compiled.type)
            } else {
                steps.append((step.index, compiled))
                type = compiled.type
            }
        }
        let protected: Set<StepPlan.Effect> = [.pseudonymise, .generalise, .perturb, .redact]
        let plan = ColumnPlan(
            name: rule.name, type: type,
            isProtected: steps.contains { protected.contains($0.1.plan.effect) },
            sourceColumn: input.map { scene.inputs[$0].name },
            sourceType: input.map { scene.inputs[$0].nativeName } ?? "",
            mapping: nil, steps: steps.map(\.1.plan))
        return CompiledColumn(
            plan: plan, position: rule.position, input: input, steps: steps, besides: besides,
            showsLastCharacters: read.contains {
                ($0.definition as? any ShowsLastCharacters)?.showsLastCharacters ?? false
            })
    }

    private static func native(_ input: Int?, _ scene: Scene, isFirst: Bool) -> String {
        guard let input, isFirst else { return "" }
        let name = scene.inputs[input].nativeName
        return name.isEmpty || name == scene.inputs[input].type.description ? "" : " (\(name) in the source)"
    }

    private static let declareType =
        "a rule uses the source column's values as identities, so it is read as text: declare its type under `types:` of the source"

    private static func remedy(for type: DataType, verb: Verb) -> String? {
        switch type.kind {
        case .list, .structure: nil
        default: verb.accepts.contains(.text) ? "put `{cast: text}` before it" : nil
        }
    }
}

/// A step that looks at another input column.
protocol LooksBeside: StepDefinition {
    var besideColumn: String { get }
}

/// A step that may leave a value's last characters as they are.
protocol ShowsLastCharacters: StepDefinition {
    var showsLastCharacters: Bool { get }
}
