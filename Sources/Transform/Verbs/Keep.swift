internal import Columnar
internal import Model

extension Verb {
    static let keep = Verb(
        "keep", .pass, .pass, .injective, accepts: TypeKind.allCases, result: "the same type", form: .bare
    ) { _ in PassStep() }

    /// Left out of the output; a drop that is compiled anyway changes nothing.
    static let drop = Verb(
        "drop", .pass, .pass, .lossy, accepts: TypeKind.allCases, result: "no column", form: .bare
    ) { _ in PassStep() }

    static let from = Verb(
        "from", .pass, .pass, .injective, accepts: TypeKind.allCases, result: "the source column's type",
        form: .short("column"), parameters: [.init("column", required: true, "the source column's name")]
    ) { arguments in
        guard let column = arguments.text("column") else { return nil }
        return PassStep(arguments: [("column", column)])
    }

    /// How the source is read; nothing is left to do when the chunk is there.
    static let onSpecial = Verb(
        "on_special", .pass, .clean, .lossy, accepts: TypeKind.allCases, result: "the same type",
        form: .own
    ) { arguments in
        guard let argument = arguments.step.argument, argument.isNull || argument.text == "null" else {
            arguments.problems.error(
                arguments.step.argument?.position ?? arguments.step.position,
                found: "on_special has \(arguments.step.argument?.found ?? "no argument")", expected: "null")
            return nil
        }
        return PassStep(arguments: [("to", "null")])
    }
}

/// Passes the column on.
struct PassStep: StepDefinition {
    var arguments: [(String, String)] = []

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(type: context.type, plan: context.plan(arguments), PassOperation())
    }
}

struct PassOperation: ColumnOperation {
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome { Outcome(column, changed: 0) }
}
