/// Something wrong with a document, a key or a source, told so that its reader can mend it. Never holds a cell value.
package struct Problem: Hashable, Sendable, Codable {
    package enum Severity: String, Sendable, Codable { case error, warning }

    package let severity: Severity
    /// The document's path as its user gave it; nil where no document is concerned.
    package let file: String?
    package let position: Position?
    /// What is wrong: `unknown verb "tokn"`.
    package let found: String
    /// What would be right: `one of keep, drop, token, …`; may be empty.
    package let expected: String
    /// The nearest valid word, or what to do.
    package let remedy: String?

    package init(
        _ severity: Severity = .error, file: String?, position: Position?, found: String, expected: String,
        remedy: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.position = position
        self.found = found
        self.expected = expected
        self.remedy = remedy
    }
}

extension Problem: CustomStringConvertible {
    /// `clinic.yaml:12:7: error: unknown verb "tokn"; expected a verb; did you mean "token"?`
    package var description: String {
        var text = ""
        if let file { text += file + ":" }
        if let position { text += "\(position.line):\(position.column):" }
        if !text.isEmpty { text += " " }
        text += "\(severity.rawValue): \(found)"
        if !expected.isEmpty { text += "; expected \(expected)" }
        if let remedy { text += "; \(remedy)" }
        return text
    }
}

/// Gathers all problems, so that they are told at once and not one a run.
package struct ProblemList: Sendable {
    /// Looking for nearest words, and naming all right ones, is for the first problems: who has more mends these first.
    private static let explainedCount = 200

    package let file: String?
    package private(set) var problems: [Problem] = []
    /// How many were told before this list began.
    private var earlierCount = 0

    package init(file: String?) {
        self.file = file
    }

    /// An empty list for what one step finds, to be appended here: handing a full one over would copy it.
    package var continued: ProblemList {
        var list = ProblemList(file: file)
        list.earlierCount = earlierCount + problems.count
        return list
    }

    package var explains: Bool { earlierCount + problems.count < Self.explainedCount }

    package var hasErrors: Bool { problems.contains { $0.severity == .error } }

    package mutating func error(_ position: Position?, found: String, expected: String = "", remedy: String? = nil) {
        problems.append(
            Problem(.error, file: file, position: position, found: found, expected: expected, remedy: remedy))
    }

    package mutating func warning(_ position: Position?, found: String, expected: String = "", remedy: String? = nil) {
        problems.append(
            Problem(.warning, file: file, position: position, found: found, expected: expected, remedy: remedy))
    }

    package mutating func append(contentsOf others: [Problem]) {
        problems += others
    }

    /// A word that is not one of `words`: names what was found and offers the nearest.
    package mutating func unknownWord(_ word: String, kind: String, at position: Position?, among words: [String]) {
        error(
            position, found: "unknown \(kind) \"\(word.shown())\"", expected: expectation(words),
            remedy: suggestion(for: word, among: words))
    }
}

extension ProblemList {
    /// `one of keep, drop`; empty once enough has been explained.
    package func expectation(_ words: [String]) -> String {
        words.isEmpty || !explains ? "" : "one of \(words.joined(separator: ", "))"
    }

    /// `did you mean "token"?`; nil once enough has been explained.
    package func suggestion(for word: String, among words: [String]) -> String? {
        explains ? NearestWord.find(word, among: words).map { "did you mean \"\($0)\"?" } : nil
    }
}

/// All problems of a document, thrown at once.
package struct InvalidDocument: Error, Sendable {
    package let problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }
}

extension ProblemList {
    /// By place, so that a reader can go through the document from top to bottom.
    package var sorted: [Problem] {
        problems.enumerated().sorted { a, b in
            let (first, second) = (a.element.position ?? .start, b.element.position ?? .start)
            return (first.line, first.column, a.offset) < (second.line, second.column, b.offset)
        }.map(\.element)
    }
}
