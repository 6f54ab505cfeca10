internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let trim = Verb(
        "trim", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in KernelStep(kernel: .trim) }

    static let collapseSpaces = Verb(
        "collapse_spaces", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in KernelStep(kernel: .collapseSpaces) }

    static let lowercase = Verb(
        "lowercase", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in KernelStep(kernel: .lowercase) }

    static let uppercase = Verb(
        "uppercase", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .bare
    ) { _ in KernelStep(kernel: .uppercase) }

    static let prefix = Verb(
        "prefix", .generalise, .generalise, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .short("length"), parameters: [.init("length", required: true, "characters that stay")]
    ) { arguments in
        arguments.integer("length", in: 0...1_000_000).map { KernelStep(kernel: .prefix(Int($0))) }
    }
}

/// A cleaning of text that one kernel does in one pass over the column.
///
/// - Nulls and empty texts: stay as they are.
/// - White space is Unicode's White_Space; letter case is Unicode's full mapping, whatever the machine's language.
struct KernelStep: StepDefinition {
    enum Kernel: Sendable {
        case trim, collapseSpaces, lowercase, uppercase
        case prefix(Int)
    }

    let kernel: Kernel

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words: [(String, String)] = []
        if case .prefix(let count) = kernel {
            words = [(context.verb.name == "prefix" ? "length" : "prefix", "\(count)")]
        }
        let operation: any ColumnOperation =
            switch kernel {
            case .lowercase: CaseOperation(isUpper: false)
            case .uppercase: CaseOperation(isUpper: true)
            case .trim, .collapseSpaces, .prefix: ShorteningOperation(kernel: kernel)
            }
        var method: String?
        if case .prefix = kernel { method = "prefix" }
        return CompiledStep(type: .text, plan: context.plan(words, method: method), operation)
    }
}

/// Kernels that write no more bytes than they read.
private struct ShorteningOperation: ColumnOperation {
    let kernel: KernelStep.Kernel

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let rows = column.rowCount
        let result = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(capacity: byteCount) { outOffsets, out in
                switch kernel {
                case .trim: unsafe kernel_trim_text(offsets, bytes, rows, outOffsets, out)
                case .collapseSpaces: unsafe kernel_collapse_spaces(offsets, bytes, rows, outOffsets, out)
                case .prefix(let count): unsafe kernel_prefix_text(offsets, bytes, rows, count, outOffsets, out)
                case .lowercase, .uppercase: preconditionFailure("letter case has its own operation")
                }
            }
        }
        return Outcome(result)
    }
}

/// Letter case: one pass where all bytes are ASCII, otherwise row by row with Unicode's mapping.
private struct CaseOperation: ColumnOperation {
    let isUpper: Bool

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard case .variable(let offsets, _) = column.storage else {
            preconditionFailure("column has no variable storage")
        }
        let ascii = unsafe column.withVariable { _, bytes, byteCount -> Buffer? in
            guard unsafe kernel_is_ascii(bytes, byteCount) == 1 else { return nil }
            return unsafe Buffer(byteCount: byteCount) { target in
                let out = unsafe target.baseAddress!.assumingMemoryBound(to: UInt8.self)
                if isUpper {
                    unsafe kernel_uppercase_ascii(bytes, byteCount, out)
                } else {
                    unsafe kernel_lowercase_ascii(bytes, byteCount, out)
                }
            }
        }
        if let ascii {
            return Outcome(
                Column(
                    type: .text, rowCount: column.rowCount, validity: column.validity,
                    storage: .variable(offsets: offsets, bytes: ascii)))
        }
        return Outcome(column.rewritingText { isUpper ? $0.uppercased() : $0.lowercased() })
    }
}

extension Column {
    /// Each text of the column rewritten, one `String` a row; nulls stay. For what no kernel does.
    func rewritingText(_ body: (String) -> String) -> Column {
        var builder = VariableBuilder(rows: rowCount, bytes: 16 * rowCount)
        for row in 0..<rowCount {
            if isNull(row) {
                builder.appendNull()
            } else {
                unsafe builder.append(body(String(decoding: variableBytes(row), as: UTF8.self)))
            }
        }
        return builder.finish(type: .text)
    }
}
