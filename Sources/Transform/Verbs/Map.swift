internal import Columnar
internal import Model

extension Verb {
    static let map = Verb(
        "map", .clean, .clean, .lossy, accepts: [.boolean, .integer, .text], elementwise: true, result: "text",
        form: .own,
        parameters: [
            .init("values", "a mapping of values to texts or null; written alone it is the whole argument"),
            .init("file", "a CSV file with a header and two columns, value and text, relative to the document"),
            .init("otherwise", default: "error", "what other values become: error, keep, null or a text"),
            .onFailure,
        ]
    ) { MapStep.read(&$0) }
}

/// Replaces values by others, from a table in the document or in a file.
///
/// - Nulls: stay null.
/// - Throws: `unmapped` for a value that the map does not name, unless `otherwise` or `on_failure` says what to do.
/// - Cost: one look-up in a hash table a value.
struct MapStep: StepDefinition, ReadsFile {
    /// nil replacement: NULL.
    typealias Table = [[UInt8]: String?]
    enum Origin: Sendable {
        case inline(Table)
        case file(FileReference)
    }
    enum Otherwise: Sendable {
        case fail, keep, null
        case text(String)
    }

    let origin: Origin
    let otherwise: Otherwise
    let onFailure: OnFailure

    var fileReference: FileReference? { if case .file(let reference) = origin { reference } else { nil } }

    static func read(_ arguments: inout Arguments) -> MapStep? {
        guard let argument = arguments.step.argument, let entries = argument.map, !entries.isEmpty else {
            arguments.problems.error(
                arguments.step.argument?.position ?? arguments.step.position,
                found: "map has \(arguments.step.argument?.found ?? "no argument")",
                expected: "{a: b, …} or {file: NAME.csv} or {values: {a: b, …}, otherwise: …}")
            return nil
        }
        guard argument["file"] != nil || argument["values"] != nil else {
            return table(entries, &arguments).map { MapStep(origin: .inline($0), otherwise: .fail, onFailure: .stop) }
        }
        let names = Verb.map.parameters.map(\.name)
        for entry in entries where !names.contains(entry.key) {
            arguments.problems.unknownWord(entry.key, kind: "argument of map", at: entry.keyPosition, among: names)
        }
        var origin: Origin?
        switch (argument["file"], argument["values"]) {
        case (let file?, nil):
            if let path = file.text {
                origin = .file(FileReference(path: path, position: file.position))
            } else {
                arguments.problems.error(file.position, found: "map: file is \(file.found)", expected: "a path")
            }
        case (nil, let values?):
            if let entries = values.map {
                origin = table(entries, &arguments).map { .inline($0) }
            } else {
                arguments.problems.error(
                    values.position, found: "map: values is \(values.found)", expected: "a mapping of values to texts")
            }
        default:
            arguments.problems.error(
                argument.position, found: "map with file and values", expected: "one of the two")
        }
        var otherwise = Otherwise.fail
        if let node = argument["otherwise"] {
            switch node.isNull ? "null" : node.text {
            case "error"?: otherwise = .fail
            case "keep"?: otherwise = .keep
            case "null"?: otherwise = .null
            case let text?: otherwise = .text(text)
            case nil:
                arguments.problems.error(
                    node.position, found: "map: otherwise is \(node.found)", expected: "error, keep, null or a text")
            }
        }
        var onFailure = OnFailure.stop
        if let node = argument["on_failure"] {
            let word = node.isNull ? "null" : node.text ?? ""
            if let choice = OnFailure(rawValue: word) {
                onFailure = choice
            } else if !arguments.refuseQuarantine("on_failure", node) {
                arguments.problems.unknownWord(
                    word, kind: "on_failure of map", at: node.position, among: OnFailure.allCases.map(\.rawValue))
            }
        }
        return origin.map { MapStep(origin: $0, otherwise: otherwise, onFailure: onFailure) }
    }

    private static func table(_ entries: [Node.Entry], _ arguments: inout Arguments) -> Table? {
        var table: Table = [:]
        for entry in entries {
            guard entry.value.isNull || entry.value.text != nil else {
                arguments.problems.error(
                    entry.value.position, found: "map: a value becomes \(entry.value.found)", expected: "a text or null"
                )
                return nil
            }
            table[Array(entry.key.utf8)] = .some(entry.value.text)
        }
        return table
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words: [(String, String)] = []
        let table: Table
        switch origin {
        case .inline(let inline):
            table = inline
            words.append(("values", "\(inline.count)"))
        case .file(let reference):
            do throws(MapFile.Problem) {
                let file = try MapFile.read(reference.path, baseDirectory: context.baseDirectory)
                table = file.table
                words += [("file", reference.path), ("values", "\(table.count)"), ("sha256", file.sha256)]
            } catch {
                context.problems.error(
                    reference.position, found: "map: the file \(reference.path) \(error.found)",
                    expected: "CSV with a header and two columns")
                return nil
            }
        }
        switch otherwise {
        case .fail: if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        case .keep: words.append(("otherwise", "keep"))
        case .null: words.append(("otherwise", "null"))
        case .text(let text): words.append(("otherwise", text))
        }
        return CompiledStep(
            type: .text, plan: context.plan(words),
            MapOperation(table: table, otherwise: otherwise, onFailure: onFailure))
    }
}

private struct MapOperation: ColumnOperation {
    let table: MapStep.Table
    let otherwise: MapStep.Otherwise
    let onFailure: OnFailure

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let texts = TextForm.of(column)
        var log = FailureLog(onFailure)
        var nulled = 0
        var builder = VariableBuilder(rows: column.rowCount, bytes: 16 * column.rowCount)
        for row in 0..<column.rowCount {
            if texts.isNull(row) {
                builder.appendNull()
                continue
            }
            let value = unsafe Array(texts.variableBytes(row))
            if let replacement = table[value] {
                if let replacement { builder.append(replacement) } else { builder.appendNull() }
                continue
            }
            switch otherwise {
            case .keep: unsafe builder.append(texts.variableBytes(row))
            case .text(let text): builder.append(text)
            case .null:
                nulled += 1
                builder.appendNull()
            case .fail:
                try log.fail(.unmapped, row: row)
                builder.appendNull()
            }
        }
        return Outcome(builder.finish(type: .text), nulled: log.nulled + nulled, dropped: log.dropped)
    }
}

/// A file that a rule names, relative to the document.
struct FileReference: Sendable {
    let path: String
    let position: Position
}

/// A step that reads a file when it is compiled.
protocol ReadsFile: StepDefinition {
    var fileReference: FileReference? { get }
}
