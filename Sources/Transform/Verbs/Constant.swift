internal import Columnar
internal import Model

extension Verb {
    static let constant = Verb(
        "constant", .pass, .pass, .lossy, accepts: TypeKind.allCases,
        result: "text, int64, float64 or boolean, as the value is written", form: .short("value"),
        parameters: [.init("value", required: true, "a text, number or boolean")]
    ) { arguments in
        guard case .scalar(let scalar) = arguments.node("value")?.value, scalar.kind != .null else {
            arguments.refuse(
                "value", expected: "a text, number or boolean", remedy: "a column of nulls tells nothing: use drop")
            return nil
        }
        let type: DataType =
            switch scalar.kind {
            case .boolean: .boolean
            case .integer: .int64
            case .number: .float64
            case .text, .null: .text
            }
        guard let value = Literal.column(scalar.kind == .boolean ? scalar.text.lowercased() : scalar.text, type: type)
        else {
            arguments.refuse("value", expected: "a value of type \(type)")
            return nil
        }
        return ConstantStep(value: value, written: scalar.written)
    }

    static let nullIf = Verb(
        "null_if", .pass, .clean, .lossy,
        accepts: [.boolean, .integer, .float, .decimal, .text, .date, .timestamp], elementwise: true,
        result: "the same type", form: .short("values"),
        parameters: [.init("values", required: true, "one value or a list of values that mean NULL")]
    ) { arguments in
        guard let node = arguments.node("values") else { return nil }
        let texts = node.text.map { [$0] } ?? node.list.map { $0.compactMap(\.text) } ?? []
        guard !texts.isEmpty, texts.count == node.list?.count ?? 1 else {
            arguments.refuse("values", expected: "a value or a list of values")
            return nil
        }
        return NullIfStep(values: texts)
    }

    static let nullTo = Verb(
        "null_to", .pass, .clean, .lossy,
        accepts: [.boolean, .integer, .float, .decimal, .text, .date, .timestamp], elementwise: true,
        result: "the same type", form: .short("value"),
        parameters: [.init("value", required: true, "the value that NULL becomes")]
    ) { arguments in
        arguments.text("value").map { NullToStep(value: $0) }
    }
}

/// The same value in every row, whatever the source holds.
struct ConstantStep: StepDefinition {
    let value: Column
    let written: String

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(
            type: value.type, plan: context.plan([("value", written)]), ConstantOperation(value: value))
    }
}

private struct ConstantOperation: ColumnOperation {
    let value: Column

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        Outcome(value.repeated(column.rowCount), changed: column.rowCount)
    }
}

/// Listed values become NULL.
struct NullIfStep: StepDefinition {
    let values: [String]

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var found: Set<[UInt8]> = []
        for value in values {
            guard let literal = Literal.column(value, type: context.type) else {
                return context.refuse(
                    "a listed value is no \(context.type)", expected: "values of type \(context.type)")
            }
            found.insert(literal.valueBytes(0))
        }
        return CompiledStep(
            type: context.type, plan: context.plan([("values", values.joined(separator: " "))]),
            NullIfOperation(values: found))
    }
}

private struct NullIfOperation: ColumnOperation {
    let values: Set<[UInt8]>

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let result = column.nulling { values.contains(column.valueBytes($0)) }
        return Outcome(
            result, changed: result.nullCount - column.nullCount, nulled: result.nullCount - column.nullCount)
    }
}

/// NULL becomes a value.
struct NullToStep: StepDefinition {
    let value: String

    func compile(_ context: inout StepContext) -> CompiledStep? {
        guard let literal = Literal.column(value, type: context.type) else {
            return context.refuse("the value is no \(context.type)", expected: "a value of type \(context.type)")
        }
        return CompiledStep(
            type: context.type, plan: context.plan([("value", value)]), NullToOperation(value: literal))
    }
}

private struct NullToOperation: ColumnOperation {
    let value: Column

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        if column.nullCount == 0 { return Outcome(column, changed: 0) }
        return Outcome(column.fillingNulls(with: value), changed: column.nullCount)
    }
}
