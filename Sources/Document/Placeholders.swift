import Model

/// Replaces `${env:NAME}` and `${file:PATH}` inside string values: once, so what was put in is not looked at again.
/// `$${` stands for a literal `${`.
struct Placeholders: Sendable {
    let environment: [String: String]
    let baseDirectory: String

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

    /// The text with its placeholders replaced.
    func replaced(in written: String) throws(Fault) -> String {
        guard written.contains("${") else { return written }
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

    private func variable(_ name: String) throws(Fault) -> String {
        guard let value = environment[name] else {
            throw Fault(
                found: "the environment variable \(name) is not set", expected: "",
                remedy: "set it before starting, or take ${env:\(name)} out")
        }
        return value
    }

    private func content(of path: String) throws(Fault) -> String {
        switch DocumentBytes.file(Paths.absolute(path, in: baseDirectory), byteLimit: Self.byteLimit) {
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
