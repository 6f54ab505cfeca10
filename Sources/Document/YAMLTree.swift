import Model
import Yams

/// YAML text → nodes with positions, by way of Yams. Only what a document needs of YAML is let through: one document of
/// mappings, lists and scalars. Anchors, aliases, merge keys and tags are refused by name: they make a document say
/// something else than what stands at the place one reads, and a few lines of them can stand for gigabytes.
struct YAMLTree: Sendable {
    private let text: String
    private let placeholders: Placeholders
    private var problems: ProblemList
    /// Places that already have a problem; what the walk says of them later would only repeat it.
    private var broken: Set<Position> = []

    /// Nesting that no honest document needs; libyaml's own limit is far above.
    static let depthLimit = 32

    init(text: String, placeholders: Placeholders, file: String) {
        // A byte-order mark is no part of the text and would shift the first line's columns.
        self.text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        self.placeholders = placeholders
        self.problems = ProblemList(file: file)
    }

    /// The root node, or nil when there is none to speak of; problems are kept for `sortedProblems`.
    mutating func compose() -> Model.Node? {
        let start = self
        let (tree, root) = DeepStack.run {
            var tree = start
            let root = tree.composeHere()
            return (tree, root)
        }
        self = tree
        return root
    }

    private mutating func composeHere() -> Model.Node? {
        if let position = AliasScan.suspiciousPosition(in: text) {
            refuse(position, "anchors and aliases (& and *)", remedy: "write the value out at each place")
            return nil
        }
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let root = try parser.singleRoot() else {
                problems.error(.start, found: "an empty document", expected: "a mapping that begins with \"format: 1\"")
                return nil
            }
            // The parser owns the anchors that the nodes refer to weakly.
            return withExtendedLifetime(parser) { convert(root, path: []) }
        } catch let error as YamlError {
            problems.append(contentsOf: [YAMLFault(error, text: text).problem(file: problems.file)])
        } catch {
            problems.error(.start, found: "a document that cannot be read as YAML")
        }
        return nil
    }

    /// The tree's problems and `others`, each once, by position; `others` at places that are broken anyway are left out.
    func sortedProblems(_ others: [Problem]) -> [Problem] {
        var seen: Set<Problem> = []
        let all = problems.problems + others.filter { problem in problem.position.map { !broken.contains($0) } ?? true }
        let unique = all.filter { seen.insert($0).inserted }
        return unique.enumerated().sorted { a, b in
            let left = (a.element.position?.line ?? 0, a.element.position?.column ?? 0, a.offset)
            let right = (b.element.position?.line ?? 0, b.element.position?.column ?? 0, b.offset)
            return left < right
        }.map(\.element)
    }

    private mutating func refuse(_ position: Position, _ found: String, remedy: String) {
        problems.error(position, found: found, expected: "plain YAML", remedy: remedy)
        broken.insert(position)
    }

    /// - Parameter path: the keys above it.
    private mutating func convert(_ node: Yams.Node, path: [String]) -> Model.Node {
        let position = Position(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        // In place of what is refused: a text, which is what is looked at least; what is said of it is left out anyway.
        let nothing = Model.Node(position: position, value: .scalar(.init(kind: .text, text: "", written: "")))
        if let anchor = node.anchor {
            refuse(
                position, "an anchor (&\(anchor.rawValue.shown()))", remedy: "write the value out at each place")
            return nothing
        }
        guard path.count < Self.depthLimit else {
            problems.error(position, found: "nesting deeper than \(Self.depthLimit) levels")
            broken.insert(position)
            return nothing
        }
        switch node {
        case .scalar(let scalar): return convert(scalar, at: position, path: path) ?? nothing
        case .sequence(let sequence):
            guard hasNoTag(sequence.tag.description, "tag:yaml.org,2002:seq", at: position) else { return nothing }
            return Model.Node(position: position, value: .list(sequence.map { convert($0, path: path + [""]) }))
        case .mapping(let mapping):
            guard hasNoTag(mapping.tag.description, "tag:yaml.org,2002:map", at: position) else { return nothing }
            return Model.Node(position: position, value: .map(entries(mapping, path: path)))
        case .alias:
            refuse(position, "an alias", remedy: "write the value out at each place")
            return nothing
        }
    }

    private mutating func entries(_ mapping: Yams.Node.Mapping, path: [String]) -> [Model.Node.Entry] {
        var entries: [Model.Node.Entry] = []
        var seen: Set<String> = []
        for (keyNode, valueNode) in mapping {
            let position = Position(line: keyNode.mark?.line ?? 1, column: keyNode.mark?.column ?? 1)
            let value = convert(valueNode, path: path + [keyNode.string ?? ""])
            guard keyNode.anchor == nil else {
                refuse(position, "an anchor or alias as a key", remedy: "write the key out")
                continue
            }
            guard case .scalar(let scalar) = keyNode else {
                problems.error(position, found: "a key that is a list or a mapping", expected: "a word")
                continue
            }
            guard hasNoTag(scalar.tag.description, "tag:yaml.org,2002:str", at: position) else { continue }
            let key = scalar.string
            if key == "<<", scalar.style == .plain {
                refuse(position, "a merge key (<<)", remedy: "write the keys out")
            } else if key.isEmpty || key.utf8.contains(0) {
                problems.error(position, found: key.isEmpty ? "an empty key" : "a key with a NUL character")
            } else if !seen.insert(key).inserted {
                problems.error(
                    position, found: "the key \"\(key.shown())\" for the second time", expected: "each key once")
            } else {
                entries.append(.init(key: key, keyPosition: position, value: value))
            }
        }
        return entries
    }

    /// nil when the scalar has a tag or a NUL; a bad placeholder leaves the text as written and the place broken.
    private mutating func convert(_ scalar: Yams.Node.Scalar, at position: Position, path: [String]) -> Model.Node? {
        guard hasNoTag(scalar.tag.description, scalar.style == .plain ? "" : "tag:yaml.org,2002:str", at: position)
        else { return nil }
        let written = scalar.string
        guard !written.utf8.contains(0) else {
            problems.error(position, found: "a text with a NUL character")
            broken.insert(position)
            return nil
        }
        let kind = scalar.style == .plain ? PlainScalar.kind(of: written) : .text
        var text = written
        do throws(Placeholders.Fault) {
            text = try placeholders.replaced(in: written, at: path)
        } catch {
            problems.error(position, found: error.found, expected: error.expected, remedy: error.remedy)
            broken.insert(position)
        }
        return Model.Node(position: position, value: .scalar(.init(kind: kind, text: text, written: written)))
    }

    private mutating func hasNoTag(_ tag: String, _ standard: String, at position: Position) -> Bool {
        if tag.isEmpty || tag == standard { return true }
        refuse(position, "a tag (\(tag.shown()))", remedy: "take the tag out; put a text in quotes")
        return false
    }
}

/// Looks, before Yams builds anything, whether a text could hold a tower of aliases.
///
/// Yams hashes every key, and a key may be an alias of an alias of …: a few lines can cost hours. Anchors are refused
/// anyway once the tree is there; this keeps the tree small until then. Sixteen aliases cannot stand for much.
enum AliasScan {
    static let aliasLimit = 16

    /// The first anchor, if the text has more than `aliasLimit` places that may be aliases and an anchor at all.
    static func suspiciousPosition(in text: String) -> Position? {
        var line = 1
        var column = 0
        var aliases = 0
        var firstAnchor: Position?
        var previous: UInt8 = 0x0A
        var mark: UInt8 = 0  // `&` or `*` that stood at the start of a word
        for byte in text.utf8 {
            if byte & 0xC0 != 0x80 { column += 1 }
            if mark != 0, isNameByte(byte) {
                if mark == UInt8(ascii: "*") { aliases += 1 }
                if mark == UInt8(ascii: "&"), firstAnchor == nil {
                    firstAnchor = Position(line: line, column: column - 1)
                }
            }
            let isMark = byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")
            mark = isMark && !isNameByte(previous) ? byte : 0
            previous = byte
            if byte == 0x0A {
                line += 1
                column = 0
            }
        }
        return aliases > aliasLimit ? firstAnchor : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}
