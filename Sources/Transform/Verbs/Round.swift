internal import Columnar
internal import Foundation
internal import Model

extension Verb {
    static let round = Verb(
        "round", .generalise, .generalise, .lossy, accepts: [.integer, .float, .decimal], elementwise: true,
        result: "the same type", form: .short("digits"),
        parameters: [
            .init("digits", required: true, "digits after the point; -2 rounds to hundreds"), .onFailure,
        ]
    ) { arguments in
        let onFailure = arguments.onFailure()
        return arguments.integer("digits", in: -18...18).map { RoundStep(digits: Int($0), onFailure: onFailure) }
    }
}

/// Rounds numbers, halves to the even neighbour. Decimals and integers are rounded exactly; of a float its exact value is
/// rounded, so 2.675, which is a little less, becomes 2.67.
///
/// - Nulls, NaN and infinities: stay as they are.
/// - Throws: `doesNotFit` where rounding up passes the type's largest number.
struct RoundStep: StepDefinition {
    let digits: Int
    let onFailure: OnFailure

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("digits", "\(digits)")]
        if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        return CompiledStep(type: context.type, plan: context.plan(words), RoundOperation(step: self))
    }

    /// `value` in units of the scale, rounded to a multiple of `unit`.
    static func rounded(_ value: Int128, to unit: Int128) -> Int128 {
        var quotient = value / unit
        let rest = (value % unit).magnitude
        let half = unit.magnitude / 2
        if rest > half || rest == half && quotient % 2 != 0 { quotient += value < 0 ? -1 : 1 }
        return quotient * unit
    }

    /// Exactly rounded: the quick way, and through decimal text where it comes close to a half.
    static func rounded(_ value: Double, digits: Int) -> Double {
        guard value.isFinite else { return value }
        let power = DecimalText.powerOfTen(abs(digits))
        let scaled = digits >= 0 ? value * power : value / power
        // Whole already: a float of this size has no further digits to round.
        guard scaled.magnitude < 4_503_599_627_370_496 else { return value }
        let fraction = (scaled - scaled.rounded(.down) - 0.5).magnitude
        if fraction > 1e-6 || digits < 0 {
            let whole = scaled.rounded(.toNearestOrEven)
            return digits >= 0 ? whole / power : whole * power
        }
        return Double(String(format: "%.\(digits)f", value)) ?? value
    }
}

private struct RoundOperation: ColumnOperation {
    let step: RoundStep

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(step.onFailure)
        let digits = step.digits
        let result: Column
        switch column.type {
        case .float64:
            result = try column.converted(as: column.type, &log) { row in
                unsafe Optional(RoundStep.rounded(column.values(Double.self)[row], digits: digits))
            }
        case .float32:
            result = try column.converted(as: column.type, &log) { row in
                unsafe Optional(Float(RoundStep.rounded(Double(column.values(Float.self)[row]), digits: digits)))
            }
        case .decimal(let precision, let scale):
            guard digits < scale, let unit = DecimalText.scaled(1, by: scale - digits) else {
                return digits < scale ? Outcome(zeros(column)) : Outcome(column, changed: 0)
            }
            result = try column.converted(as: column.type, &log) { row -> Int128? in
                let value = RoundStep.rounded(column.decimal(row), to: unit)
                return DecimalText.fits(value, precision: precision) ? value : nil
            }
        default:
            guard digits < 0, let unit = DecimalText.scaled(1, by: -digits) else { return Outcome(column, changed: 0) }
            result = try integers(column, to: unit, &log)
        }
        return Outcome(result, nulled: log.nulled, dropped: log.dropped)
    }

    private func integers(_ column: Column, to unit: Int128, _ log: inout FailureLog) throws(ValueFailure) -> Column {
        switch column.type {
        case .int16:
            try column.converted(as: column.type, &log) {
                unsafe Int16(exactly: RoundStep.rounded(Int128(column.values(Int16.self)[$0]), to: unit))
            }
        case .int32:
            try column.converted(as: column.type, &log) {
                unsafe Int32(exactly: RoundStep.rounded(Int128(column.values(Int32.self)[$0]), to: unit))
            }
        default:
            try column.converted(as: column.type, &log) {
                unsafe Int64(exactly: RoundStep.rounded(Int128(column.values(Int64.self)[$0]), to: unit))
            }
        }
    }

    /// Rounded to a unit larger than any value of the type.
    private func zeros(_ column: Column) -> Column {
        unsafe column.makingFixed(type: column.type) { _ in }
    }
}
