/// Goes once through the JSON of a form that is known: for what is read so often that a general decoder is most of the work.
///
/// It gives up at what it does not expect — an escape in a text, a number that is not whole, a null — by false or nil; the
/// caller leaves such a text to a general decoder. What it does take means the same there.
///
/// - Cost: one step a byte; an allocation for each text of more than 15 bytes.
package struct JSONScanner {
    private let bytes: [UInt8]
    private let end: Int
    package private(set) var position: Int

    /// - Parameter range: the text's place in the bytes; nil: all of them.
    package init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    /// Nothing but white space is left.
    package mutating func isAtEnd() -> Bool {
        skipSpace()
        return position == end
    }

    /// An object, each of its fields by `field`, which reads the value.
    package mutating func object(_ field: (_ scanner: inout JSONScanner, _ name: String) -> Bool) -> Bool {
        guard skip(0x7b) else { return false }
        if skip(0x7d) { return true }
        repeat {
            guard let name = text(), skip(0x3a), field(&self, name) else { return false }
        } while skip(0x2c)
        return skip(0x7d)
    }

    /// An object of one field, which `value` reads: a case of an enumeration.
    package mutating func single(_ value: (_ scanner: inout JSONScanner, _ name: String) -> Bool) -> Bool {
        guard skip(0x7b), let name = text(), skip(0x3a), value(&self, name) else { return false }
        return skip(0x7d)
    }

    package mutating func emptyObject() -> Bool { skip(0x7b) && skip(0x7d) }

    package mutating func list(_ item: (_ scanner: inout JSONScanner) -> Bool) -> Bool {
        guard skip(0x5b) else { return false }
        if skip(0x5d) { return true }
        repeat {
            guard item(&self) else { return false }
        } while skip(0x2c)
        return skip(0x5d)
    }

    /// A text without escapes, of sound UTF-8.
    package mutating func text() -> String? {
        guard skip(0x22) else { return nil }
        let start = position
        var isASCII = true
        while position < end, case let byte = bytes[position], byte != 0x22 {
            guard byte >= 0x20, byte != 0x5c else { return nil }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        guard position < end else { return nil }
        defer { position += 1 }
        guard isASCII else { return String(validating: bytes[start..<position], as: UTF8.self) }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A whole number, as JSON writes it.
    package mutating func number() -> Int64? {
        skipSpace()
        let isNegative = position < end && bytes[position] == 0x2d
        if isNegative { position += 1 }
        let start = position
        var number: Int64 = 0
        while position < end, case let digit = bytes[position], digit >= 0x30, digit <= 0x39 {
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooLarge) = tens.subtractingReportingOverflow(Int64(digit - 0x30))
            if isTooLarge || isStillTooLarge { return nil }
            number = sum
            position += 1
        }
        guard position > start, bytes[start] != 0x30 || (position == start + 1 && !isNegative) else { return nil }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    /// A text into a variable that has none: a name that comes twice is not expected.
    package mutating func text(into place: inout String?) -> Bool {
        guard place == nil, let value = text() else { return false }
        place = value
        return true
    }

    /// As with texts.
    package mutating func number(into place: inout Int64?) -> Bool {
        guard place == nil, let value = number() else { return false }
        place = value
        return true
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < end, case let byte = bytes[position],
            byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
        {
            position += 1
        }
    }
}
