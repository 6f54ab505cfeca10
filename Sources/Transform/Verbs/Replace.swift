internal import Columnar
internal import Foundation
internal import Model

extension Verb {
    static let replace = Verb(
        "replace", .clean, .clean, .lossy, accepts: [.text], elementwise: true, result: "text", form: .mapping,
        parameters: [
            .init("pattern", required: true, "a regular expression as ICU reads it"),
            .init("with", required: true, "what each match becomes; $1 to $9 stand for groups"),
        ]
    ) { ReplaceStep.read(&$0) }
}

/// Replaces every match of a regular expression.
///
/// A tool for cleaning, not for protection: a pattern says what it finds, and what it misses stays.
/// - Nulls: stay null.
/// - Cost: some microseconds a value; ICU's matcher backtracks, so a repetition within a repetition, whose time grows
///   exponentially with the value, is refused.
/// - Source: ICU regular expressions, through Foundation.
struct ReplaceStep: StepDefinition {
    let pattern: String
    let with: String
    let expression: NSRegularExpression

    static func read(_ arguments: inout Arguments) -> ReplaceStep? {
        guard let pattern = arguments.text("pattern"), let with = arguments.text("with") else { return nil }
        guard !pattern.isEmpty, let expression = try? NSRegularExpression(pattern: pattern) else {
            arguments.refuse("pattern", expected: "a regular expression")
            return nil
        }
        if hasNestedRepetition(pattern) {
            arguments.refuse(
                "pattern", expected: "no repetition of a group that ends in or holds a repetition, such as (a+)+",
                remedy: "its time can grow exponentially with the value")
            return nil
        }
        return ReplaceStep(pattern: pattern, with: with, expression: expression)
    }

    /// A group that holds an unbounded repetition is itself repeated without bound.
    static func hasNestedRepetition(_ pattern: String) -> Bool {
        var groups: [Bool] = []  // does the open group hold a repetition
        var isInClass = false
        var closedGroupHeld: Bool?
        let characters = Array(pattern)
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let repeats = character == "*" || character == "+" || character == "{" && isUnbounded(characters[index...])
            if isInClass {
                if character == "\\" { index += 1 } else if character == "]" { isInClass = false }
                closedGroupHeld = nil
            } else if repeats {
                if closedGroupHeld == true { return true }
                if !groups.isEmpty { groups[groups.count - 1] = true }
                closedGroupHeld = nil
            } else {
                closedGroupHeld = nil
                switch character {
                case "\\": index += 1
                case "[": isInClass = true
                case "(": groups.append(false)
                case ")":
                    closedGroupHeld = groups.popLast() ?? false
                    if closedGroupHeld == true, !groups.isEmpty { groups[groups.count - 1] = true }
                default: break
                }
            }
            index += 1
        }
        return false
    }

    /// `{3,}` or `{3,200}`: many repetitions; `{3}` and `{1,9}` are few.
    private static func isUnbounded(_ rest: ArraySlice<Character>) -> Bool {
        let body = String(rest.dropFirst().prefix { $0 != "}" })
        guard let last = body.split(separator: ",", omittingEmptySubsequences: false).last else { return false }
        return last.isEmpty ? body.contains(",") : Int(last) ?? 0 > 20
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        CompiledStep(
            type: .text, plan: context.plan([("pattern", pattern), ("with", with)]),
            ReplaceOperation(expression: expression, with: with))
    }
}

private struct ReplaceOperation: ColumnOperation {
    let expression: NSRegularExpression
    let with: String

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        Outcome(
            column.rewritingText { text in
                let whole = NSRange(text.startIndex..., in: text)
                return expression.stringByReplacingMatches(in: text, range: whole, withTemplate: with)
            })
    }
}
