package import Model

extension PipelineReader {
    /// What a coordinator needs of a document: what is published, and where.
    package struct Publication: Sendable {
        package let about: ModuleAbout
        package let target: TargetSpec
    }

    /// Reads these parts alone. Sources and keys are the workers' affair: their placeholders need no value here, and
    /// their mistakes are told by whoever plans the run.
    ///
    /// - Throws: the problems of these parts.
    package static func readPublication(
        text: String, path: String, bounds: DocumentBounds, environment: [String: String], digest: Digest
    ) throws(InvalidDocument) -> Publication {
        let bytes = Array(text.utf8)
        let documentDigest = unsafe bytes.withUnsafeBytes { unsafe digest($0) }
        var problems = ProblemList(file: path)
        guard DocumentBytes.check(text, problems: &problems) else { throw InvalidDocument(problems: problems.problems) }
        let base = Paths.absolute(bounds.baseDirectory ?? Paths.folder(of: path), in: Paths.currentDirectory)
        var tree = YAMLTree(
            text: text, placeholders: Placeholders(environment: environment, baseDirectory: base, bounds: bounds),
            file: path)
        guard let root = tree.compose() else { throw InvalidDocument(problems: tree.sortedProblems([])) }
        var walk = DocumentWalk(file: path, baseDirectory: base, documentDigest: documentDigest)
        let publication = walk.publication(root)
        if let publication { walk.hold(publication.target, within: bounds, environment: environment) }
        let errors = tree.sortedProblems(walk.problems.problems).filter { problem in
            problem.severity == .error && !root.isIn(problem.position, ofSections: ["sources", "keys", "tables"])
        }
        guard let publication, errors.isEmpty else { throw InvalidDocument(problems: errors) }
        return Publication(about: publication.about, target: publication.target)
    }
}

extension Node {
    /// Whether a place lies in one of the document's sections of these names.
    fileprivate func isIn(_ position: Position?, ofSections names: Set<String>) -> Bool {
        guard let position, let section = map?.last(where: { $0.keyPosition.line <= position.line }) else {
            return false
        }
        return names.contains(section.key)
    }
}
