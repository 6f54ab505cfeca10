internal import Columnar
internal import Model

extension Verb {
    static let parseDate = Verb(
        "parse_date", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "date",
        form: .short("formats"),
        parameters: [
            .init("formats", required: true, "one format or a list; the first that fits a value is taken"), .onFailure,
        ]
    ) { ParseDateStep.read(&$0, isTimestamp: false) }

    static let parseTimestamp = Verb(
        "parse_timestamp", .clean, .clean, .lossy, accepts: [.text], elementwise: true,
        result: "timestamptz when the formats have %z, otherwise timestamp", form: .short("formats"),
        parameters: [
            .init("formats", required: true, "one format or a list; the first that fits a value is taken"), .onFailure,
        ]
    ) { ParseDateStep.read(&$0, isTimestamp: true) }
}

/// Text becomes a date or a timestamp, by formats as `strptime` has them (see `DateFormat`).
///
/// - Nulls: stay null; the empty text fails.
/// - Throws: `doesNotParse` for a text that no format fits.
/// - Cost: one attempt a format until one fits.
struct ParseDateStep: StepDefinition {
    let formats: [DateFormat]
    let written: [String]
    let isTimestamp: Bool
    let onFailure: OnFailure

    static func read(_ arguments: inout Arguments, isTimestamp: Bool) -> ParseDateStep? {
        let onFailure = arguments.onFailure()
        guard let written = arguments.texts("formats") else { return nil }
        var formats: [DateFormat] = []
        for text in written {
            let (format, problem) = DateFormat.read(text)
            guard let format else {
                arguments.refuse(
                    "formats", expected: "formats such as %Y-%m-%d", remedy: "\"\(text)\": \(problem ?? "")")
                return nil
            }
            if !isTimestamp, format.hasTime {
                arguments.refuse(
                    "formats", expected: "formats of dates alone", remedy: "use parse_timestamp for \"\(text)\"")
                return nil
            }
            formats.append(format)
        }
        if Set(formats.map(\.hasZone)).count > 1 {
            arguments.refuse("formats", expected: "%z in all formats or in none")
            return nil
        }
        return ParseDateStep(formats: formats, written: written, isTimestamp: isTimestamp, onFailure: onFailure)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("formats", written.joined(separator: " | "))]
        if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        return CompiledStep(
            type: isTimestamp ? .timestamp(isUTC: formats[0].hasZone) : .date, plan: context.plan(words),
            ParseDateOperation(step: self))
    }
}

private struct ParseDateOperation: ColumnOperation {
    let step: ParseDateStep

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(step.onFailure)
        let formats = step.formats
        let result: Column
        if step.isTimestamp {
            result = unsafe try column.parsed(as: .timestamp(isUTC: formats[0].hasZone), &log) { bytes -> Int64? in
                for format in formats {
                    guard let value = unsafe format.parse(bytes) else { continue }
                    return ISODate.micros(days: Int64(value.days), seconds: value.seconds, fraction: value.fraction)
                }
                return nil
            }
        } else {
            result = unsafe try column.parsed(as: .date, &log) { bytes -> Int32? in
                for format in formats { if let value = unsafe format.parse(bytes) { return value.days } }
                return nil
            }
        }
        return Outcome(result, nulled: log.nulled, dropped: log.dropped)
    }
}
