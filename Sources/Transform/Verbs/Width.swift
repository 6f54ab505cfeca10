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
/// Integers and decimals exactly. For floats an edge is the nearest number of the column's type, so what is printed as 1.2
/// begins the range `[1.2,1.3)`.
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
        let edges = FloatEdges(units: step.units, scale: step.scale, isSingle: column.type == .float32)
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
                    if value.isInfinite { return Array((value < 0 ? "-Infinity" : "Infinity").utf8) }
                    return edges.multiple(at: value).map(label) ?? Array("(,)".utf8)
                }))
    }
}

/// The edges of ranges as numbers of a column of floats.
private struct FloatEdges {
    let units: Int128
    let scale: Int
    let isSingle: Bool
    private let width: Double
    private let power: Double

    init(units: Int128, scale: Int, isSingle: Bool) {
        self.units = units
        self.scale = scale
        self.isSingle = isSingle
        power = DecimalText.powerOfTen(scale)
        width = Double(units) / power
    }

    /// The multiple of the width that the value's range begins at; nil where it is beyond 10^18 widths.
    func multiple(at value: Double) -> Int128? {
        let quotient = (value / width).rounded(.down)
        guard quotient.magnitude <= 1e18 else { return nil }
        var multiple = Int128(quotient)
        // The quotient was rounded twice, so it may be one off; beyond 2^52 numbers are further apart than that.
        guard quotient.magnitude < 0x1p52 else { return multiple }
        if edge(multiple) > value { multiple -= 1 } else if edge(multiple + 1) <= value { multiple += 1 }
        return multiple
    }

    private func edge(_ multiple: Int128) -> Double {
        let low = multiple * units
        if !isSingle, low.magnitude < 1 << 53 { return Double(low) / power }
        let text = DecimalText.text(low, scale: scale)
        return isSingle ? Float(text).map(Double.init) ?? .nan : Double(text) ?? .nan
    }
}
