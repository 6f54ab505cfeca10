import Foundation
import Model
import Testing

@testable import Transform

/// `docs/verbs.md`, and what the code says about the same verbs.
enum Documentation {
    static let path = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/\($1)" } + "/docs/verbs.md"

    static func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The lines of a verb's section that its definition determines.
    static func facts(of verb: Verb) -> [String] {
        guard verb.isAvailable else { return ["- Not available in this version: a document that uses it is refused."] }
        var lines = [
            "- Takes: \(verb.acceptedTypes)", "- Gives: \(verb.result)",
            "- Effect: \(verb.effect.rawValue), \(verb.mapping.rawValue)",
        ]
        for parameter in verb.parameters {
            let marks = parameter.isRequired ? " (required)" : parameter.defaultText.map { " (default: \($0))" } ?? ""
            lines.append("- Argument `\(parameter.name)`\(marks): \(parameter.meaning)")
        }
        return lines
    }

    /// A verb's section, from its heading to the next.
    static func section(of verb: Verb, in text: String) -> Substring? {
        guard let start = text.range(of: "\n### `\(verb.name)`\n") else { return nil }
        let rest = text[start.upperBound...]
        return rest[..<(rest.range(of: "\n### ")?.lowerBound ?? rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex)]
    }

    /// The shell commands that recompute a token: they read the value on standard input, KEY and SCOPE from the environment.
    static func tokenCommands() throws -> String { try commands(mentioning: "etl-express/1/token/") }

    /// The same for `function: cmac`.
    static func macCommands() throws -> String { try commands(mentioning: "etl-express/1/token-cmac/") }

    /// Those that open an encrypted value: hexadecimal on standard input, KEY and CONTEXT from the environment.
    static func openingCommands() throws -> String { try commands(mentioning: "etl-express/1/siv/") }

    private static func commands(mentioning word: String) throws -> String {
        let blocks = try text().components(separatedBy: "```sh\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        return blocks.first { $0.contains(word) } ?? "exit 1"
    }
}

@Suite("docs/verbs.md") struct DocumentationTests {
    @Test("states of every verb what the code does", arguments: VerbList.all.map(\.name))
    func facts(name: String) throws {
        let verb = try #require(VerbList.find(name))
        let section = try #require(Documentation.section(of: verb, in: Documentation.text()), "no section")
            // An item may go on, indented, in the next lines.
            .replacing("\n  ", with: " ")
        for line in Documentation.facts(of: verb) {
            #expect(section.split(separator: "\n").contains { $0 == line }, "missing: \(line)")
        }
        let stated = section.split(separator: "\n").filter { $0.hasPrefix("- Argument ") }
        #expect(stated.count == verb.parameters.count, "arguments stated")
        guard verb.isAvailable else { return }
        for word in ["- Nulls: ", "- Reversible: ", "- Legal term: ", "- Cost: ", "- Source: "] {
            #expect(section.contains("\n" + word), "no line \(word)")
        }
    }

    @Test("has no section for a verb that does not exist")
    func noOthers() throws {
        let headings = try Documentation.text().split(separator: "\n").filter { $0.hasPrefix("### `") }
        #expect(headings.map(String.init) == VerbList.all.map { "### `\($0.name)`" })
    }
}
