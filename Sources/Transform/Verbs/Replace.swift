internal import Columnar
internal import Model

extension Verb {
    static let replace = Verb(
        "replace", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .mapping,
        parameters: [
            .init("pattern", required: true, "a regular expression"),
            .init("with", required: true, "what each match becomes; $1 to $9 stand for groups, $0 for the match"),
        ]
    ) { ReplaceStep.read(&$0) }
}

/// Replaces every match of a regular expression.
///
/// A tool for cleaning, not for protection: a pattern says what it finds, and what it misses stays.
/// - Nulls: stay null.
/// - Errors: a result with which the chunk's column would pass 2 GiB fails as too long.
/// - Cost: time in proportion to the value's bytes times the pattern's steps, at worst; see `PatternSearch`.
/// - Source: kernel_pattern.h.
struct ReplaceStep: StepDefinition {
    let pattern: String
    let with: String
    let program: PatternProgram
    let replacement: Replacement

    static func read(_ arguments: inout Arguments) -> ReplaceStep? {
        guard let pattern = arguments.text("pattern"), let with = arguments.text("with") else { return nil }
        guard !pattern.isEmpty else {
            arguments.refuse("pattern", expected: "a regular expression that is not empty")
            return nil
        }
        var reading = "pattern"
        do throws(PatternProblem) {
            let program = try PatternProgram(pattern)
            reading = "with"
            let replacement = try Replacement(with, groupCount: program.groupCount)
            return ReplaceStep(pattern: pattern, with: with, program: program, replacement: replacement)
        } catch {
            arguments.problems.error(
                arguments.position(reading),
                found: "replace: \(reading) has \(error.found), at its character \(error.place)",
                expected: reading == "pattern"
                    ? "a regular expression as docs/verbs.md describes them" : "a text with $1 to $9 for groups",
                remedy: error.remedy)
            return nil
        }
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(
            type: .text, plan: context.plan([("pattern", pattern), ("with", with)]),
            ReplaceOperation(program: program, replacement: replacement))
    }
}

private struct ReplaceOperation: ColumnOperation {
    let program: PatternProgram
    let replacement: Replacement

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let rows = (0..<column.rowCount).filter { !column.isNull($0) }
        let longest = rows.map { unsafe column.variableBytes($0).count }.max() ?? 0
        var search = PatternSearch(program, longest: longest)
        var builder = VariableBuilder(rows: column.rowCount, bytes: 16 * column.rowCount)
        var rewritten: [UInt8] = []
        for row in 0..<column.rowCount {
            if column.isNull(row) {
                builder.appendNull()
                continue
            }
            rewritten.removeAll(keepingCapacity: true)
            let text = unsafe column.variableBytes(row)
            let room = Int(Int32.max) - builder.byteCount
            switch unsafe search.replace(in: text, with: replacement, into: &rewritten, limit: room) {
            case .replaced: unsafe rewritten.withUnsafeBytes { unsafe builder.append($0) }
            case .unchanged where text.count <= room: unsafe builder.append(text)
            case .unchanged, .tooLong: throw ValueFailure(code: .tooLong, row: row)
            }
        }
        return Outcome(builder.finish(type: .text))
    }
}
