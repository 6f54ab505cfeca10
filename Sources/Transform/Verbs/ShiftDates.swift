internal import Columnar
internal import Model

extension Verb {
    static let shiftDates = Verb(
        "shift_dates", .pseudonymise, .pseudonymise, .lossy, accepts: [.date, .timestamp], result: "the same type",
        form: .mapping,
        parameters: [
            .init("key", required: true, "the name of a key"),
            .init("by", required: true, "the source column that tells whose date it is"),
            .init("days", required: true, "the largest shift in either direction, 1 to 3650"),
            .init("whole_weeks", default: "false", "true keeps the day of the week"),
            .init("scope", default: "the name of the `by` column", "equal subjects of one scope get equal shifts"),
            .init(
                "sentinels", default: "[1900-01-01, 9999-12-31]",
                "dates that stand for none and are not shifted; [] for no"),
            .init("sentinels_as", default: "null", "how these are published: null, or keep as they are"),
            .onFailure,
        ]
    ) { ShiftDatesStep.read(&$0) }
}

/// Moves all dates of one subject by the same number of days, so that intervals between them stay.
///
/// The shift comes from 64 bits of HMAC-SHA-256 of the subject's text form: never zero, evenly spread over the allowed days.
/// - Nulls: stay null. A date whose subject is NULL fails: it must neither stay as it is nor share a shift with others.
/// - Sentinels: dates that mean "none" or "always". Shifted they would tell the subject's shift, since everybody knows
///   where they stood; so they become null, counted as `nulled`, or stay. A timestamp is one when it lies on such a day, an
///   instant when it does in any time zone. The ends of the type's range, which stand for infinities, always are.
/// - Units: whole days; the time of the day stays. Beyond the largest or smallest date a result stays at it.
/// - Cost: one token's worth of hashing a value.
struct ShiftDatesStep: UsesKey, LooksBeside {
    let key: KeyReference
    let by: String
    let byPosition: Position
    let days: Int
    let wholeWeeks: Bool
    let scope: String
    let onFailure: OnFailure
    /// Ascending.
    let sentinels: [Int32]
    let sentinelsAs: SentinelsAs
    /// As the document has them; nil: it has none of its own.
    let sentinelWords: String?

    enum SentinelsAs: String, CaseIterable, Sendable { case null, keep }

    static let usualSentinels: [Int32] = ["1900-01-01", "9999-12-31"].compactMap { ISODate.days($0) }

    var keyReference: KeyReference? { key }
    var besideColumn: String { by }

    static func read(_ arguments: inout Arguments) -> ShiftDatesStep? {
        let key = arguments.text("key").map { [position = arguments.position("key")] in
            KeyReference(text: $0, position: position)
        }
        let by = arguments.text("by")
        let days = arguments.integer("days", in: 1...3650)
        let wholeWeeks = arguments.boolean("whole_weeks") ?? false
        let scope = arguments.has("scope") ? arguments.scope("scope") : by
        let onFailure = arguments.onFailure()
        let sentinels = arguments.has("sentinels") ? readSentinels(&arguments) : usualSentinels
        let sentinelsAs = arguments.choice("sentinels_as", SentinelsAs.self) ?? .null
        guard let key, let by, let days, let scope, let sentinels else { return nil }
        guard KeyPurpose.isScope(scope) else {
            arguments.refuse(
                "by", expected: "a scope beside it: the column's name has other characters than a scope may have")
            return nil
        }
        if wholeWeeks, days < 7 {
            arguments.refuse("days", expected: "at least 7 with whole weeks")
            return nil
        }
        return ShiftDatesStep(
            key: key, by: by, byPosition: arguments.position("by"), days: Int(days), wholeWeeks: wholeWeeks,
            scope: scope, onFailure: onFailure, sentinels: sentinels, sentinelsAs: sentinelsAs,
            sentinelWords: arguments.node("sentinels")?.list?.compactMap(\.text).joined(separator: ", "))
    }

    /// A list of dates, which may be empty; nil after a problem.
    private static func readSentinels(_ arguments: inout Arguments) -> [Int32]? {
        let days = arguments.node("sentinels")?.list?.map { $0.text.flatMap { ISODate.days($0) } }
        guard let days, !days.contains(nil) else {
            arguments.refuse("sentinels", expected: "a list of dates such as 1900-01-01")
            return nil
        }
        return Set(days.compactMap(\.self)).sorted()
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let names = context.inputs.map(\.name)
        guard let index = context.inputs.firstIndex(where: { $0.name == by }) else {
            context.problems.unknownWord(by, kind: "source column", at: byPosition, among: names)
            return nil
        }
        let type = context.inputs[index].type
        guard Verb.token.accepts.contains(type.kind) else {
            return context.refuse("the column \"\(by)\" is \(type)", expected: "a column that a token can be made of")
        }
        var words = [("key", key.text), ("by", by), ("days", "\(days)"), ("scope", scope)]
        if wholeWeeks { words.append(("whole_weeks", "true")) }
        if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        if let sentinelWords { words.append(("sentinels", "[\(sentinelWords)]")) }
        if sentinelsAs != .null { words.append(("sentinels_as", sentinelsAs.rawValue)) }
        let fieldKey = context.keys?[key.text]?.derive(.shift(scope: scope))
        return CompiledStep(
            type: context.type,
            plan: context.plan(words, key: key.text, scope: scope, method: "hmac-sha256 date shift"),
            ShiftDatesOperation(
                key: fieldKey, input: index, days: days, wholeWeeks: wholeWeeks, onFailure: onFailure,
                sentinels: sentinels, sentinelsAs: sentinelsAs))
    }

    /// The shift that the first eight bytes of a digest mean: multiply and shift, so all shifts are equally likely.
    static func shift(_ bits: UInt64, days: Int, wholeWeeks: Bool) -> Int {
        let reach = wholeWeeks ? days / 7 : days
        let place = Int(bits.multipliedFullWidth(by: UInt64(2 * reach)).high)
        let steps = place < reach ? place - reach : place - reach + 1
        return wholeWeeks ? steps * 7 : steps
    }
}

private struct ShiftDatesOperation: ColumnOperation {
    let key: FieldKey?
    let input: Int
    let days: Int
    let wholeWeeks: Bool
    let onFailure: OnFailure
    let sentinels: [Int32]
    let sentinelsAs: ShiftDatesStep.SentinelsAs

    /// Whether each row's date is a sentinel.
    private func findSentinels(_ column: Column) -> [Bool] {
        if column.type == .date {
            let days = unsafe column.values(Int32.self)
            return (0..<column.rowCount).map { row in
                let day = unsafe days[row]
                return day == .min || day == .max || sentinels.contains(day)
            }
        }
        // UTC+14 is the first to begin a day, UTC-12 the last to end it.
        let isInstant = column.type == .timestamp(isUTC: true)
        let (early, late): (Int64, Int64) = isInstant ? (14, 12) : (0, 0)
        let ranges = sentinels.compactMap { day -> Range<Int64>? in
            guard let start = ISODate.micros(days: Int64(day), seconds: 0, fraction: 0) else { return nil }
            let (low, lowOverflow) = start.subtractingReportingOverflow(early * 3_600_000_000)
            let (high, highOverflow) = start.addingReportingOverflow((24 + late) * 3_600_000_000)
            return (lowOverflow ? .min : low)..<(highOverflow ? .max : high)
        }
        let micros = unsafe column.values(Int64.self)
        return (0..<column.rowCount).map { row in
            let value = unsafe micros[row]
            return value == .min || value == .max || ranges.contains { $0.contains(value) }
        }
    }

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard let key else { preconditionFailure("a transform that is applied was compiled with its keys") }
        let subjects = chunk.columns[input]
        let digests = key.digests(of: TextForm.of(subjects))
        func shift(_ row: Int) -> Int {
            let bits = unsafe digests.bytes.loadUnaligned(fromByteOffset: 32 * row, as: UInt64.self).bigEndian
            return ShiftDatesStep.shift(bits, days: days, wholeWeeks: wholeWeeks)
        }
        let isSentinel = findSentinels(column)
        var log = FailureLog(onFailure)
        var result: Column
        if column.type == .date {
            result = try column.converted(as: column.type, &log, code: .noSubject) { row -> Int32? in
                let day = unsafe column.values(Int32.self)[row]
                if isSentinel[row] { return day }
                return subjects.isNull(row) ? nil : Int32(clamping: Int(day) + shift(row))
            }
        } else {
            result = try column.converted(as: column.type, &log, code: .noSubject) { row -> Int64? in
                let micros = unsafe column.values(Int64.self)[row]
                if isSentinel[row] { return micros }
                if subjects.isNull(row) { return nil }
                let (sum, overflow) = micros.addingReportingOverflow(Int64(shift(row)) * 86_400_000_000)
                return overflow ? (micros < 0 ? .min : .max) : sum
            }
        }
        var nulled = log.nulled
        if sentinelsAs == .null {
            nulled += (0..<column.rowCount).count { isSentinel[$0] && !column.isNull($0) }
            result = result.nulling { isSentinel[$0] }
        }
        return Outcome(result, nulled: nulled, dropped: log.dropped)
    }
}
