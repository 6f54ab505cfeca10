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
            .init("to", "year, quarter, month or decade of a date or timestamp"),
            .init("prefix", "characters of a text that stay"),
            .init("ranges", "ascending edges; the value becomes its range"),
            .init("width", "the width of equal ranges; the value becomes its range"),
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
        switch ways[0] {
        case "prefix":
            return arguments.integer("prefix", in: 0...1_000_000).map {
                TypedStep(KernelStep(kernel: .prefix(Int($0))), takes: [.text])
            }
        case "ranges":
            return RangesStep.read(&arguments, "ranges").map { TypedStep($0, takes: RangesStep.accepts) }
        case "width": return WidthStep.read(&arguments, "width").map { TypedStep($0, takes: WidthStep.accepts) }
        default:
            return arguments.choice("to", PeriodStep.Period.self).map {
                TypedStep(PeriodStep(period: $0), takes: [.date, .timestamp])
            }
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
