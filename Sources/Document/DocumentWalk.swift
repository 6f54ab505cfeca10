import Model

/// Walks a document's nodes once, gathers problems, and builds the pipeline from what is right.
///
/// A part that has a problem gives nil and the walk goes on beside it, so that one reading tells everything. The parts
/// are read in extensions: `+About`, `+Sources`, `+Tables`, `+Rules`, `+Target`; `+Values` reads single values.
struct DocumentWalk {
    var problems: ProblemList
    let baseDirectory: String
    let documentDigest: String

    /// What a table may be read from. A source whose own entry is wrong keeps its name, so that tables that name it are
    /// not blamed too.
    enum SourceFamily { case database, files, unknown }
    var families: [(name: String, family: SourceFamily)] = []
    var usedSources: Set<String> = []
    var usedKeys: Set<String> = []
    /// Rules whose shape is right, of every table, wrong ones too: their verbs can be looked at whatever else is wrong.
    var allRules: [ColumnRule] = []
    private(set) var keyNames: [String] = []
    /// Some table's `from` is wrong, so nobody knows which source it means.
    var hasUnclearOrigin = false

    init(file: String, baseDirectory: String, documentDigest: String) {
        self.problems = ProblemList(file: file)
        self.baseDirectory = baseDirectory
        self.documentDigest = documentDigest
    }

    /// The pipeline, or nil when a part that it cannot do without is missing; problems may stand beside either.
    mutating func pipeline(_ root: Node) -> Pipeline? {
        guard let values = section(.document, at: root, what: "the document") else { return nil }
        readFormat(values)
        let about = readAbout(values)
        let sources = readSources(values)
        keyNames = values["keys"]?.map?.map(\.key) ?? []
        let keys = readKeys(values)
        let tables = readTables(values)
        let target = readTarget(values)
        if values["tables"] != nil { warnOfUnused(sources: sources, keys: keys) }
        guard let about, let target else { return nil }
        return Pipeline(
            file: problems.file ?? "", baseDirectory: baseDirectory, about: about, sources: sources, keys: keys,
            tables: tables, target: target)
    }

    /// The parts that say what is published, and where; the others are not looked at.
    mutating func publication(_ root: Node) -> (about: ModuleAbout, target: TargetSpec)? {
        guard let values = section(.document, at: root, what: "the document") else { return nil }
        readFormat(values)
        let about = readAbout(values)
        guard let target = readTarget(values), let about else { return nil }
        return (about, target)
    }

    private mutating func readFormat(_ values: SectionValues) {
        guard let node = values["format"], node.integer != 1 else { return }
        problems.error(
            node.position, found: node.found, expected: "format: 1, the only format that this version reads")
    }

    private mutating func warnOfUnused(sources: [SourceSpec], keys: [KeySpec]) {
        for source in sources where !usedSources.contains(source.name) && !hasUnclearOrigin {
            problems.warning(
                source.position, found: "the source \"\(source.name)\" is used by no table", remedy: "remove it")
        }
        for key in keys where !usedKeys.contains(key.name) {
            problems.warning(key.position, found: "the key \"\(key.name)\" is used by no rule", remedy: "remove it")
        }
    }
}
