import Model
import Yams

/// What the YAML parser objects to, in plain words. Its own description quotes the line, which may hold a secret; only
/// its fixed messages and positions are used.
struct YAMLFault {
    private let position: Position
    private let found: String
    private let remedy: String?

    init(_ error: YamlError, text: String) {
        let lines = Self.lines(of: text)
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            position = Self.clamped(mark, lines)
            (found, remedy) = Self.words(for: problem, context: context, at: position, lines)
        case .duplicatedKeysInMapping(let names, let context):
            let first = Self.clamped(context.mark, lines)
            let name = names.first ?? ""
            position = Self.second(name, after: first, lines) ?? first
            found = "the key \"\(name.shown())\" for the second time (first in line \(first.line))"
            remedy = "each key stands once in its mapping"
        case .reader:
            position = .start
            found = "a character that YAML does not allow"
            remedy = nil
        default:
            position = .start
            found = "a document that cannot be read as YAML"
            remedy = nil
        }
    }

    func problem(file: String?) -> Problem {
        Problem(file: file, position: position, found: found, expected: "valid YAML", remedy: remedy)
    }

    private static func words(
        for problem: String, context: YamlError.Context?, at position: Position, _ lines: [Substring.UnicodeScalarView]
    ) -> (String, String?) {
        let line = lines.isEmpty ? Substring("").unicodeScalars : lines[position.line - 1]
        let here = line.dropFirst(position.column - 1).first
        let hasOpenPlaceholder = lines[max(0, position.line - 2)...min(max(lines.count - 1, 0), position.line - 1)]
            .contains { Substring($0).contains("${") }
        let quote = hasOpenPlaceholder ? "put a text with ${…} in double quotes" : nil
        let began = context.map { " (it began in line \($0.mark.line))" } ?? ""
        switch problem {
        case "found character that cannot start any token":
            if here == "\t" { return ("a tab where YAML wants spaces", "indent with spaces") }
            return ("a text that begins with a character that YAML reserves", "put the text in double quotes")
        case _ where problem.contains("tab character"): return ("a tab where YAML wants spaces", "indent with spaces")
        case "mapping values are not allowed in this context":
            if let number = lineWithoutColon(before: position, lines) {
                return ("a colon that makes no sense here", "line \(number) lacks its colon")
            }
            return (
                "a colon that makes no sense here", quote ?? "check the indentation; put a text with \": \" in quotes"
            )
        case "could not find expected ':'":
            return ("a line without the colon after its key", quote ?? "write \"key: value\"")
        case "did not find expected key":
            return ("a line that does not fit its mapping\(began)", "check indentation, quotes and commas")
        case "did not find expected '-' indicator":
            return ("a line that does not fit its list\(began)", "begin each item with \"- \" in the same column")
        case "did not find expected ',' or ']'":
            return ("a list in [ ] that is not closed or lacks a comma\(began)", quote)
        case "did not find expected ',' or '}'":
            return ("a mapping in { } that is not closed or lacks a comma\(began)", quote)
        case "found unexpected end of stream": return ("a text whose closing quote is missing\(began)", nil)
        case "block sequence entries are not allowed in this context":
            return ("a list item in the wrong place", "begin the list on a line of its own")
        case "found unknown escape character":
            return ("an unknown escape after \\ in double quotes", "use single quotes, or double the backslash")
        case "found undefined alias", "did not find expected alphabetic or numeric character":
            return ("an alias (*) or anchor (&)", "put a text that begins with * or & in quotes")
        case "found undefined tag handle": return ("a tag (!)", "put a text that begins with ! in quotes")
        case "but found another document": return ("a second document after ---", "one pipeline per file")
        case _ where problem.contains("nesting"): return ("nesting that is too deep", nil)
        default: return ("a document that is not YAML: \(problem)", quote)
        }
    }

    /// The line above, if it is as far right and looks like a key whose colon was forgotten.
    private static func lineWithoutColon(before position: Position, _ lines: [Substring.UnicodeScalarView]) -> Int? {
        guard position.line >= 2 else { return nil }
        let above = lines[position.line - 2]
        let indent = above.prefix { $0 == " " }.count
        guard indent == lines[position.line - 1].prefix(while: { $0 == " " }).count, !above.contains(":"),
            above.count > indent
        else { return nil }
        return position.line - 1
    }

    /// Lines as libyaml counts them in a text without exotic separators (those are refused before).
    private static func lines(of text: String) -> [Substring.UnicodeScalarView] {
        var lines: [Substring.UnicodeScalarView] = []
        var rest = Substring(text).unicodeScalars
        while true {
            guard let end = rest.firstIndex(where: { $0 == "\n" || $0 == "\r" }) else {
                // What follows the last line break is a line only if something stands there.
                if !rest.isEmpty || lines.isEmpty { lines.append(rest) }
                return lines
            }
            lines.append(rest[..<end])
            let isPair = rest[end] == "\r" && rest[rest.index(after: end)...].first == "\n"
            rest = rest[rest.index(end, offsetBy: isPair ? 2 : 1)...]
        }
    }

    /// A place inside the text: at its end the parser names a line that does not exist.
    private static func clamped(_ mark: Mark, _ lines: [Substring.UnicodeScalarView]) -> Position {
        let line = min(max(mark.line, 1), lines.count)
        return Position(line: line, column: min(max(mark.column, 1), lines[line - 1].count + 1))
    }

    /// Where a doubled key of a block mapping stands again: the parser tells only its first place.
    private static func second(
        _ name: String, after first: Position, _ lines: [Substring.UnicodeScalarView]
    ) -> Position? {
        for number in first.line..<lines.count {
            let line = lines[number]
            let indent = line.prefix { $0 == " " }.count
            let content = line.dropFirst(indent)
            if content.isEmpty || content.first == "#" { continue }
            if indent < first.column - 1 { return nil }
            guard indent == first.column - 1 else { continue }
            let bare = content.first == "\"" || content.first == "'" ? content.dropFirst() : content
            let rest = bare.dropFirst(name.unicodeScalars.count)
            if bare.starts(with: name.unicodeScalars), [":", "\"", "'", " "].contains(rest.first) {
                return Position(line: number + 1, column: first.column)
            }
        }
        return nil
    }
}
