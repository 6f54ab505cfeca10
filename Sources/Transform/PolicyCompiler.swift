package import Model

/// A source column as it arrives in chunks.
package struct InputColumn: Sendable {
    package let name: String
    package let type: DataType
    /// Its type in the source's words, for messages and metadata.
    package let nativeName: String
    package let isUnique: Bool
    /// It is text because a rule uses its values as identities and nothing declares its type.
    package let isTextForIdentity: Bool

    package init(
        name: String, type: DataType, nativeName: String, isUnique: Bool, isTextForIdentity: Bool = false
    ) {
        self.name = name
        self.type = type
        self.nativeName = nativeName
        self.isUnique = isUnique
        self.isTextForIdentity = isTextForIdentity
    }
}

/// Makes a table's rules into steps that run. All decisions about rules are made here, before any row is read.
package enum PolicyCompiler {
    /// Looks at verbs and their arguments alone: every problem with its position.
    package static func check(_ pipeline: Pipeline, into problems: inout ProblemList) {
        for table in pipeline.tables {
            check(
                rules: table.columns, keyNames: pipeline.keys.map(\.name), baseDirectory: pipeline.baseDirectory,
                boundary: pipeline.boundary, into: &problems)
            checkOutputNames(table, into: &problems)
            checkReadings(table, into: &problems)
        }
    }

    /// Each rule by itself, for documents that are wrong elsewhere: verbs, arguments, names of keys.
    /// - Parameters:
    ///   - baseDirectory: where files that rules name are looked for; nil: they are not.
    ///   - boundary: the folder that they lie in or below; nil: anywhere.
    package static func check(
        rules: [ColumnRule], keyNames: [String], baseDirectory: String? = nil, boundary: String? = nil,
        into problems: inout ProblemList
    ) {
        for rule in rules {
            for step in RuleReader.read(rule, into: &problems) {
                if let baseDirectory {
                    checkFile(of: step, baseDirectory: baseDirectory, boundary: boundary, into: &problems)
                }
                guard let name = step.definition.keyName, !keyNames.contains(name.text) else { continue }
                problems.unknownWord(name.text, kind: "key", at: name.position, among: keyNames)
            }
        }
    }

    /// What a rule asks of the source: the column it takes (nil: none, a constant), and how that is to be read, from the
    /// leading steps `{from: …}`, `{cast: TYPE}` and `{on_special: null}`. Wrong arguments are told by `check`.
    package static func reading(of rule: ColumnRule) -> (sourceColumn: String?, readAs: ReadAs, isDropped: Bool) {
        var source: String? = rule.name
        var type: DataType?
        var nullsSpecials = false
        for (index, step) in rule.steps.enumerated() {
            switch step.verb {
            case "drop": return (source, ReadAs(), true)
            case "from" where index == 0: source = step.argument?.text ?? step.argument?["column"]?.text ?? source
            case "constant" where index == 0: return (nil, ReadAs(), false)
            case "cast" where type == nil:
                // The mapping form says what to do with values that fail, which only the step itself can.
                guard let name = step.argument?.text, let target = DataType(name: name) else {
                    return (source, ReadAs(nullsSpecials: nullsSpecials), false)
                }
                type = target
            case "on_special" where !nullsSpecials: nullsSpecials = true
            default: return (source, ReadAs(type: type, nullsSpecials: nullsSpecials), false)
            }
        }
        return (source, ReadAs(type: type, nullsSpecials: nullsSpecials), false)
    }

    /// Source columns that a table's rules decide about. A constant decides about the one whose name it takes.
    package static func sourceColumns(of table: TableSpec) -> Set<String> {
        Set(table.columns.map { reading(of: $0).sourceColumn ?? $0.name })
    }

    /// Source columns whose values a table's rules use as identities, and that no leading `cast` declares: what tokens
    /// and ciphers are computed of, and whose dates are shifted. (`{cast: binary}` declares no form of a field: it is a
    /// step.) Wrong arguments are told by `check`.
    package static func identities(of table: TableSpec) -> Set<String> {
        var identities: Set<String> = []
        var declared: Set<String> = []
        var untold = ProblemList(file: "")
        for rule in table.columns {
            let reading = reading(of: rule)
            if reading.isDropped { continue }
            if let source = reading.sourceColumn, let type = reading.readAs.type, type.kind != .binary {
                declared.insert(source)
            }
            for step in RuleReader.read(rule, into: &untold) {
                if let subject = (step.definition as? any LooksBeside)?.besideColumn {
                    identities.insert(subject)
                } else if step.definition.keyName != nil, let source = reading.sourceColumn {
                    identities.insert(source)
                }
            }
        }
        return identities.subtracting(declared)
    }

    /// Against the real schema: types along the steps, output columns, keys.
    ///
    /// - Parameters:
    ///   - inputs: all columns of the source table, dropped ones too, in the order in which chunks hold them.
    ///   - keys: nil while no key is read: everything else is checked, and the result must not be applied.
    ///   - estimatedRows: of the whole table, for the chance that two values share a token; below 0: not known.
    ///   - baseDirectory: the folder that files named in rules are relative to.
    /// - Returns: nil when there was an error; all of them are in `problems`.
    package static func compile(
        table: TableSpec, inputs: [InputColumn], keys: KeyRing?, estimatedRows: Int64, baseDirectory: String = ".",
        into problems: inout ProblemList
    ) -> TableTransform? {
        var own = ProblemList(file: problems.file)
        var columns: [CompiledColumn] = []
        var dropped: [String] = []
        checkOutputNames(table, into: &own)
        checkReadings(table, into: &own)
        checkEveryInputHasARule(table, inputs: inputs, into: &own)
        let inputNames = inputs.map(\.name)
        let inputIndices = Dictionary(zip(inputNames, inputs.indices), uniquingKeysWith: { first, _ in first })
        for rule in table.columns {
            let reading = reading(of: rule)
            var inputIndex: Int?
            if let source = reading.sourceColumn {
                inputIndex = inputIndices[source]
                if inputIndex == nil {
                    reportMissing(source, rule: rule, table: table, names: inputNames, into: &own)
                    continue
                }
            }
            if reading.isDropped {
                _ = RuleReader.read(rule, into: &own)
                dropped.append(reading.sourceColumn ?? rule.name)
                continue
            }
            let scene = RuleCompiler.Scene(
                table: table, inputs: inputs, keys: keys, estimatedRows: estimatedRows, baseDirectory: baseDirectory)
            if let column = RuleCompiler.compile(rule, input: inputIndex, scene: scene, into: &own) {
                columns.append(column)
            }
        }
        warnAboutLinkableMasks(columns, table: table, into: &own)
        problems.append(contentsOf: own.problems)
        if own.hasErrors { return nil }
        return TableTransform(columns: columns, droppedColumns: dropped, inputCount: inputs.count)
    }

    /// A file that a rule names is looked at again when the rule is compiled; here it must be there and right.
    private static func checkFile(
        of step: ReadStep, baseDirectory: String, boundary: String?, into problems: inout ProblemList
    ) {
        guard let reference = (step.definition as? any ReadsFile)?.fileReference else { return }
        do throws(MapFile.Problem) {
            _ = try MapFile.read(reference.path, baseDirectory: baseDirectory, boundary: boundary)
        } catch {
            problems.error(
                reference.position, found: "\(step.verb.name): the file \(reference.path) \(error.found)",
                expected: "CSV with a header and two columns")
        }
    }

    // MARK: Checks of a table as a whole

    /// Two output columns that differ only in case are one column to many readers.
    private static func checkOutputNames(_ table: TableSpec, into problems: inout ProblemList) {
        var seen: [String: String] = [:]
        for rule in table.columns where !reading(of: rule).isDropped {
            if let earlier = seen.updateValue(rule.name, forKey: rule.name.lowercased()) {
                problems.error(
                    rule.position, found: "output columns \"\(earlier)\" and \"\(rule.name)\" differ only in case",
                    expected: "names that differ in more than case")
            }
        }
    }

    /// A source column is read once, so its rules agree on how.
    private static func checkReadings(_ table: TableSpec, into problems: inout ProblemList) {
        var readings: [String: (rule: String, readAs: ReadAs)] = [:]
        for rule in table.columns {
            let reading = reading(of: rule)
            guard let source = reading.sourceColumn, !reading.isDropped else { continue }
            guard let earlier = readings[source] else {
                readings[source] = (rule.name, reading.readAs)
                continue
            }
            if earlier.readAs != reading.readAs {
                problems.error(
                    rule.position,
                    found:
                        "rules \"\(earlier.rule)\" and \"\(rule.name)\" read source column \"\(source)\" differently",
                    expected: "the same leading `cast` and `on_special` in both",
                    remedy: "write `keep` before `cast` to convert after reading")
            }
        }
    }

    private static func checkEveryInputHasARule(
        _ table: TableSpec, inputs: [InputColumn], into problems: inout ProblemList
    ) {
        let taken = sourceColumns(of: table)
        for input in inputs where !taken.contains(input.name) {
            problems.error(
                table.position, found: "table \"\(table.name)\": source column \"\(input.name)\" has no rule",
                expected: "a rule for every source column", remedy: "add `\(input.name): drop` or a rule")
        }
    }

    private static func reportMissing(
        _ source: String, rule: ColumnRule, table: TableSpec, names: [String], into problems: inout ProblemList
    ) {
        problems.error(
            rule.steps.first { $0.verb == "from" }?.position ?? rule.position,
            found: "table \"\(table.name)\" has no source column \"\(source)\"",
            expected: problems.expectation(names), remedy: problems.suggestion(for: source, among: names))
    }

    /// A token and the last digits of one value, side by side, tell more than either (PCI DSS FAQ 1308).
    private static func warnAboutLinkableMasks(
        _ columns: [CompiledColumn], table: TableSpec, into problems: inout ProblemList
    ) {
        let replacing = ["token", "format_preserving", "encrypt"]
        let tokens = columns.filter { $0.plan.steps.contains { replacing.contains($0.verb) } }
        for masked in columns where masked.showsLastCharacters {
            let others = tokens.filter { $0.plan.name != masked.plan.name }
            guard let token = others.first(where: { $0.input != nil && $0.input == masked.input }) else { continue }
            problems.warning(
                masked.position,
                found:
                    "columns \"\(token.plan.name)\" and \"\(masked.plan.name)\" publish a token and the last characters of one source column",
                remedy: "publish one of them")
        }
    }
}
