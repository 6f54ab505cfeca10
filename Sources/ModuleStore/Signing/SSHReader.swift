/// SSH's binary form (RFC 4251, section 5): numbers of 32 bits, most significant byte first; strings as length and bytes.
///
/// It reads memory of its caller, which outlives it, and copies nothing: what it reads may be a private key.
@safe struct SSHReader {
    private let memory: UnsafeRawBufferPointer
    private var position = 0

    init(_ memory: UnsafeRawBufferPointer) { unsafe self.memory = memory }

    var isAtEnd: Bool { unsafe position == memory.count }

    /// The next bytes; nil where fewer are left.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard unsafe count <= memory.count - position else { return nil }
        defer { position += count }
        // Inside the caller's memory: `position + count` was compared with its end.
        return unsafe UnsafeRawBufferPointer(rebasing: memory[position..<position + count])
    }

    mutating func number() -> UInt32? { unsafe take(4).map { unsafe $0.reduce(0) { $0 << 8 | UInt32($1) } } }

    mutating func string() -> UnsafeRawBufferPointer? { unsafe number().flatMap { unsafe take(Int($0)) } }

    /// Whether the next string is this one.
    mutating func skip(_ wanted: [UInt8]) -> Bool {
        guard let found = unsafe string() else { return false }
        return unsafe found.elementsEqual(wanted)
    }

    mutating func skip(_ wanted: String) -> Bool { skip(Array(wanted.utf8)) }
}

enum SSHText {
    static let keyType = "ssh-ed25519"

    static func string(_ bytes: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
    }

    static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

    /// A public key as it stands in files and signatures.
    static func publicKey(_ key: [UInt8]) -> [UInt8] { string(keyType) + string(key) }
}
