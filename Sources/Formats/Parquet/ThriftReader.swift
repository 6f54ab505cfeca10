/// Reads structures of Thrift's compact protocol (see `ThriftWriter`) that come from the world.
///
/// Every length is held against the bytes that are left, numbers against their width, nesting against a limit: whatever the
/// bytes are, reading ends with a value or a `Fault`.
struct ThriftReader {
    struct Fault: Error {}

    private static let depthLimit = 24

    private let bytes: [UInt8]
    private(set) var offset: Int
    private let end: Int
    private var depth = 0

    init(_ bytes: [UInt8], range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range is the bytes'")
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    /// One field of a structure: its number, and its type, whose value the body takes or skips.
    struct Header {
        let number: Int
        let kind: ThriftWriter.Kind
    }

    /// A structure: the outermost one, an element of a list, or the value of a field. `body` takes the value of each field.
    mutating func structure(
        _ body: (inout ThriftReader, Header) throws(Fault) -> Void
    ) throws(Fault) {
        guard depth < Self.depthLimit else { throw Fault() }
        depth += 1
        var last = 0
        while true {
            let byte = try byte()
            if byte == 0 { break }
            let distance = Int(byte >> 4)
            let number = distance > 0 ? last + distance : Int(try zigzag(bits: 16))
            guard let kind = ThriftWriter.Kind(rawValue: byte & 15), number > last, number <= Int(Int16.max) else {
                throw Fault()
            }
            last = number
            try body(&self, Header(number: number, kind: kind))
        }
        depth -= 1
    }

    /// The value of a field that is a structure.
    mutating func structure(
        of header: Header, _ body: (inout ThriftReader, Header) throws(Fault) -> Void
    ) throws(Fault) {
        guard header.kind == .structure else { throw Fault() }
        try structure(body)
    }

    mutating func boolean(of header: Header) throws(Fault) -> Bool {
        guard header.kind == .yes || header.kind == .no else { throw Fault() }
        return header.kind == .yes
    }

    /// An integer of exactly the type `kind`.
    mutating func integer(of header: Header, _ kind: ThriftWriter.Kind) throws(Fault) -> Int {
        guard header.kind == kind else { throw Fault() }
        switch kind {
        case .int8: return Int(Int8(bitPattern: try byte()))
        case .int16: return try zigzag(bits: 16)
        case .int32: return try zigzag(bits: 32)
        default: return try zigzag(bits: 64)
        }
    }

    mutating func string(of header: Header) throws(Fault) -> String {
        guard header.kind == .binary else { throw Fault() }
        return try string()
    }

    /// The value of a list of strings' element, or of a field. Valid UTF-8.
    mutating func string() throws(Fault) -> String {
        let count = try length()
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else { throw Fault() }
        return text
    }

    /// A list: `body` takes each of its elements, which are of the type `kind`.
    mutating func list(
        of header: Header, _ kind: ThriftWriter.Kind, _ body: (inout ThriftReader) throws(Fault) -> Void
    ) throws(Fault) {
        guard header.kind == .list else { throw Fault() }
        let (count, found) = try listHeader()
        guard count == 0 || found == kind.rawValue else { throw Fault() }
        for _ in 0..<count { try body(&self) }
    }

    /// Passes the value of a field that nobody asks for.
    mutating func skip(_ header: Header) throws(Fault) { try skip(header.kind.rawValue) }

    private mutating func skip(_ kind: UInt8) throws(Fault) {
        switch ThriftWriter.Kind(rawValue: kind) {
        case .yes, .no: break
        case .int8: _ = try byte()
        case .int16: _ = try zigzag(bits: 16)
        case .int32: _ = try zigzag(bits: 32)
        case .int64: _ = try zigzag(bits: 64)
        case .binary:
            let count = try length()
            offset += count
        case .list:
            guard depth < Self.depthLimit else { throw Fault() }
            depth += 1
            let (count, element) = try listHeader()
            for _ in 0..<count {
                // Booleans take a byte each in lists.
                if element == 1 || element == 2 { _ = try byte() } else { try skip(element) }
            }
            depth -= 1
        case .structure: try structure { (reader, inner) throws(Fault) in try reader.skip(inner) }
        case nil: throw Fault()
        }
    }

    /// An element takes a byte at least, so a list is no longer than what is left.
    private mutating func listHeader() throws(Fault) -> (count: Int, element: UInt8) {
        let byte = try byte()
        let count = byte >> 4 == 15 ? try length() : Int(byte >> 4)
        guard count <= end - offset else { throw Fault() }
        return (count, byte & 15)
    }

    /// A number of bytes or elements that are still there.
    private mutating func length() throws(Fault) -> Int {
        let value = try varint()
        guard value <= UInt64(end - offset) else { throw Fault() }
        return Int(value)
    }

    private mutating func zigzag(bits: Int) throws(Fault) -> Int {
        let value = try varint()
        let number = Int(bitPattern: UInt(value >> 1)) ^ -Int(value & 1)
        guard bits == 64 || (number >= -1 << (bits - 1) && number < 1 << (bits - 1)) else { throw Fault() }
        return number
    }

    private mutating func varint() throws(Fault) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try byte()
            guard shift < 63 || byte <= 1 else { throw Fault() }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw Fault()
    }

    private mutating func byte() throws(Fault) -> UInt8 {
        guard offset < end else { throw Fault() }
        defer { offset += 1 }
        return bytes[offset]
    }
}
