internal import Model
internal import ModuleStore

extension TableNote {
    /// What the plan says of a table: where it comes from, and what was done to each column.
    init(_ table: TablePlan) {
        self.init(
            table: table.name,
            text: "From \(table.source), \(table.origin); published by \(ProductVersion.name)",
            columns: table.columns.map { column in
                let steps = column.steps.filter { $0.effect != .pass }.map { "\($0.effect.participle) by \($0.verb)" }
                return (column.name, steps.isEmpty ? "as in the source" : steps.joined(separator: ", "))
            })
    }
}

extension StepPlan.Effect {
    fileprivate var participle: String {
        switch self {
        case .pass: "kept"
        case .clean: "cleaned"
        case .pseudonymise: "pseudonymised"
        case .generalise: "generalised"
        case .perturb: "perturbed"
        case .redact: "redacted"
        }
    }
}
