import Model

extension Croissant {
    /// Croissant RAI 1.0, under the specification's names. Sentences about the run are made from its plan; about use,
    /// limits and biases only the pipeline document speaks.
    var responsibleUse: [JSON.Member] {
        let compliance = about.compliance
        return members([
            "rai:dataCollection": .text(compliance?.collection ?? collectionWords),
            "rai:dataCollectionRawData": .text(rawDataWords),
            "rai:dataPreprocessingProtocol": texts(steps { $0 == .clean }),
            "rai:dataManipulationProtocol": .text(manipulationWords),
            "rai:personalSensitiveInformation": .texts(personalWords),
            "rai:dataUseCases": texts(compliance?.useCases ?? []),
            "rai:dataLimitations": texts(compliance?.limitations ?? []),
            "rai:dataBiases": texts(compliance?.biases ?? []),
            "rai:dataReleaseMaintenancePlan": compliance?.retention.map {
                .text("A published version never changes; each is kept for \($0) after its publication.")
            },
        ])
    }

    private func texts(_ items: [String]) -> JSON? { items.isEmpty ? nil : .texts(items) }

    private func steps(_ isWanted: (StepPlan.Effect) -> Bool) -> [String] {
        description.workingSteps.filter { isWanted($0.step.effect) }.map {
            "\($0.table.name).\($0.column.name): \($0.step.summary)"
        }
    }

    private var collectionWords: String {
        let parts = plan.sources.map { source in
            switch source {
            case .postgres(let identity):
                "\(identity.name) (PostgreSQL \(identity.serverVersion)) in one \(identity.isolation) snapshot"
            case .files(let identity):
                "\(identity.files.count) \(identity.files.count == 1 ? "file" : "files") of \(identity.name)"
            }
        }
        return "Read-only extraction from \(parts.joined(separator: "; ")). "
            + "\(ModuleLayout.protocolFile) gives every statement, file, filter and row count."
    }

    private var rawDataWords: String {
        plan.tables.map { "\($0.name) from \($0.source): \($0.origin)" }.joined(separator: "; ") + "."
    }

    private var manipulationWords: String {
        let done = steps { $0 != .clean }
        let dropped = plan.tables.filter { !$0.droppedColumns.isEmpty }.map {
            "\($0.name): \($0.droppedColumns.joined(separator: ", "))"
        }
        var sentences = [
            done.isEmpty ? "No column is replaced, coarsened or redacted." : done.joined(separator: "; ") + "."
        ]
        if !dropped.isEmpty { sentences.append("Columns left out: \(dropped.joined(separator: "; ")).") }
        if description.workingSteps.contains(where: { $0.step.effect == .pseudonymise }) {
            sentences.append("Keyed pseudonyms remain personal data (GDPR, recital 26).")
        }
        return sentences.joined(separator: " ")
    }

    private var personalWords: [String] {
        let stated = about.compliance?.personalData ?? []
        let columns = plan.tables.flatMap { table in
            table.columns.filter(\.isProtected).map { column in
                "\(table.name).\(column.name): \(Self.protection(column))"
            }
        }
        let words = stated + columns
        return words.isEmpty ? ["No column is declared to hold personal data."] : words
    }

    private static func protection(_ column: ColumnPlan) -> String {
        let effects = column.steps.map(\.effect)
        if effects.contains(.pseudonymise) { return "keyed pseudonym" }
        if effects.contains(.redact) { return "redacted" }
        if effects.contains(.generalise) { return "generalised" }
        if effects.contains(.perturb) { return "perturbed" }
        return "protected"
    }
}
