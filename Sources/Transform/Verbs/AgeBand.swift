internal import CKernels
internal import Columnar
internal import Model

/// A date of birth becomes the band that the age lies in at a declared date: `30-39`, and `90+` for all from `top` on, as
/// HIPAA's Safe Harbor asks (45 CFR 164.514(b)(2)(i)(C)).
///
/// - Nulls: stay null.
/// - Units: whole years, the birthday counted; who was born on 29 February has it on 1 March in other years. A timestamp is its
///   day, an instant its day in UTC.
/// - Errors: a birth after the declared date fails.
/// - Cost: a calendar date and a text a value.
struct AgeBandStep: StepDefinition {
    let on: Int32
    let onText: String
    let band: Int
    let top: Int
    let onFailure: OnFailure

    static func read(_ arguments: inout Arguments) -> AgeBandStep? {
        let text = arguments.node("on")?.text
        guard let text, let on = ISODate.days(text) else {
            arguments.refuse("on", expected: "the date at which ages are counted, such as 2026-01-01")
            return nil
        }
        let band = arguments.has("band") ? arguments.integer("band", in: 1...50) : 10
        let top = arguments.has("top") ? arguments.integer("top", in: 1...150) : 90
        let onFailure = arguments.onFailure()
        guard let band, let top else { return nil }
        guard top % band == 0 else {
            arguments.refuse("top", expected: "a multiple of the band's \(band) years")
            return nil
        }
        return AgeBandStep(on: on, onText: text, band: Int(band), top: Int(top), onFailure: onFailure)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let words = [("to", "age_band"), ("on", onText), ("band", "\(band)"), ("top", "\(top)")]
        return CompiledStep(
            type: .text, plan: context.plan(words, method: "age_band"), AgeBandOperation(step: self))
    }

    /// Whole years from a day of birth to the declared date; below zero: born after it.
    func age(bornOn day: Int32) -> Int {
        let (birth, then) = (Self.civil(day), Self.civil(on))
        let years = then.year - birth.year
        return (then.month, then.day) < (birth.month, birth.day) ? years - 1 : years
    }

    private static func civil(_ day: Int32) -> (year: Int, month: Int, day: Int) {
        var (year, month, dayOfMonth): (Int64, Int32, Int32) = (0, 0, 0)
        unsafe kernel_civil_from_days(Int64(day), &year, &month, &dayOfMonth)
        return (Int(year), Int(month), Int(dayOfMonth))
    }

    func label(_ age: Int) -> String {
        if age >= top { return "\(top)+" }
        let low = age / band * band
        return band == 1 ? "\(low)" : "\(low)-\(low + band - 1)"
    }
}

private struct AgeBandOperation: ColumnOperation {
    let step: AgeBandStep

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var days = column
        if case .timestamp = column.type {
            days = unsafe column.makingFixed(type: .date) { out in
                unsafe kernel_days_of_timestamps(
                    column.values(Int64.self).baseAddress, column.rowCount, out.assumingMemoryBound(to: Int32.self))
            }
        }
        var log = FailureLog(step.onFailure)
        var builder = VariableBuilder(rows: column.rowCount, bytes: 8 * column.rowCount)
        for row in 0..<column.rowCount {
            let age = days.isNull(row) ? nil : unsafe step.age(bornOn: days.values(Int32.self)[row])
            if let age, age < 0 { try log.fail(.notValid, row: row) }
            if let age, age >= 0 { builder.append(step.label(age)) } else { builder.appendNull() }
        }
        return Outcome(builder.finish(type: .text), nulled: log.nulled, dropped: log.dropped)
    }
}
