package import Model

/// One kind of step: its words, the types it takes, and how its arguments are read. `docs/verbs.md` states the same
/// facts; a test compares.
package struct Verb: Sendable {
    package enum Group: String, Sendable, CaseIterable {
        case pass, clean, pseudonymise, generalise, perturb
        case freeText = "free text"
    }

    /// An argument of the mapping form.
    package struct Parameter: Sendable {
        package let name: String
        package let isRequired: Bool
        /// As written in a document; nil: none.
        package let defaultText: String?
        package let meaning: String

        init(_ name: String, required: Bool = false, default defaultText: String? = nil, _ meaning: String) {
            self.name = name
            isRequired = required
            self.defaultText = defaultText
            self.meaning = meaning
        }
    }

    /// The forms that a step's argument may have.
    package enum Form: Sendable {
        /// No argument.
        case bare
        /// A scalar or list, which stands for the parameter of this name, or a mapping of parameters.
        case short(String)
        /// A scalar or list or mapping of parameters, or nothing at all.
        case optional(String?)
        /// A mapping of parameters.
        case mapping
        /// The verb reads its argument itself.
        case own
    }

    package let name: String
    package let group: Group
    package let effect: StepPlan.Effect
    package let mapping: StepPlan.Mapping
    /// Kinds of types that the verb takes.
    package let accepts: [TypeKind]
    /// A list is taken element by element when its elements are accepted.
    package let isElementwise: Bool
    /// The resulting type in words.
    package let result: String
    package let form: Form
    package let parameters: [Parameter]
    /// false: the verb is part of the language, but this version has no engine for it.
    package let isAvailable: Bool
    let read: @Sendable (inout Arguments) -> (any StepDefinition)?

    init(
        _ name: String, _ group: Group, _ effect: StepPlan.Effect, _ mapping: StepPlan.Mapping, accepts: [TypeKind],
        elementwise isElementwise: Bool = false, result: String, form: Form, parameters: [Parameter] = [],
        read: @escaping @Sendable (inout Arguments) -> (any StepDefinition)?
    ) {
        self.name = name
        self.group = group
        self.effect = effect
        self.mapping = mapping
        self.accepts = accepts
        self.isElementwise = isElementwise
        self.result = result
        self.form = form
        // Whatever may drop rows has a limit.
        self.parameters = parameters.flatMap { $0.name == "on_failure" ? [$0, .atMost] : [$0] }
        isAvailable = true
        self.read = read
    }

    /// A verb of the language that this version refuses by name.
    init(unavailable name: String, _ group: Group, _ effect: StepPlan.Effect, _ mapping: StepPlan.Mapping) {
        self.name = name
        self.group = group
        self.effect = effect
        self.mapping = mapping
        accepts = []
        isElementwise = false
        result = "none: not available in this version"
        form = .own
        parameters = []
        isAvailable = false
        read = { _ in nil }
    }

    /// The type that the step's values have, or nil when the verb does not take the column's type.
    func valueType(of type: DataType) -> DataType? {
        if accepts.contains(type.kind) { return type }
        if isElementwise, case .list(let element) = type, accepts.contains(element.kind) { return element }
        return nil
    }

    /// `boolean, integer, text; lists of these, element by element`
    package var acceptedTypes: String {
        if accepts.count == TypeKind.allCases.count { return "any type" }
        if accepts.isEmpty { return "none" }
        let names = accepts.map(\.rawValue).joined(separator: ", ")
        return isElementwise ? names + "; lists of these, element by element" : names
    }
}

/// Types as verbs tell them apart.
package enum TypeKind: String, Sendable, CaseIterable {
    case boolean, integer, float, decimal, text, binary, date, timestamp, list, structure
}

extension DataType {
    package var kind: TypeKind {
        switch self {
        case .boolean: .boolean
        case .int16, .int32, .int64: .integer
        case .float32, .float64: .float
        case .decimal: .decimal
        case .text: .text
        case .binary: .binary
        case .date: .date
        case .timestamp: .timestamp
        case .list: .list
        case .structure: .structure
        }
    }
}
