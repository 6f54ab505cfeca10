internal import CKernels
internal import Columnar
internal import Foundation
internal import Model

extension Verb {
    static let normalizeUnicode = Verb(
        "normalize_unicode", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in UnicodeStep() }

    static let normalizeEmail = Verb(
        "normalize_email", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in EmailStep() }
}

/// Text in Unicode's normal form C: what looks the same has the same bytes.
/// - Cost: one pass where all bytes are ASCII, otherwise about a microsecond a row.
struct UnicodeStep: StepDefinition {
    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(type: .text, plan: context.plan(method: "NFC"), UnicodeOperation())
    }
}

private struct UnicodeOperation: ColumnOperation {
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        if column.isASCII { return Outcome(column, changed: 0) }
        return Outcome(column.rewritingText { $0.precomposedStringWithCanonicalMapping })
    }
}

/// An e-mail address in the one form that tokens are computed of: no white space around it, lower case, normal form C.
/// The local part is taken as case-insensitive, as every large provider does; nothing else of it is touched.
struct EmailStep: StepDefinition {
    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(type: .text, plan: context.plan(), EmailOperation())
    }
}

enum EmailForm {
    static func of(_ text: String) -> String {
        String(text.unicodeScalars.trimmingSpace()).lowercased().precomposedStringWithCanonicalMapping
    }
}

private struct EmailOperation: ColumnOperation {
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        Outcome(column.rewritingText { EmailForm.of($0) })
    }
}

extension String.UnicodeScalarView {
    /// Without white space at the ends, as `trim` has it.
    func trimmingSpace() -> Substring.UnicodeScalarView {
        var rest = self[...]
        while let first = rest.first, first.properties.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.properties.isWhitespace { rest.removeLast() }
        return rest
    }
}

extension Column {
    /// All bytes of a text column are below 0x80.
    var isASCII: Bool {
        unsafe withVariable { _, bytes, byteCount in unsafe kernel_is_ascii(bytes, byteCount) == 1 }
    }
}
