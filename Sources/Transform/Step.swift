internal import Columnar
internal import Model

/// One step of a rule with its arguments read and checked, before it has met a type.
protocol StepDefinition: Sendable {
    /// Decides everything about the step for a column of `context.type`; nil when that is refused, with the problem in
    /// `context.problems`. The verb's accepted types have been checked.
    func compile(_ context: inout StepContext) -> CompiledStep?
}

/// What a step is compiled against.
struct StepContext {
    let table: String
    let column: String
    let verb: Verb
    let position: Position
    /// The type of the values: of the column, or of its elements when the verb works element by element.
    let type: DataType
    let isFirst: Bool
    let inputs: [InputColumn]
    /// nil: the keys are not at hand; everything else is checked.
    let keys: KeyRing?
    let estimatedRows: Int64
    /// The folder that files named in the rule are relative to.
    let baseDirectory: String
    let allowsWeak: Bool
    /// Of this step alone.
    var problems: ProblemList

    mutating func refuse(_ found: String, expected: String = "", remedy: String? = nil) -> CompiledStep? {
        problems.error(position, found: "\(verb.name): \(found)", expected: expected, remedy: remedy)
        return nil
    }

    /// Refuses a weak choice unless the rule allows it. Returns whether the step goes on.
    mutating func accepts(weak reason: String, remedy: String) -> Bool {
        if allowsWeak { return true }
        problems.error(
            position, found: "\(verb.name): \(reason)", expected: "",
            remedy: "\(remedy), or add `allow_weak: true` to this rule, which the metadata then states")
        return false
    }

    /// The plan of a step, from its verb's words.
    func plan(
        _ arguments: [(String, String)] = [], key: String? = nil, scope: String? = nil, method: String? = nil,
        mapping: StepPlan.Mapping? = nil, isWeak: Bool = false
    ) -> StepPlan {
        let words = arguments.map { "\($0.0): \($0.1)" }.joined(separator: ", ")
        return StepPlan(
            verb: verb.name, summary: arguments.isEmpty ? verb.name : "\(verb.name)(\(words))", effect: verb.effect,
            mapping: mapping ?? verb.mapping, key: key, scope: scope, method: method ?? verb.name, isWeak: isWeak)
    }
}

/// A step ready to run: what it gives, how it is recorded, and the code.
package struct CompiledStep: Sendable {
    let type: DataType
    var plan: StepPlan
    let operation: any ColumnOperation

    init(type: DataType, plan: StepPlan, _ operation: any ColumnOperation) {
        self.type = type
        self.plan = plan
        self.operation = operation
    }
}

/// What happens to one column of one chunk. Called once a chunk; row *i* of the result depends on row *i* alone.
protocol ColumnOperation: Sendable {
    /// - Throws: `ValueFailure`, with the row within `column`.
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome
}

/// A step's result over a chunk.
struct Outcome {
    var column: Column
    /// Rows whose value differs from what went in; nil: to be counted by comparing.
    var changed: Int?
    var nulled = 0
    /// Rows that are dropped, ascending; null in `column`.
    var dropped: [Int] = []

    init(_ column: Column, changed: Int? = nil, nulled: Int = 0, dropped: [Int] = []) {
        self.column = column
        self.changed = changed
        self.nulled = nulled
        self.dropped = dropped
    }
}

/// A value that a step cannot take, by its row in the chunk.
struct ValueFailure: Error {
    let code: TransformError.Code
    let row: Int
}

/// What becomes of a value that a step cannot take.
enum OnFailure: String, CaseIterable, Sendable {
    case stop, null
    case dropRow = "drop_row"
}

/// Keeps account of failing values and decides what becomes of each.
struct FailureLog {
    let policy: OnFailure
    private(set) var nulled = 0
    private(set) var dropped: [Int] = []

    init(_ policy: OnFailure) { self.policy = policy }

    /// Returns when the row's value is to become null; otherwise throws.
    mutating func fail(_ code: TransformError.Code, row: Int) throws(ValueFailure) {
        switch policy {
        case .stop: throw ValueFailure(code: code, row: row)
        case .null: nulled += 1
        case .dropRow: dropped.append(row)
        }
    }
}
