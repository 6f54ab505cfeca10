internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let mask = Verb(
        "mask", .generalise, .generalise, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .optional(nil),
        parameters: [
            .init("keep_first", default: "0", "characters that stay at the start"),
            .init("keep_last", default: "0", "characters that stay at the end"),
            .init("with", default: "*", "the character that replaces each hidden one"),
            .init(
                "short", default: "keep",
                "what becomes of a value no longer than the kept characters: keep or hide (every character is replaced)"),
        ]
    ) { MaskStep.read(&$0) }
}

/// Hides all characters but some at the ends; the number of characters stays. A character is a Unicode scalar.
///
/// - Nulls and empty texts: stay as they are.
/// - Cost: one pass over the bytes.
struct MaskStep: ShowsLastCharacters {
    enum Short: String, CaseIterable, Sendable { case keep, hide }

    let keepFirst: Int
    let keepLast: Int
    let with: Unicode.Scalar
    let short: Short

    static func read(_ arguments: inout Arguments) -> MaskStep? {
        let first = arguments.integer("keep_first", in: 0...1_000_000) ?? 0
        let last = arguments.integer("keep_last", in: 0...1_000_000) ?? 0
        let short = arguments.choice("short", Short.self) ?? .keep
        let with = arguments.text("with") ?? "*"
        guard with.unicodeScalars.count == 1, let scalar = with.unicodeScalars.first else {
            arguments.refuse("with", expected: "one character")
            return nil
        }
        return MaskStep(keepFirst: Int(first), keepLast: Int(last), with: scalar, short: short)
    }

    var showsLastCharacters: Bool { keepLast > 0 }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("keep_first", "\(keepFirst)"), ("keep_last", "\(keepLast)"), ("with", String(Character(with)))]
        if short == .hide { words.append(("short", "hide")) }
        return CompiledStep(
            type: .text, plan: context.plan(words),
            MaskOperation(
                keepFirst: keepFirst, keepLast: keepLast, with: Array(String(Character(with)).utf8),
                hidesShort: short == .hide))
    }
}

struct MaskOperation: ColumnOperation {
    let keepFirst: Int
    let keepLast: Int
    let with: [UInt8]
    let hidesShort: Bool

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let masked = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(capacity: byteCount * with.count) { outOffsets, out in
                unsafe kernel_mask_text(
                    offsets, bytes, column.rowCount, keepFirst, keepLast, with, with.count, hidesShort ? 1 : 0,
                    outOffsets, out)
            }
        }
        return Outcome(masked)
    }
}
