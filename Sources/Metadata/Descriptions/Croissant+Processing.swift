import Model

extension Croissant {
    /// The record of processing (GDPR, Art. 30) as a `dpv:Process`, and the purpose as a limit of use.
    ///
    /// Controller, officer, legal basis and storage are stated by the pipeline document or left out. Kinds of data,
    /// data subjects and recipients that it is silent about get the most general term, which says no more than that
    /// there are some.
    var processing: [JSON.Member] {
        guard let compliance = about.compliance else { return [] }
        let node = "\(Names.series(about.module))#"
        return members([
            "dpv:hasProcess": process(compliance, node),
            "usageInfo": policy(node),
        ])
    }

    private func process(_ compliance: ModuleAbout.Compliance, _ node: String) -> JSON {
        .record([
            "@type": "dpv:Process",
            "@id": .text("\(node)processing"),
            "rdfs:label": .text("Preparation of the data module \(about.module)"),
            "dpv:hasDataController": compliance.controller.map {
                labelled("dpv:DataController", $0, node + "controller")
            },
            "dpv:hasDataProtectionOfficer": compliance.dataProtectionOfficer.map {
                labelled("dpv:DataProtectionOfficer", $0, node + "officer")
            },
            "dpv:hasPurpose": [labelled("dpv:Purpose", compliance.purpose, node + "purpose")],
            "dpv:hasLegalBasis": list(compliance.legalBasis.map(legalBasis)),
            "dpv:hasDataSubject": subjects(compliance),
            "dpv:hasPersonalData": personalData(compliance),
            "dpv:hasData": list(dataKinds.map { .record(["@id": .text($0)]) }),
            "dpv:hasProcessing": Self.references(Measures.processing(description)),
            "dpv:hasRecipient": recipients(compliance, node),
            "dpv:hasStorageCondition": compliance.retention.map { [storage($0, node)] },
            "dpv:hasTechnicalMeasure": .list(
                measures.map { .record(["@id": .text($0)]) } + [labelled("dpv:TechnicalMeasure", Self.integrity)]),
        ])
    }

    /// True of every version, whatever its rules.
    private static let integrity = "A SHA-256 digest of every file, and a chain of commit records that names them"

    private func labelled(_ type: String, _ label: String, _ identifier: String? = nil) -> JSON {
        .record(["@type": .text(type), "@id": identifier.map { .text($0) }, "rdfs:label": .text(label)])
    }

    private func list(_ items: [JSON]) -> JSON? { items.isEmpty ? nil : .list(items) }

    private func legalBasis(_ text: String) -> JSON {
        if let term = PrivacyTerms.legalBasis(text) { return .record(["@id": .text(term), "rdfs:label": .text(text)]) }
        return labelled("dpv:LegalBasis", text)
    }

    private func subjects(_ compliance: ModuleAbout.Compliance) -> JSON? {
        if compliance.dataSubjects.isEmpty {
            return Self.references(["dpv:DataSubject"])
        }
        return .list(
            compliance.dataSubjects.map { text in
                PrivacyTerms.dataSubject(text).map { .record(["@id": .text($0)]) } ?? labelled("dpv:DataSubject", text)
            })
    }

    private func personalData(_ compliance: ModuleAbout.Compliance) -> JSON? {
        if compliance.personalData.isEmpty {
            // A record of processing is kept of personal data: where no kind is known, the general term.
            return Self.references(dataKinds.isEmpty ? ["dpv:PersonalData"] : dataKinds)
        }
        return .list(
            compliance.personalData.map { text in
                PrivacyTerms.personalData(text).map { .record(["@id": .text($0)]) }
                    ?? labelled("dpv:PersonalData", text)
            })
    }

    private func recipients(_ compliance: ModuleAbout.Compliance, _ node: String) -> JSON? {
        if compliance.recipients.isEmpty {
            return [labelled("dpv:Recipient", "Whoever may read the store of this module", node + "recipients")]
        }
        return .list(compliance.recipients.map { labelled("dpv:Recipient", $0) })
    }

    private func storage(_ retention: String, _ node: String) -> JSON {
        let isDuration = Retention(retention) != nil
        return .record([
            "@type": "dpv:StorageDeletion",
            "@id": .text("\(node)retention"),
            "dpv:hasDuration": isDuration
                ? .record(["@value": .text(retention), "@type": "xsd:duration"]) : .text(retention),
        ])
    }

    /// Of all protected columns together.
    private var dataKinds: [String] {
        unique(plan.tables.flatMap(\.columns).filter(\.isProtected).map { Measures.personalData(of: $0) })
    }

    private var measures: [String] {
        let columns = plan.tables.flatMap(\.columns).flatMap { Measures.of($0) }
        let dropping = plan.tables.contains { !$0.droppedColumns.isEmpty } ? ["dpv:DataRedaction"] : []
        return unique(columns + dropping)
    }

    private func unique(_ terms: [String]) -> [String] {
        var seen: Set<String> = []
        return terms.filter { seen.insert($0).inserted }
    }

    /// ODRL without a target: mlcroissant cannot read a node that points back at its data set.
    private func policy(_ node: String) -> JSON {
        .record([
            "@type": ["CreativeWork", "odrl:Set"],
            "@id": .text("\(node)policy"),
            "name": "Use for the stated purpose",
            "odrl:permission": .record([
                "@type": "odrl:Permission",
                "odrl:action": .record(["@id": "odrl:use"]),
                "odrl:constraint": .record([
                    "@type": "odrl:Constraint",
                    "odrl:leftOperand": .record(["@id": "odrl:purpose"]),
                    "odrl:operator": .record(["@id": "odrl:isA"]),
                    "odrl:rightOperand": .record(["@id": .text("\(node)purpose")]),
                ]),
            ]),
        ])
    }
}
