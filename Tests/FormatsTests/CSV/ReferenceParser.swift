import Model

/// Delimited records the plain way: all bytes in memory, one byte after the other, no decisions taken early. The product's
/// splitter must agree with it on every input.
struct ReferenceParser {
    struct Field: Equatable {
        var bytes: [UInt8] = []
        var isQuoted = false
    }
    struct Record: Equatable {
        var fields: [Field] = []
        /// Text after a closing quote, no closing quote, a CR alone where that ends no record, in a comment too, or a
        /// byte-order mark in front.
        var isBroken = false
        /// No closing quote, or a line ends within it: where it is malformed, it may hide others.
        var mayHideOthers = false
    }

    let spec: DelimitedSpec
    private let bytes: [UInt8]
    private var at = 0
    /// The first record ends with a CR alone.
    private var endsWithCR = true

    init(_ spec: DelimitedSpec, _ bytes: [UInt8]) {
        self.spec = spec
        self.bytes = bytes
    }

    /// All records. The first one that is not blank gives the width; blank lines are records where that is one.
    static func records(_ spec: DelimitedSpec, _ bytes: [UInt8]) -> [Record] {
        func all(keepsBlank: Bool) -> [Record] {
            var first = ReferenceParser(spec, bytes)
            let hasRecord = first.record(keepsBlank: false) != nil
            var parser = ReferenceParser(spec, bytes)
            parser.endsWithCR = hasRecord && (1...bytes.count).contains(first.at) && bytes[first.at - 1] == 13
            var records: [Record] = []
            while let record = parser.record(keepsBlank: keepsBlank) { records.append(record) }
            return records
        }
        let records = all(keepsBlank: false)
        return records.first?.fields.count == 1 ? all(keepsBlank: true) : records
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }
    private var isAtLineEnd: Bool {
        byte == 10 || byte == 13 && (endsWithCR || at + 1 == bytes.count || bytes[at + 1] == 10)
    }

    private mutating func passLineEnd() {
        if byte == 13, at + 1 < bytes.count, bytes[at + 1] == 10 { at += 1 }
        at += 1
    }

    private mutating func record(keepsBlank: Bool) -> Record? {
        var isBrokenComment = false
        while let byte {
            if byte == spec.comment {
                let start = at
                while self.byte != nil, !isAtLineEnd { at += 1 }
                if bytes[start..<at].contains(13) {
                    at = start
                    isBrokenComment = true
                    break
                }
                if self.byte != nil { passLineEnd() }
            } else if isAtLineEnd, !keepsBlank {
                passLineEnd()
            } else {
                break
            }
        }
        if byte == nil { return nil }
        var record = Record()
        record.isBroken = isBrokenComment || bytes[at...].starts(with: [0xef, 0xbb, 0xbf])
        let start = at
        while true {
            record.fields.append(field(&record.isBroken, &record.mayHideOthers))
            if byte == nil || isAtLineEnd, bytes[start..<min(at, bytes.count)].contains(where: { $0 == 10 || $0 == 13 })
            {
                record.mayHideOthers = true
            }
            guard byte != nil else { return record }
            if isAtLineEnd {
                passLineEnd()
                return record
            }
            at += 1  // the delimiter
        }
    }

    private mutating func field(_ isBroken: inout Bool, _ isOpen: inout Bool) -> Field {
        var field = Field()
        if let quote = spec.quote, byte == quote {
            field.isQuoted = true
            at += 1
            while true {
                guard let byte else {
                    isBroken = true
                    isOpen = true
                    return field
                }
                if byte == spec.escape, spec.escape != quote {
                    if at + 1 < bytes.count { field.bytes.append(bytes[at + 1]) } else { field.bytes.append(byte) }
                    at += 2
                } else if byte == quote {
                    at += 1
                    guard self.byte == quote else { break }
                    field.bytes.append(quote)
                    at += 1
                } else {
                    field.bytes.append(byte)
                    at += 1
                }
            }
            if byte != nil, byte != spec.delimiter, !isAtLineEnd { isBroken = true }
        }
        while let byte, byte != spec.delimiter, !isAtLineEnd {
            if byte == 13 { isBroken = true }
            field.bytes.append(byte)
            at += 1
        }
        return field
    }
}

/// SplitMix64: the same seed, the same numbers.
struct SeededBits: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
