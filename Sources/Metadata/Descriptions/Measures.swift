import Model

/// Which terms of DPV 2.3 say what a step does. DPV has none for generalisation, masking or noise: these are
/// de-identification there, and `etl:technique` carries the method.
enum Measures {
    static func of(_ column: ColumnPlan) -> [String] {
        var terms: [String] = []
        for step in column.steps {
            for term in of(step) where !terms.contains(term) { terms.append(term) }
        }
        return terms.isEmpty && column.isProtected ? ["dpv:Deidentification"] : terms
    }

    static func of(_ step: StepPlan) -> [String] {
        switch step.effect {
        case .pass, .clean: return []
        case .generalise, .perturb: return ["dpv:Deidentification"]
        case .redact: return ["dpv:DataRedaction"]
        case .pseudonymise:
            let method = step.method.lowercased()
            var terms = ["dpv:DeterministicPseudonymisation"]
            if method.contains("hmac") { terms.append("dpv:HashMessageAuthenticationCode") }
            if ["aes", "ff1", "siv", "encrypt"].contains(where: { method.contains($0) }) {
                terms.append("dpv:Encryption")
            }
            return terms
        }
    }

    /// A keyed token stays personal data (GDPR, recital 26); DPV says so by making it a kind of it.
    static func personalData(of column: ColumnPlan) -> String {
        column.steps.contains { $0.effect == .pseudonymise } ? "dpv:PseudonymisedData" : "dpv:PersonalData"
    }

    /// Kinds of processing by the effects that occur.
    static func processing(_ description: ModuleDescription) -> [String] {
        let effects = Set(description.workingSteps.map(\.step.effect))
        var terms = ["dpv:Collect"]
        if !effects.isEmpty { terms.append("dpv:Transform") }
        if effects.contains(.pseudonymise) { terms.append("dpv:Pseudonymise") }
        terms.append("dpv:Store")
        return terms
    }
}
