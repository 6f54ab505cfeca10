/// A place in a document; lines and columns count from one.
package struct Position: Hashable, Sendable, Codable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static let start = Position(line: 1, column: 1)
}

/// A value of a document with the place where it stands, so that whoever reads it can say where it is wrong.
package struct Node: Sendable {
    package enum Value: Sendable {
        case scalar(Scalar)
        case list([Node])
        /// In the document's order; the reader has refused doubled keys.
        case map([Entry])
    }

    package struct Entry: Sendable {
        package let key: String
        package let keyPosition: Position
        package let value: Node

        package init(key: String, keyPosition: Position, value: Node) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    /// A scalar as written. `text` has `${env:…}` and `${file:…}` replaced and may be a secret; `written` is safe to print.
    package struct Scalar: Sendable {
        package enum Kind: Sendable { case null, boolean, integer, number, text }
        package let kind: Kind
        package let text: String
        package let written: String

        package init(kind: Kind, text: String, written: String) {
            self.kind = kind
            self.text = text
            self.written = written
        }
    }

    package let position: Position
    package let value: Value

    package init(position: Position, value: Value) {
        self.position = position
        self.value = value
    }
}

extension Node {
    /// The text of a scalar that is not null, whatever its kind (`1` in a document is also the text "1"), or nil.
    package var text: String? {
        if case .scalar(let scalar) = value, scalar.kind != .null { scalar.text } else { nil }
    }

    /// A scalar as the document has it, placeholders and all: what a message may quote where `text` may be secret.
    package var written: String? {
        if case .scalar(let scalar) = value { scalar.written } else { nil }
    }

    package var isNull: Bool {
        if case .scalar(let scalar) = value { scalar.kind == .null } else { false }
    }

    package var boolean: Bool? {
        if case .scalar(let scalar) = value, scalar.kind == .boolean { scalar.text.lowercased() == "true" } else { nil }
    }

    package var integer: Int64? {
        if case .scalar(let scalar) = value, scalar.kind == .integer { Int64(scalar.text) } else { nil }
    }

    package var number: Double? {
        if case .scalar(let scalar) = value, scalar.kind == .integer || scalar.kind == .number {
            Double(scalar.text)
        } else {
            nil
        }
    }

    package var list: [Node]? {
        if case .list(let items) = value { items } else { nil }
    }

    package var map: [Entry]? {
        if case .map(let entries) = value { entries } else { nil }
    }

    /// The value of a key of a map, or nil.
    package subscript(_ key: String) -> Node? {
        map?.first { $0.key == key }?.value
    }

    /// What stands here, for a message: `a list`, `the number 3`, `the text "yes"`. Replaced parts show as written,
    /// long texts are cut.
    package var found: String {
        switch value {
        case .list: "a list"
        case .map: "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: "nothing"
            case .boolean: "the boolean \(scalar.written)"
            case .integer, .number: "the number \(scalar.written.shown())"
            case .text: "the text \"\(scalar.written.shown())\""
            }
        }
    }
}
