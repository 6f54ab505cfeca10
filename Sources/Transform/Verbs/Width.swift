internal import Columnar
internal import Model

extension Verb {
    static let width = Verb(
        "width", .generalise, .generalise, .lossy, accepts: WidthStep.accepts, elementwise: true, result: "text",
        form: .short("width"), parameters: [.init("width", required: true, "the width of a range, above zero")]
    ) { WidthStep.read(&$0, "width") }
}

/// A number becomes the range of equal width that it lies in: under `width: 10`, 37 becomes `[30,40)`. Ranges start at
/// whole multiples of the width.
///
/// - Nulls: stay null. NaN becomes `NaN`, infinities `Infinity` and `-Infinity`.
/// - Cost: a division a value.
struct WidthStep: StepDefinition {
    static let accepts: [TypeKind] = [.integer, .float, .decimal]

    /// The width in units of 10^-scale, so that edges are written without rounding.
    let units: Int128
    let scale: Int
    let text: String

    static func read(_ arguments: inout Arguments, _ name: String) -> WidthStep? {
        guard let text = arguments.node(name)?.text, let number = DecimalText(text), number.units > 0,
            number.scale <= 18, number.units < 1 << 62
        else {
            arguments.refuse(name, expected: "a number above zero with at most 18 digits after the point")
            return nil
        }
        return WidthStep(units: number.units, scale: number.scale, text: text)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        // Values and the width in one unit: the finer of the two.
        var typeScale = 0
        if case .decimal(_, let scale) = context.type { typeScale = scale }
        let finest = max(typeScale, scale)
        guard let width = DecimalText.scaled(units, by: finest - scale),
            let factor = DecimalText.scaled(1, by: finest - typeScale)
        else { return context.refuse("the width does not go with \(context.type)", expected: "a simpler number") }
        return CompiledStep(
            type: .text, plan: context.plan([("width", text)], method: "width"),
            WidthOperation(step: self, width: width, factor: factor))
    }
}

private struct WidthOperation: ColumnOperation {
    let step: WidthStep
    /// The width and what values are multiplied with, in units of the finer scale.
    let width: Int128
    let factor: Int128

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let floatWidth = Double(step.units) / DecimalText.powerOfTen(step.scale)
        var last: (multiple: Int128, label: [UInt8])?
        func label(_ multiple: Int128) -> [UInt8] {
            if let last, last.multiple == multiple { return last.label }
            let (low, lowOverflow) = multiple.multipliedReportingOverflow(by: step.units)
            let (high, highOverflow) = low.addingReportingOverflow(step.units)
            // Only a decimal of nearly 38 digits under a tiny width gets here; its range is open then.
            let text =
                lowOverflow || highOverflow
                ? "(,)" : "[\(DecimalText.text(low, scale: step.scale)),\(DecimalText.text(high, scale: step.scale)))"
            let bytes = Array(text.utf8)
            last = (multiple, bytes)
            return bytes
        }
        return Outcome(
            NumericColumn.labels(
                column,
                whole: { value in
                    let (scaled, overflow) = value.multipliedReportingOverflow(by: factor)
                    if overflow { return Array("(,)".utf8) }
                    let quotient = scaled / width
                    return label(scaled % width < 0 ? quotient - 1 : quotient)
                },
                float: { value in
                    if value.isNaN { return Array("NaN".utf8) }
                    let multiple = (value / floatWidth).rounded(.down)
                    if multiple.magnitude > 1e18 { return Array((value < 0 ? "-Infinity" : "Infinity").utf8) }
                    return label(Int128(multiple))
                }))
    }
}
