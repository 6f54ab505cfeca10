internal import Columnar
internal import Model

extension Verb {
    static let cast = Verb(
        "cast", .clean, .clean, .lossy,
        accepts: [.boolean, .integer, .float, .decimal, .text, .binary, .date, .timestamp], elementwise: true,
        result: "the type named", form: .short("to"),
        parameters: [
            .init("to", required: true, "a type: \(DataType.names.joined(separator: ", "))"), .onFailure,
        ]
    ) { arguments in
        let onFailure = arguments.onFailure()
        return arguments.type("to").map { CastStep(type: $0, onFailure: onFailure) }
    }
}

/// Another type for the same value. Never rounds, cuts or wraps: a value without an exact counterpart fails.
///
/// As the first step of a rule the short form says how the source is read: `{cast: text}` publishes PostgreSQL's own text.
/// - Nulls: stay null.
/// - Throws: `doesNotParse` for texts, `doesNotFit` for all others.
struct CastStep: StepDefinition {
    let type: DataType
    let onFailure: OnFailure

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("to", type.description)]
        if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        if context.type == type {
            return CompiledStep(type: type, plan: context.plan(words, mapping: .injective), PassOperation())
        }
        guard Conversion.exists(from: context.type, to: type) else {
            return context.refuse(
                "\(context.type) has no cast to \(type)",
                expected: "one of \(Conversion.targets(of: context.type).joined(separator: ", "))")
        }
        let isInjective = context.type != .text && onFailure == .stop
        return CompiledStep(
            type: type, plan: context.plan(words, mapping: isInjective ? .injective : .lossy),
            CastOperation(type: type, onFailure: onFailure))
    }
}

private struct CastOperation: ColumnOperation {
    let type: DataType
    let onFailure: OnFailure

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(onFailure)
        let result = try Conversion.convert(column, to: type, &log)
        return Outcome(result, nulled: log.nulled, dropped: log.dropped)
    }
}
