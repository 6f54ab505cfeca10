/// An element of an answer: its name, its text, its children. Attributes are passed over.
struct XMLElement {
    let name: String
    fileprivate(set) var text = ""
    fileprivate(set) var children: [XMLElement] = []

    subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }
    func text(_ name: String) -> String? { self[name]?.text }
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Reads the few XML documents that S3 and STS answer with. No document types, no processing, no outside entities.
///
/// - Source: XML 1.0, the parts that those documents use: elements, attributes, text, CDATA, comments, references.
struct XMLScanner {
    /// Not a document of these parts, deeper than 16 levels, or longer than 16 MiB.
    struct Failure: Error {}

    static let byteLimit = 16 << 20
    private static let depthLimit = 16

    private let bytes: [UInt8]
    private var offset = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func root(of bytes: [UInt8]) throws(Failure) -> XMLElement {
        guard bytes.count <= byteLimit, String(validating: bytes, as: UTF8.self) != nil else { throw Failure() }
        var scanner = XMLScanner(bytes)
        _ = scanner.take("\u{feff}")
        try scanner.skipProlog()
        guard scanner.take("<") else { throw Failure() }
        let root = try scanner.element(depth: 0)
        try scanner.skipProlog()
        guard scanner.offset == bytes.count else { throw Failure() }
        return root
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset + count <= bytes.count else { return false }
        let isThere = text.withUTF8Buffer { unsafe bytes[offset..<offset + count].elementsEqual($0) }
        if isThere { offset += count }
        return isThere
    }

    private mutating func skip(past end: StaticString) throws(Failure) {
        while offset < bytes.count {
            if take(end) { return }
            offset += 1
        }
        throw Failure()
    }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { offset += 1 }
    }

    /// Space, comments and the XML declaration around the root.
    private mutating func skipProlog() throws(Failure) {
        while true {
            skipSpace()
            if take("<?xml") {
                try skip(past: "?>")
            } else if take("<!--") {
                try skip(past: "-->")
            } else {
                return
            }
        }
    }

    /// Behind `<`.
    private mutating func element(depth: Int) throws(Failure) -> XMLElement {
        guard depth < Self.depthLimit else { throw Failure() }
        var element = XMLElement(name: try name())
        if try skipAttributes() { return element }
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw Failure() }
            if byte == UInt8(ascii: "&") {
                offset += 1
                try reference(into: &text)
            } else if byte != UInt8(ascii: "<") {
                text.append(byte)
                offset += 1
            } else if take("</") {
                guard try name() == element.name else { throw Failure() }
                skipSpace()
                guard take(">") else { throw Failure() }
                element.text = String(decoding: text, as: UTF8.self)
                return element
            } else if take("<!--") {
                try skip(past: "-->")
            } else if take("<![CDATA[") {
                let start = offset
                try skip(past: "]]>")
                text += bytes[start..<offset - 3]
            } else {
                offset += 1
                element.children.append(try self.element(depth: depth + 1))
            }
        }
    }

    /// A prefix of a namespace is dropped.
    private mutating func name() throws(Failure) -> String {
        var start = offset
        while let byte = next, Self.isNameByte(byte) {
            offset += 1
            if byte == UInt8(ascii: ":") { start = offset }
        }
        guard offset > start else { throw Failure() }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x3a).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || [0x2d, 0x2e, 0x5f].contains(byte) || byte >= 0x80
    }

    /// True when the element ends here (`/>`).
    private mutating func skipAttributes() throws(Failure) -> Bool {
        while true {
            skipSpace()
            if take("/>") { return true }
            if take(">") { return false }
            _ = try name()
            skipSpace()
            guard take("=") else { throw Failure() }
            skipSpace()
            if take("\"") {
                try skip(past: "\"")
            } else if take("'") {
                try skip(past: "'")
            } else {
                throw Failure()
            }
        }
    }

    /// Behind `&`.
    private mutating func reference(into text: inout [UInt8]) throws(Failure) {
        let end = bytes[offset..<min(offset + 12, bytes.count)].firstIndex(of: UInt8(ascii: ";"))
        guard let end else { throw Failure() }
        let word = String(decoding: bytes[offset..<end], as: UTF8.self)
        offset = end + 1
        switch word {
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "amp": text.append(UInt8(ascii: "&"))
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        default:
            let number =
                word.hasPrefix("#x")
                ? UInt32(word.dropFirst(2), radix: 16)
                : word.hasPrefix("#") ? UInt32(word.dropFirst()) : nil
            guard let number, number > 0, let scalar = UnicodeScalar(number) else { throw Failure() }
            text += Array(String(Character(scalar)).utf8)
        }
    }
}

/// Text inside an element that we write.
enum XMLText {
    /// nil for a text that XML 1.0 cannot hold: control characters.
    static func escaped(_ text: String) -> String? {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\t", "\n", "\r": out += "&#\(scalar.value);"
            default:
                guard scalar.value >= 0x20, scalar.value != 0xfffe, scalar.value != 0xffff else { return nil }
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
