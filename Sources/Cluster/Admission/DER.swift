/// The few forms of DER (X.690) that keys and signatures are made of.
enum DER {
    static func sequence(_ content: [UInt8]) -> [UInt8] { tagged(0x30, content) }

    /// A number that is not negative, big-endian.
    static func unsigned(_ number: [UInt8]) -> [UInt8] {
        let shortest = Array(number.drop { $0 == 0 })
        return tagged(0x02, (shortest.first ?? 0x80) >= 0x80 ? [0] + shortest : shortest)
    }

    /// Whole bytes as a bit string.
    static func bits(_ content: [UInt8]) -> [UInt8] { tagged(0x03, [0] + content) }

    private static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        switch content.count {
        case ..<0x80: [tag, UInt8(content.count)] + content
        case ..<0x100: [tag, 0x81, UInt8(content.count)] + content
        default: [tag, 0x82, UInt8(content.count >> 8), UInt8(truncatingIfNeeded: content.count)] + content
        }
    }
}
