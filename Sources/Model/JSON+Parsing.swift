extension JSON {
    /// Why a text is no JSON: the byte offset alone, never a piece of the text.
    package struct ParseError: Error, Sendable, Equatable {
        package let byteOffset: Int
    }

    /// The value that a whole text of RFC 8259 stands for.
    ///
    /// Members keep their order; a doubled name, a lone surrogate, invalid UTF-8 and more than 128 levels are errors.
    /// Integers of 64 bits are `.integer`, every other number is `.number`.
    package static func parse(_ bytes: [UInt8]) throws(ParseError) -> JSON {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw ParseError(byteOffset: 0) }
        var parser = Parser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.offset == bytes.count else { throw parser.error }
        return value
    }

    package subscript(_ name: String) -> JSON? { members?.first { $0.name == name }?.value }

    package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    package var items: [JSON]? { if case .list(let items) = self { items } else { nil } }
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
}

private struct Parser {
    let bytes: [UInt8]
    var offset = 0

    var error: JSON.ParseError { JSON.ParseError(byteOffset: offset) }
    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    mutating func word(_ word: StaticString, _ value: JSON) throws(JSON.ParseError) -> JSON {
        for byte in "\(word)".utf8 { if !take(byte) { throw error } }
        return value
    }

    mutating func value(depth: Int) throws(JSON.ParseError) -> JSON {
        guard depth <= 128 else { throw error }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    mutating func object(depth: Int) throws(JSON.ParseError) -> JSON {
        offset += 1
        var members: [JSON.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error }
            let name = try string()
            guard names.insert(name).inserted else { throw error }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error }
            members.append(JSON.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw error }
        }
    }

    mutating func list(depth: Int) throws(JSON.ParseError) -> JSON {
        offset += 1
        var items: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .list([]) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .list(items) }
            guard take(UInt8(ascii: ",")) else { throw error }
        }
    }

    mutating func string() throws(JSON.ParseError) -> String {
        offset += 1
        var out: [UInt8] = []
        while let byte = next {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            case 0..<0x20: throw error
            case UInt8(ascii: "\\"): try escape(into: &out)
            default: out.append(byte)
            }
        }
        throw error
    }

    mutating func escape(into out: inout [UInt8]) throws(JSON.ParseError) {
        guard let byte = next else { throw error }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xd800..<0xdc00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw error }
                let low = try hexadecimal()
                guard (0xdc00..<0xe000).contains(low) else { throw error }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error }
            out.append(contentsOf: String(scalar).utf8)
        default: throw error
        }
    }

    mutating func hexadecimal() throws(JSON.ParseError) -> UInt32 {
        guard offset + 4 <= bytes.count else { throw error }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else { throw error }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    mutating func number() throws(JSON.ParseError) -> JSON {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text) else { throw error }
        return .number(value)
    }

    mutating func digits() throws(JSON.ParseError) {
        guard let first = next, (0x30...0x39).contains(first) else { throw error }
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
    }
}
