internal import CSystem
import Model

/// Replaces `${env:NAME}` and `${file:PATH}` inside string values: once, so what was put in is not looked at again.
/// `$${` stands for a literal `${`.
struct Placeholders: Sendable {
    let environment: [String: String]
    let baseDirectory: String
    /// nil: the document is its user's own, and so is the machine.
    var bounds: DocumentBounds?

    /// A file named by `${file:…}` holds a password or the like, so more than this is a mistake.
    static let byteLimit = 64 << 10

    /// What is wrong with a placeholder. Names the variable or path, never a content.
    struct Fault: Error {
        let found: String
        let expected: String
        let remedy: String?
    }

    /// One piece of a text that may hold placeholders.
    enum Piece: Equatable {
        case literal(String)
        case environment(String)
        case file(String)
    }

    /// Where the value is a secret, or says where one is: the keys above it, `*` for a name of the document's own.
    private static let secretPlaces: [[String]] = [
        ["sources", "*", "url"], ["keys", "*", "file"], ["target", "postgres", "url"], ["target", "s3", "claims"],
    ]

    /// The text with its placeholders replaced.
    ///
    /// - Parameter path: the keys above the text; of a document that is bounded only secrets may come from outside.
    func replaced(in written: String, at path: [String] = []) throws(Fault) -> String {
        guard written.contains("${") else { return written }
        if bounds != nil, Self.isIn(written), !Self.isSecret(path) {
            throw Fault(
                found: "a placeholder in \"\((path.last { !$0.isEmpty } ?? "").shown())\"",
                expected: "on a cluster, placeholders in url, claims and file of a key alone",
                remedy: "write the text out")
        }
        var out = ""
        for piece in try Self.pieces(of: written) {
            switch piece {
            case .literal(let text): out += text
            case .environment(let name): out += try variable(name)
            case .file(let path): out += try content(of: path)
            }
        }
        return out
    }

    private static func isSecret(_ path: [String]) -> Bool {
        secretPlaces.contains { place in
            place.count == path.count && zip(place, path).allSatisfy { $0 == "*" || $0 == $1 }
        }
    }

    private func variable(_ name: String) throws(Fault) -> String {
        if let bounds {
            guard let prefix = bounds.placeholderPrefix, !prefix.isEmpty, name.hasPrefix(prefix) else {
                throw Fault(
                    found: "the variable \(name) in ${env:…}",
                    expected: bounds.placeholderPrefix.map { "one whose name begins with \($0)" }
                        ?? "none: the process was started without --placeholder-prefix",
                    remedy: "whoever runs this coordinator or worker allows it with --placeholder-prefix")
            }
        }
        guard let value = environment[name] else {
            throw Fault(
                found: "the environment variable \(name) is not set", expected: "",
                remedy: "set it before starting, or take ${env:\(name)} out")
        }
        return value
    }

    private func content(of path: String) throws(Fault) -> String {
        let whole = Paths.absolute(path, in: bounds?.placeholderDirectory ?? baseDirectory)
        if let bounds {
            // The same word for a file that is there and one that is not.
            guard let folder = bounds.placeholderDirectory, system_is_beneath(whole, folder) == 1 else {
                throw Fault(
                    found: "the file \"\(path.shown(limit: 200))\" in ${file:…}",
                    expected: bounds.placeholderDirectory == nil
                        ? "none: the process was started without --placeholder-directory"
                        : "one in the folder that --placeholder-directory gives",
                    remedy: "whoever runs this coordinator or worker allows it with --placeholder-directory")
            }
        }
        switch DocumentBytes.file(whole, byteLimit: Self.byteLimit, isRegular: true) {
        case .failure(let failure):
            throw Fault(
                found: "the file \"\(path.shown(limit: 200))\" of ${file:…} \(failure.words)",
                expected: "a readable text file of at most \(Self.byteLimit) bytes",
                remedy: "paths start from the document's folder")
        case .success(let bytes):
            guard var text = String(validating: bytes, as: UTF8.self)?.unicodeScalars else {
                throw Fault(
                    found: "the file \"\(path.shown(limit: 200))\" of ${file:…} is not UTF-8", expected: "a text file",
                    remedy: nil)
            }
            // Editors end a file with one line break; it is not part of a password.
            if text.last == "\n" {
                text.removeLast()
                if text.last == "\r" { text.removeLast() }
            }
            return String(text)
        }
    }

    /// Takes a text apart. Anything after `${` but the two known forms is refused: a mistyped placeholder that is
    /// passed on as text would be published.
    static func pieces(of written: String) throws(Fault) -> [Piece] {
        var pieces: [Piece] = []
        var literal = ""
        var rest = Substring(written)
        while let character = rest.first {
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = ""
                guard let end = rest.firstIndex(of: "}") else {
                    throw Fault(
                        found: "\"${\" without its \"}\"", expected: "${env:NAME} or ${file:PATH}",
                        remedy: "write $${ for a literal ${")
                }
                pieces.append(try placeholder(rest[rest.index(rest.startIndex, offsetBy: 2)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                literal.append(character)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }

    private static func placeholder(_ inside: Substring) throws(Fault) -> Piece {
        if inside.hasPrefix("env:") {
            let name = String(inside.dropFirst(4))
            guard Names.isVariable(name) else {
                throw Fault(
                    found: "\"\(name.shown())\" in ${env:…}", expected: "a variable's name: letters, digits, _",
                    remedy: nil)
            }
            return .environment(name)
        }
        if inside.hasPrefix("file:") {
            let path = String(inside.dropFirst(5))
            guard !path.isEmpty, !path.utf8.contains(0) else {
                throw Fault(found: "${file:…} without a path", expected: "${file:PATH}", remedy: nil)
            }
            return .file(path)
        }
        let word = String(inside)
        throw Fault(
            found: Names.isVariable(word) ? "\"${\(word.shown())}\"" : "\"${\" that starts no placeholder",
            expected: "${env:NAME} or ${file:PATH}",
            remedy: Names.isVariable(word)
                ? "did you mean \"${env:\(word.shown())}\"?" : "write $${ for a literal ${")
    }

    /// Whether a text as written holds a placeholder.
    static func isIn(_ written: String) -> Bool {
        guard written.contains("${"), let pieces = try? pieces(of: written) else { return false }
        return pieces.contains { if case .literal = $0 { false } else { true } }
    }

    /// Whether a text as written is one placeholder and nothing else.
    static func isWhole(_ written: String) -> Bool {
        guard let pieces = try? pieces(of: written), pieces.count == 1 else { return false }
        if case .literal = pieces[0] { return false }
        return true
    }
}
