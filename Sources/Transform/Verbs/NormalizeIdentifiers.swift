internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let normalizePhone = Verb(
        "normalize_phone", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .short("region"),
        parameters: [
            .init("region", required: true, "two letters of the region whose numbers stand without calling code"),
            .normalizeFailure,
        ]
    ) { arguments in
        let policy = arguments.choice("on_failure", NormalizeStep.Policy.self) ?? .stop
        guard let name = arguments.text("region") else { return nil }
        guard let region = PhoneRegion.find(name) else {
            arguments.problems.unknownWord(
                name, kind: "region", at: arguments.position("region"), among: PhoneRegion.names)
            return nil
        }
        return NormalizeStep(form: .phone(region), policy: policy)
    }

    static let normalizeIBAN = Verb(
        "normalize_iban", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .optional(nil), parameters: [.normalizeFailure]
    ) { arguments in
        NormalizeStep(form: .iban, policy: arguments.choice("on_failure", NormalizeStep.Policy.self) ?? .stop)
    }
}

extension Verb.Parameter {
    static let normalizeFailure = Verb.Parameter(
        "on_failure", default: "stop",
        "what becomes of a value that breaks the rules: stop, null, drop_row or keep (as it is)")
}

/// Phone numbers in E.164, IBANs without spaces in upper case: one form for one thing, so that equal things get equal tokens.
///
/// - Nulls: stay null; the empty text breaks the rules.
/// - Throws: `notValid` for a number of impossible length, an IBAN with a wrong country, length or check digits.
/// - Source: ITU-T E.164; ISO 13616 with the lengths of the SWIFT registry.
struct NormalizeStep: StepDefinition {
    enum Form: Sendable {
        case phone(PhoneRegion)
        case iban
    }
    enum Policy: String, CaseIterable, Sendable {
        case stop, null, keep
        case dropRow = "drop_row"
    }

    let form: Form
    let policy: Policy

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words: [(String, String)] = []
        if case .phone(let region) = form { words.append(("region", region.name)) }
        if policy != .stop { words.append(("on_failure", policy.rawValue)) }
        return CompiledStep(type: .text, plan: context.plan(words), NormalizeOperation(form: form, policy: policy))
    }
}

private struct NormalizeOperation: ColumnOperation {
    let form: NormalizeStep.Form
    let policy: NormalizeStep.Policy

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(OnFailure(rawValue: policy.rawValue) ?? .stop)
        let result = unsafe try column.rewritten(&log, code: .notValid) { bytes in
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            let normal: String? =
                switch form {
                case .phone(let region): PhoneForm.of(text, region: region)
                case .iban: IBANForm.of(text)
                }
            return normal ?? (policy == .keep ? text : nil)
        }
        return Outcome(result, nulled: log.nulled, dropped: log.dropped)
    }
}

enum IBANForm {
    /// Without white space and hyphens, upper case; nil when country, length or check digits are wrong.
    static func of(_ text: String) -> String? {
        let compact = compact(text)
        let isValid = unsafe compact.withUnsafeBufferPointer { unsafe kernel_is_iban($0.baseAddress, $0.count) == 1 }
        return isValid ? String(decoding: compact, as: UTF8.self) : nil
    }

    static func compact(_ text: String) -> [UInt8] {
        let kept = text.unicodeScalars.filter { !$0.properties.isWhitespace && $0 != "-" }
        return Array(String(String.UnicodeScalarView(kept)).uppercased().utf8)
    }
}
