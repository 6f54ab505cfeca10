/// A value of a statement. A null has a type too.
enum LedgerValue: Sendable, Equatable {
    case number(Int64?)
    case text(String?)
    case bytes([UInt8]?)

    static func number(_ number: Int) -> LedgerValue { .number(Int64(number)) }
}

/// A question to the ledger's tables, in SQL that both databases take; `?` are its arguments.
struct LedgerQuery: Sendable {
    let sql: String
    let arguments: [LedgerValue]

    init(_ sql: String, _ arguments: [LedgerValue] = []) {
        self.sql = sql
        self.arguments = arguments
    }
}

/// A change of the ledger's tables. What it depends on is in its own conditions, so nothing is read before it.
struct LedgerStatement: Sendable, Equatable {
    let sql: String
    let arguments: [LedgerValue]
    /// How many rows it must change; nil: any number.
    let expected: Int?
    /// What is thrown when it changes another number; nothing of its transaction is kept then.
    let refusal: LedgerError

    init(_ sql: String, _ arguments: [LedgerValue], expected: Int?, refusal: LedgerError) {
        self.sql = sql
        self.arguments = arguments
        self.expected = expected
        self.refusal = refusal
    }

    func check(_ count: Int) throws(LedgerError) {
        if let expected, expected != count { throw refusal }
    }

    var byteCount: Int {
        arguments.reduce(0) { sum, argument in
            switch argument {
            case .text(let text?): sum + text.utf8.count
            case .bytes(let bytes?): sum + bytes.count
            default: sum + 8
            }
        }
    }
}

/// A row of an answer. A column of another kind than it must be is damage.
struct LedgerRow: Sendable {
    let values: [LedgerValue]

    var byteCount: Int {
        values.reduce(0) { sum, value in
            if case .text(let text?) = value { sum + text.utf8.count } else { sum }
        }
    }

    func text(_ column: Int) throws(LedgerError) -> String {
        guard let text = try optionalText(column) else { throw Self.damaged }
        return text
    }

    func optionalText(_ column: Int) throws(LedgerError) -> String? {
        guard case .text(let text) = values[column] else { throw Self.damaged }
        return text
    }

    func number(_ column: Int) throws(LedgerError) -> Int64 {
        guard let number = try optionalNumber(column) else { throw Self.damaged }
        return number
    }

    /// PostgreSQL's rows come as texts.
    func optionalNumber(_ column: Int) throws(LedgerError) -> Int64? {
        switch values[column] {
        case .number(let number): return number
        case .text(nil): return nil
        case .text(let text?):
            guard let number = Int64(text) else { throw Self.damaged }
            return number
        case .bytes: throw Self.damaged
        }
    }

    func count(_ column: Int) throws(LedgerError) -> Int {
        guard let count = Int(exactly: try number(column)) else { throw Self.damaged }
        return count
    }

    /// PostgreSQL's as hexadecimal digits behind `\x`.
    func optionalBytes(_ column: Int) throws(LedgerError) -> [UInt8]? {
        switch values[column] {
        case .bytes(let bytes): return bytes
        case .text(nil), .number(nil): return nil
        case .text(let text?):
            let digits = Array(text.utf8)
            guard digits.count.isMultiple(of: 2), digits.starts(with: Array("\\x".utf8)) else { throw Self.damaged }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(digits.count / 2)
            for index in stride(from: 2, to: digits.count, by: 2) {
                guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else {
                    throw Self.damaged
                }
                bytes.append(high << 4 | low)
            }
            return bytes
        case .number: throw Self.damaged
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static let damaged = LedgerError(.damaged, "a row", "it is not what it must be")
}
