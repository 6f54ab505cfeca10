internal import Columnar
internal import Model

extension Verb {
    static let clamp = Verb(
        "clamp", .generalise, .generalise, .lossy, accepts: [.integer, .float, .decimal, .date, .timestamp],
        elementwise: true, result: "the same type", form: .short("bounds"),
        parameters: [.init("bounds", required: true, "[lowest, highest]; null leaves an end open")]
    ) { arguments in
        guard let items = arguments.node("bounds")?.list, items.count == 2,
            items.allSatisfy({ $0.isNull || $0.text != nil }), !items.allSatisfy(\.isNull)
        else {
            arguments.refuse("bounds", expected: "a list of two values, one of which may be null")
            return nil
        }
        return ClampStep(lowest: items[0].text, highest: items[1].text)
    }
}

/// Values below the lowest become the lowest, values above the highest the highest (bottom and top coding).
///
/// - Nulls and NaN: stay as they are.
/// - Cost: two comparisons a value.
struct ClampStep: StepDefinition {
    let lowest: String?
    let highest: String?

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let low = lowest.flatMap { Literal.column($0, type: context.type) }
        let high = highest.flatMap { Literal.column($0, type: context.type) }
        guard (low == nil) == (lowest == nil), (high == nil) == (highest == nil) else {
            return context.refuse("a bound is no \(context.type)", expected: "bounds of type \(context.type)")
        }
        if let lowest, let highest, let a = Bound(lowest, type: context.type),
            let b = Bound(highest, type: context.type),
            b < a
        {
            return context.refuse("the lowest value is above the highest", expected: "[lowest, highest]")
        }
        let words = [("bounds", "\(lowest ?? "null") \(highest ?? "null")")]
        return CompiledStep(
            type: context.type, plan: context.plan(words, method: "top and bottom coding"),
            ClampOperation(low: low, high: high))
    }
}

private struct ClampOperation: ColumnOperation {
    /// Columns of one row, of the column's type.
    let low: Column?
    let high: Column?

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        switch column.type {
        case .int16: clamped(column, Int16.self)
        case .int32, .date: clamped(column, Int32.self)
        case .int64, .timestamp: clamped(column, Int64.self)
        case .float32: clamped(column, Float.self)
        case .float64: clamped(column, Double.self)
        default: decimals(column)
        }
    }

    private func clamped<Value: Comparable & BitwiseCopyable>(_ column: Column, _: Value.Type) -> Outcome {
        let low = low.map { unsafe $0.values(Value.self)[0] }
        let high = high.map { unsafe $0.values(Value.self)[0] }
        let values = unsafe column.values(Value.self)
        return unsafe Outcome(
            column.makingFixed(type: column.type) { out in
                let target = unsafe out.assumingMemoryBound(to: Value.self)
                for row in 0..<column.rowCount where !column.isNull(row) {
                    var value = unsafe values[row]
                    if let low, value < low { value = low }
                    if let high, value > high { value = high }
                    unsafe target[row] = value
                }
            })
    }

    private func decimals(_ column: Column) -> Outcome {
        let low = low?.decimal(0)
        let high = high?.decimal(0)
        return unsafe Outcome(
            column.makingFixed(type: column.type) { out in
                for row in 0..<column.rowCount where !column.isNull(row) {
                    var value = column.decimal(row)
                    if let low, value < low { value = low }
                    if let high, value > high { value = high }
                    unsafe out.storeBytes(of: value, toByteOffset: 16 * row, as: Int128.self)
                }
            })
    }
}
