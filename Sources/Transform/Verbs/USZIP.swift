internal import Columnar
internal import Model

/// A ZIP code of the United States becomes its first three digits; `000` where those stand for an area of at most 20,000 people,
/// as HIPAA's Safe Harbor asks (45 CFR 164.514(b)(2)(i)(B)).
///
/// - Nulls: stay null.
/// - Errors: a text other than `12345` and `12345-6789` fails.
/// - Cost: a look at nine bytes a value.
/// - Source: the 17 areas that the Department of Health and Human Services lists by the census of 2000 (Guidance Regarding
///   Methods for De-identification of Protected Health Information, 2012). By a later census the list may be another.
struct USZIPStep: StepDefinition {
    static let smallAreas: Set<String> = [
        "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
        "893",
    ]

    let onFailure: OnFailure

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(
            type: .text, plan: context.plan([("to", "us_zip3")], method: "us_zip3, census of 2000"),
            USZIPOperation(onFailure: onFailure))
    }

    /// nil: no ZIP code.
    static func area(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count == 5 || bytes.count == 10 else { return nil }
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            let isRight = index == 5 ? byte == UInt8(ascii: "-") : byte &- UInt8(ascii: "0") < 10
            guard isRight else { return nil }
        }
        let area = unsafe String(decoding: bytes.prefix(3), as: UTF8.self)
        return smallAreas.contains(area) ? "000" : area
    }
}

private struct USZIPOperation: ColumnOperation {
    let onFailure: OnFailure

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(onFailure)
        let result = unsafe try column.rewritten(&log, code: .notValid) { unsafe USZIPStep.area($0) }
        return Outcome(result, nulled: log.nulled, dropped: log.dropped)
    }
}
