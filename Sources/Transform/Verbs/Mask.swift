internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let mask = Verb(
        "mask", .generalise, .generalise, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .optional("as"),
        parameters: [
            .init("as", default: "ends", "what stays: ends, classes or email"),
            .init("keep_first", default: "0", "characters that stay at the start, of ends"),
            .init("keep_last", default: "0", "characters that stay at the end, of ends"),
            .init("keep_domain", default: "false", "true: all behind the @ stays, of email"),
            .init("with", default: "*", "the character that replaces each hidden one, of ends and email"),
            .init(
                "short", default: "keep",
                "what becomes of a text (of email: a part) no longer than the kept characters: keep or hide (every character is replaced)"
            ),
        ]
    ) { MaskStep.read(&$0) }
}

/// Hides characters of a text; what stays is decided by `form`. A character is a Unicode scalar.
///
/// - Nulls and empty texts: stay as they are.
/// - Cost: one pass over the bytes.
/// - Source: kernel_mask.h states each form.
struct MaskStep: ShowsLastCharacters {
    enum Form: Sendable, Equatable {
        /// The first and last characters stay.
        case ends(keepFirst: Int, keepLast: Int)
        /// The kind of each character stays.
        case classes
        /// The shape of an e-mail address stays.
        case email(keepsDomain: Bool)
    }

    private enum Word: String, CaseIterable, Sendable { case ends, classes, email }

    enum Short: String, CaseIterable, Sendable { case keep, hide }

    let form: Form
    let with: Unicode.Scalar
    let short: Short

    static func read(_ arguments: inout Arguments) -> MaskStep? {
        let word = arguments.has("as") ? arguments.choice("as", Word.self) : .ends
        let first = arguments.integer("keep_first", in: 0...1_000_000) ?? 0
        let last = arguments.integer("keep_last", in: 0...1_000_000) ?? 0
        let keepsDomain = arguments.boolean("keep_domain") ?? false
        let short = arguments.choice("short", Short.self) ?? .keep
        let with = arguments.text("with") ?? "*"
        guard with.unicodeScalars.count == 1, let scalar = with.unicodeScalars.first else {
            arguments.refuse("with", expected: "one character")
            return nil
        }
        guard let word else { return nil }
        let form: Form =
            switch word {
            case .ends: .ends(keepFirst: Int(first), keepLast: Int(last))
            case .classes: .classes
            case .email: .email(keepsDomain: keepsDomain)
            }
        let strange: [String] =
            switch word {
            case .ends: ["keep_domain"]
            case .classes: ["keep_first", "keep_last", "keep_domain", "with", "short"]
            case .email: ["keep_first", "keep_last"]
            }
        for name in strange where arguments.has(name) {
            arguments.refuse(name, expected: "no `\(name)` beside `as: \(word.rawValue)`")
        }
        return MaskStep(form: form, with: scalar, short: short)
    }

    var showsLastCharacters: Bool {
        switch form {
        case .ends(_, let keepLast): keepLast > 0
        case .classes: false
        case .email(let keepsDomain): keepsDomain
        }
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let character = String(Character(with))
        let bytes = Array(character.utf8)
        let ending = short == .hide ? [("short", "hide")] : []
        let plan: StepPlan
        let operation: any ColumnOperation
        switch form {
        case .ends(let first, let last):
            plan = context.plan(
                [("keep_first", "\(first)"), ("keep_last", "\(last)"), ("with", character)] + ending)
            operation = MaskEnds(keepFirst: first, keepLast: last, with: bytes, hidesShort: short == .hide)
        case .classes:
            plan = context.plan([("as", "classes")], method: "mask-classes")
            operation = MaskClasses()
        case .email(let keepsDomain):
            plan = context.plan(
                [("as", "email")] + (keepsDomain ? [("keep_domain", "true")] : []) + [("with", character)] + ending,
                method: "mask-email")
            operation = MaskEmail(keepsDomain: keepsDomain, with: bytes, hidesShort: short == .hide)
        }
        return CompiledStep(type: .text, plan: plan, operation)
    }
}

private struct MaskEnds: ColumnOperation {
    let keepFirst: Int
    let keepLast: Int
    let with: [UInt8]
    let hidesShort: Bool

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let masked = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(capacity: byteCount * with.count) { outOffsets, out in
                unsafe kernel_mask_text(
                    offsets, bytes, column.validityBits, column.rowCount, keepFirst, keepLast, with, with.count,
                    hidesShort ? 1 : 0, outOffsets, out)
            }
        }
        return Outcome(masked)
    }
}

private struct MaskEmail: ColumnOperation {
    let keepsDomain: Bool
    let with: [UInt8]
    let hidesShort: Bool

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let masked = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(capacity: byteCount * with.count) { outOffsets, out in
                unsafe kernel_mask_email(
                    offsets, bytes, column.validityBits, column.rowCount, keepsDomain ? 1 : 0, with, with.count,
                    hidesShort ? 1 : 0, outOffsets, out)
            }
        }
        return Outcome(masked)
    }
}

private struct MaskClasses: ColumnOperation {
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let masked = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(capacity: byteCount) { outOffsets, out in
                unsafe kernel_mask_classes(
                    offsets, bytes, column.validityBits, column.rowCount, CharacterClasses.table, outOffsets, out)
            }
        }
        return Outcome(masked)
    }
}
