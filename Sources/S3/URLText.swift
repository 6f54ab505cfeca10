/// Percent encoding as AWS signs it (RFC 3986, section 2.3: letters, digits, `-`, `_`, `.`, `~` stay).
enum URLText {
    /// A path's slashes stay too.
    static func path(_ text: String) -> String { encoded(text, keeping: UInt8(ascii: "/")) }

    static func encoded(_ text: String) -> String { encoded(text, keeping: nil) }

    /// `a=1&b=`, sorted by the encoded names, then values.
    static func query(_ items: [(String, String)]) -> String {
        items.map { (encoded($0.0), encoded($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func encoded(_ text: String, keeping kept: UInt8?) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: out.append(byte)
            case kept: out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// What `encoding-type=url` in a listing stands for: `+` is a space; a `%` without two digits stays as it is.
    static func decoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = Digests.bytes(hexadecimal: String(decoding: bytes[index + 1...index + 2], as: UTF8.self))
            {
                out += value
                index += 3
            } else {
                out.append(bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
