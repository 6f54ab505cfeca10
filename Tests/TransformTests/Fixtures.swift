import Columnar
import Model
import Testing

@testable import Transform

/// A rule's argument as a document would have it, from Swift literals.
indirect enum Argument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    case scalar(Node.Scalar.Kind, String)
    case list([Argument])
    case map([(String, Argument)])

    init(stringLiteral value: String) { self = .scalar(.text, value) }
    init(integerLiteral value: Int) { self = .scalar(.integer, String(value)) }
    init(floatLiteral value: Double) { self = .scalar(.number, String(value)) }
    init(booleanLiteral value: Bool) { self = .scalar(.boolean, String(value)) }
    init(arrayLiteral elements: Argument...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, Argument)...) { self = .map(elements) }
    init(nilLiteral: ()) { self = .scalar(.null, "") }

    var node: Node {
        let place = Position(line: 3, column: 5)
        switch self {
        case .scalar(let kind, let text):
            return Node(position: place, value: .scalar(.init(kind: kind, text: text, written: text)))
        case .list(let items): return Node(position: place, value: .list(items.map(\.node)))
        case .map(let entries):
            return Node(
                position: place,
                value: .map(entries.map { Node.Entry(key: $0.0, keyPosition: place, value: $0.1.node) }))
        }
    }
}

/// A step: `.init("trim")`, `.init("round", 1)`.
struct Step {
    let verb: String
    let argument: Argument?

    init(_ verb: String, _ argument: Argument? = nil) {
        self.verb = verb
        self.argument = argument
    }

    var spec: StepSpec { StepSpec(verb: verb, position: Position(line: 2, column: 3), argument: argument?.node) }
}

enum Fixture {
    static let keyBytes: [UInt8] = (0..<32).map { UInt8($0) }
    static let otherKeyBytes: [UInt8] = (0..<32).map { UInt8(255 - $0 * 3) }
    static let keys = KeyRing([
        MaskingKey(name: "people", bytes: keyBytes), MaskingKey(name: "other", bytes: otherKeyBytes),
    ])

    static func rule(_ name: String, _ steps: [Step]) -> ColumnRule {
        ColumnRule(name: name, position: Position(line: 2, column: 1), steps: steps.map(\.spec))
    }

    static func table(_ rules: [ColumnRule]) -> TableSpec {
        TableSpec(
            name: "patients", position: .start, source: "hospital",
            origin: .relation(schema: "public", name: "patients"),
            originPosition: .start, filter: nil, filterPosition: nil, columns: rules)
    }

    static func input(_ name: String, _ type: DataType) -> InputColumn {
        InputColumn(name: name, type: type, nativeName: type.description, isUnique: false)
    }

    static func compile(
        _ rules: [ColumnRule], _ inputs: [InputColumn], keys: KeyRing? = keys, rows: Int64 = 1_000,
        baseDirectory: String = ".", problems: inout ProblemList
    ) -> TableTransform? {
        PolicyCompiler.compile(
            table: table(rules), inputs: inputs, keys: keys, estimatedRows: rows, baseDirectory: baseDirectory,
            into: &problems)
    }

    /// The messages of everything wrong with one column's rule.
    static func problems(
        _ steps: [Step], on type: DataType, rows: Int64 = 1_000, baseDirectory: String = "."
    ) -> [String] {
        var problems = ProblemList(file: "clinic.yaml")
        _ = compile(
            [rule("c", steps)], [input("c", type)], rows: rows, baseDirectory: baseDirectory, problems: &problems)
        return problems.problems.map(\.description)
    }

    /// One column through one rule.
    static func run(
        _ steps: [Step], _ column: Column, counts: inout [RuleCount], baseDirectory: String = "."
    ) throws -> Column {
        var problems = ProblemList(file: "clinic.yaml")
        let transform = try #require(
            compile(
                [rule("c", steps)], [input("c", column.type)], baseDirectory: baseDirectory, problems: &problems),
            "\(problems.problems)")
        let chunk = Chunk(columns: [column], rowCount: column.rowCount, firstRow: 100)
        return try transform.apply(chunk, counts: &counts).columns[0]
    }

    static func run(_ steps: [Step], _ column: Column, baseDirectory: String = ".") throws -> Column {
        var counts: [RuleCount] = []
        return try run(steps, column, counts: &counts, baseDirectory: baseDirectory)
    }

    /// Texts through a rule, as texts.
    static func texts(_ steps: [Step], _ values: [String?]) throws -> [String?] {
        try run(steps, Column.texts(values)).shown
    }
}

extension Column {
    static func texts(_ values: [String?]) -> Column {
        var builder = VariableBuilder(rows: values.count, bytes: 16)
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish(type: .text)
    }

    static func binary(_ values: [[UInt8]?]) -> Column {
        var builder = VariableBuilder(rows: values.count, bytes: 16)
        for value in values {
            if let value { unsafe value.withUnsafeBytes { unsafe builder.append($0) } } else { builder.appendNull() }
        }
        return builder.finish(type: .binary)
    }

    static func fixed<Element: BitwiseCopyable>(_ values: [Element?], _ type: DataType) -> Column {
        var builder = FixedBuilder<Element>(rows: values.count)
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish(type: type)
    }

    static func booleans(_ values: [Bool?]) -> Column {
        var builder = BooleanBuilder()
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish()
    }

    static func lists(_ values: [[String?]?]) -> Column {
        var offsets: [Int32] = [0]
        var bits = [UInt8](repeating: 0, count: (values.count + 7) / 8)
        for (row, value) in values.enumerated() {
            offsets.append(offsets[row] + Int32(value?.count ?? 0))
            if value != nil { bits[row >> 3] |= 1 << UInt8(row & 7) }
        }
        return Column(
            type: .list(.text), rowCount: values.count, validity: Buffer(copying: bits),
            storage: .list(offsets: Buffer(copying: offsets), elements: texts(values.flatMap { $0 ?? [] })))
    }

    /// Every value as its text form; nil for nulls. Binary as hexadecimal, lists as `[a, nil]`.
    var shown: [String?] {
        if case .list(let offsets, let elements) = storage {
            let bounds = unsafe offsets.elements(Int32.self)
            let texts = elements.shown
            return (0..<rowCount).map { row in
                if isNull(row) { return nil }
                let items = unsafe texts[Int(bounds[row])..<Int(bounds[row + 1])]
                return "[" + items.map { $0 ?? "nil" }.joined(separator: ", ") + "]"
            }
        }
        let form = TextForm.of(self)
        return (0..<rowCount).map { row in
            if form.isNull(row) { return nil }
            let bytes = unsafe Array(form.variableBytes(row))
            return type == .binary ? bytes.hexadecimal : String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// A text of up to `limit` scalars from alphabets that matter to text verbs.
    mutating func text(upTo limit: Int) -> String {
        let pool: [Unicode.Scalar] = [
            "a", "Z", "m", "0", " ", "\t", "\n", "\u{a0}", "\u{2003}", "\u{3000}", "\u{85}", "é", "ß", "İ", "Ő", "日",
            "本",
            "😀", "\u{301}", "-", "@", ".", "\u{1680}", "\u{202f}", "\u{2028}", "Σ", "ς",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...limit, using: &self) {
            text.unicodeScalars.append(pool.randomElement(using: &self)!)
        }
        return text
    }

    static func fresh(_ what: String) -> SeededGenerator {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("\(what): seed \(seed)")
        return SeededGenerator(seed: seed)
    }
}
