internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let generalize = Verb(
        "generalize", .generalise, .generalise, .lossy,
        accepts: [.integer, .float, .decimal, .text, .date, .timestamp],
        elementwise: true,
        result: "int32 (`to: year`), text (all others)", form: .mapping,
        parameters: [
            .init("to", "year, quarter, month or decade of a date or timestamp; age_band of a date of birth; us_zip3"),
            .init("prefix", "characters of a text that stay"),
            .init("ranges", "ascending edges; the value becomes its range"),
            .init("width", "the width of equal ranges; the value becomes its range"),
            .init("on", "the date at which ages are counted, of age_band, which needs it"),
            .init("band", default: "10", "years of an age band, 1 to 50"),
            .init("top", default: "90", "the age from which on all are one band, a multiple of `band`"),
            .init(
                "on_failure", default: "stop",
                "of age_band and us_zip3: what becomes of a failing value: stop, null or drop_row"),
        ]
    ) { arguments in
        let ways = ["to", "prefix", "ranges", "width"].filter { arguments.has($0) }
        guard ways.count == 1 else {
            arguments.problems.error(
                arguments.step.argument?.position ?? arguments.step.position,
                found: "generalize with \(ways.isEmpty ? "no way to do it" : ways.joined(separator: " and "))",
                expected: "one of to, prefix, ranges, width")
            return nil
        }
        let form = arguments.node("to")?.text
        let isAge = ways[0] == "to" && form == "age_band"
        let isZIP = ways[0] == "to" && form == "us_zip3"
        for name in ["on", "band", "top"] where arguments.has(name) && !isAge {
            arguments.refuse(name, expected: "`to: age_band` beside it")
            return nil
        }
        if arguments.has("on_failure"), !isAge, !isZIP {
            arguments.refuse("on_failure", expected: "`to: age_band` or `to: us_zip3` beside it: nothing else can fail")
            return nil
        }
        if isAge { return AgeBandStep.read(&arguments).map { TypedStep($0, takes: [.date, .timestamp]) } }
        if isZIP { return TypedStep(USZIPStep(onFailure: arguments.onFailure()), takes: [.text]) }
        switch ways[0] {
        case "prefix":
            return arguments.integer("prefix", in: 0...1_000_000).map {
                TypedStep(KernelStep(kernel: .prefix(Int($0))), takes: [.text])
            }
        case "ranges":
            return RangesStep.read(&arguments, "ranges").map { TypedStep($0, takes: RangesStep.accepts) }
        case "width": return WidthStep.read(&arguments, "width").map { TypedStep($0, takes: WidthStep.accepts) }
        default:
            guard let form = arguments.choice("to", PeriodStep.Form.self) else { return nil }
            return form.period.map { TypedStep(PeriodStep(period: $0), takes: [.date, .timestamp]) }
        }
    }
}

/// A step that takes fewer types than its verb as a whole.
struct TypedStep: StepDefinition {
    let inner: any StepDefinition
    let takes: [TypeKind]

    init(_ inner: any StepDefinition, takes: [TypeKind]) {
        self.inner = inner
        self.takes = takes
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        guard takes.contains(context.type.kind) else {
            return context.refuse(
                "this form does not take \(context.type)", expected: takes.map(\.rawValue).joined(separator: ", "))
        }
        return inner.compile(&context)
    }
}

/// A date or timestamp becomes the period that it lies in. Instants are looked at in UTC.
struct PeriodStep: StepDefinition {
    enum Period: String, CaseIterable, Sendable { case year, quarter, month, decade }

    /// What `to` may say, the forms that are no period too.
    enum Form: String, CaseIterable {
        case year, quarter, month, decade
        case ageBand = "age_band"
        case zip = "us_zip3"

        var period: Period? { Period(rawValue: rawValue) }
    }

    let period: Period

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(
            type: period == .year ? .int32 : .text,
            plan: context.plan([("to", period.rawValue)], method: period.rawValue),
            PeriodOperation(period: period))
    }
}

private struct PeriodOperation: ColumnOperation {
    let period: PeriodStep.Period

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let rows = column.rowCount
        var dates = column
        if case .timestamp = column.type {
            dates = unsafe column.makingFixed(type: .date) { out in
                unsafe kernel_days_of_timestamps(
                    column.values(Int64.self).baseAddress, rows, out.assumingMemoryBound(to: Int32.self))
            }
        }
        let days = unsafe dates.values(Int32.self).baseAddress
        let kernelPeriod: Int32
        switch period {
        case .year:
            return Outcome(
                unsafe dates.makingFixed(type: .int32) { out in
                    unsafe kernel_years_of_days(
                        days, dates.validityBits, rows, out.assumingMemoryBound(to: Int32.self))
                })
        case .quarter: kernelPeriod = Int32(KERNEL_PERIOD_QUARTER)
        case .month: kernelPeriod = Int32(KERNEL_PERIOD_MONTH)
        case .decade: kernelPeriod = Int32(KERNEL_PERIOD_DECADE)
        }
        return Outcome(
            unsafe dates.makingText(capacity: rows * Int(KERNEL_DATE_TEXT)) { offsets, out in
                unsafe kernel_periods_of_days(days, dates.validityBits, rows, kernelPeriod, offsets, out)
            })
    }
}
