import Model

/// What the document says of the module itself.
extension DocumentWalk {
    /// nil without a valid module name.
    mutating func readAbout(_ values: SectionValues) -> ModuleAbout? {
        let module = readModuleName(values)
        let title = text("title", values) ?? module ?? ""
        var about = ModuleAbout(
            module: module ?? "", title: title, description: text("description", values) ?? title,
            documentDigest: documentDigest)
        about.license = uri("license", values)
        about.url = uri("url", values)
        about.keywords = texts("keywords", values)
        about.creator = values["creator"].flatMap { readCreator($0) }
        about.compliance = values["compliance"].flatMap { readCompliance($0) }
        for name in ["module", "title", "description", "license", "url", "keywords"] {
            refuseIfPublished(values[name], name, where: "the published metadata")
        }
        return module == nil ? nil : about
    }

    private mutating func readModuleName(_ values: SectionValues) -> String? {
        guard let node = values["module"], let name = text("module", values) else { return nil }
        if Names.isModule(name) { return name }
        let lowered = name.lowercased()
        let remedy = Names.isModule(lowered) && node.written == name ? "did you mean \"\(lowered)\"?" : nil
        problems.error(
            node.position, found: "\(node.found) as the module's name", expected: Names.modulePattern, remedy: remedy)
        return nil
    }

    private mutating func readCreator(_ node: Node) -> ModuleAbout.Creator? {
        if node.map == nil {
            refuseIfPublished(node, "creator", where: "the published metadata")
            return text(node, name: "creator", form: "a text or {name, url}").map { ModuleAbout.Creator(name: $0) }
        }
        guard let values = section(.creator, at: node, what: "creator") else { return nil }
        let url = uri("url", values)
        for name in ["name", "url"] { refuseIfPublished(values[name], name, where: "the published metadata") }
        return text("name", values).map { ModuleAbout.Creator(name: $0, url: url) }
    }

    private mutating func readCompliance(_ node: Node) -> ModuleAbout.Compliance? {
        guard let values = section(.compliance, at: node, what: "compliance") else { return nil }
        for key in DocumentSection.compliance.keys {
            refuseIfPublished(values[key.name], key.name, where: "the published metadata")
        }
        var compliance = ModuleAbout.Compliance(purpose: text("purpose", values) ?? "")
        compliance.legalBasis = texts("legal_basis", values)
        compliance.controller = text("controller", values)
        compliance.dataProtectionOfficer = text("data_protection_officer", values)
        compliance.dataSubjects = texts("data_subjects", values)
        compliance.recipients = texts("recipients", values)
        compliance.personalData = texts("personal_data", values)
        compliance.retention = readRetention(values)
        compliance.collection = text("collection", values)
        compliance.limitations = texts("limitations", values)
        compliance.biases = texts("biases", values)
        compliance.useCases = texts("use_cases", values)
        return compliance
    }

    private mutating func readRetention(_ values: SectionValues) -> String? {
        guard let node = values["retention"], let text = text("retention", values) else { return nil }
        // What the end of a version is computed from: a text that only looks like a duration would be kept for ever.
        if Retention(text) != nil { return text }
        problems.error(
            node.position, found: "\(node.found) for \"retention\"",
            expected: "an ISO 8601 duration above zero, at most 1000 years", remedy: "for example P5Y, P18M or P90D")
        return nil
    }
}
