/// A format of dates and times as `strptime` writes them, read once.
///
/// `%Y` four digits · `%y` two digits (69 to 99: 19.., 00 to 68: 20..) · `%m` `%d` `%H` `%I` `%M` `%S` one or two digits ·
/// `%j` day of the year · `%b` `%B` English month names, short or long, in any case · `%p` AM or PM · `%f` 1 to 6 digits of a
/// fraction · `%z` `Z`, `+01`, `+0100` or `+01:00` · `%e` as `%d` with a space in front · `%F` `%Y-%m-%d` · `%T` `%H:%M:%S` ·
/// `%%` a percent sign. White space in a format stands for any amount of it; all else stands for itself.
struct DateFormat: Sendable {
    private enum Item: Sendable {
        case literal(UInt8)
        case space, year, shortYear, month, monthName, day, dayOfYear, hour, hour12, half, minute, second,
            fraction, zone
    }

    private let items: [Item]
    let hasTime: Bool
    let hasZone: Bool

    /// nil with the reason when the format is not one of these.
    static func read(_ text: String) -> (format: DateFormat?, problem: String?) {
        var items: [Item] = []
        let expanded = text.replacing("%F", with: "%Y-%m-%d").replacing("%T", with: "%H:%M:%S")
        var bytes = Array(expanded.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                if byte == UInt8(ascii: " ") || byte == 9 {
                    if case .space? = items.last { continue }
                    items.append(.space)
                } else {
                    items.append(.literal(byte))
                }
                continue
            }
            guard let letter = bytes.popFirst() else { return (nil, "it ends in a single %") }
            switch letter {
            case UInt8(ascii: "Y"): items.append(.year)
            case UInt8(ascii: "y"): items.append(.shortYear)
            case UInt8(ascii: "m"): items.append(.month)
            case UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "h"): items.append(.monthName)
            case UInt8(ascii: "d"): items.append(.day)
            case UInt8(ascii: "e"): items += [.space, .day]
            case UInt8(ascii: "j"): items.append(.dayOfYear)
            case UInt8(ascii: "H"): items.append(.hour)
            case UInt8(ascii: "I"): items.append(.hour12)
            case UInt8(ascii: "p"): items.append(.half)
            case UInt8(ascii: "M"): items.append(.minute)
            case UInt8(ascii: "S"): items.append(.second)
            case UInt8(ascii: "f"): items.append(.fraction)
            case UInt8(ascii: "z"): items.append(.zone)
            case UInt8(ascii: "%"): items.append(.literal(letter))
            default: return (nil, "%\(String(decoding: [letter], as: UTF8.self)) is not known")
            }
        }
        let format = DateFormat(items: items)
        return format.missing.map { (nil, "it has no \($0)") } ?? (format, nil)
    }

    private init(items: [Item]) {
        self.items = items
        hasTime = items.contains {
            switch $0 {
            case .hour, .hour12, .half, .minute, .second, .fraction, .zone: true
            default: false
            }
        }
        hasZone = items.contains { if case .zone = $0 { true } else { false } }
    }

    /// What a date needs and the format does not have.
    private var missing: String? {
        var year = false
        var month = false
        var day = false
        var ordinal = false
        var hour12 = false
        var half = false
        for item in items {
            switch item {
            case .year, .shortYear: year = true
            case .month, .monthName: month = true
            case .day: day = true
            case .dayOfYear: ordinal = true
            case .hour12: hour12 = true
            case .half: half = true
            default: break
            }
        }
        if !year { return "year" }
        if !ordinal, !month { return "month" }
        if !ordinal, !day { return "day" }
        return hour12 == half ? nil : hour12 ? "%p beside %I" : "%I beside %p"
    }

    /// Days and microseconds within the day, the latter less the zone's offset; nil when the text is not of this form.
    func parse(_ bytes: UnsafeRawBufferPointer) -> (days: Int32, seconds: Int, fraction: Int)? {
        var reader = unsafe DigitReader(bytes)
        var year = 0
        var month = 1
        var day = 1
        var hour = 0
        var minute = 0
        var second = 0
        var fraction = 0
        var offset = 0
        var ordinal: Int?
        var isAfternoon: Bool?
        for item in items {
            switch item {
            case .literal(let byte): if !reader.take(byte) { return nil }
            case .space: while reader.take(UInt8(ascii: " ")) || reader.take(9) {}
            case .year:
                guard let value = reader.digits(4) else { return nil }
                year = value
            case .shortYear:
                guard let value = reader.digits(2) else { return nil }
                year = value + (value >= 69 ? 1900 : 2000)
            case .month:
                guard let value = reader.digits(1...2) else { return nil }
                month = value
            case .monthName:
                guard let value = reader.month() else { return nil }
                month = value
            case .day:
                guard let value = reader.digits(1...2) else { return nil }
                day = value
            case .dayOfYear:
                guard let value = reader.digits(1...3) else { return nil }
                ordinal = value
            case .hour:
                guard let value = reader.digits(1...2), value < 24 else { return nil }
                hour = value
            case .hour12:
                guard let value = reader.digits(1...2), (1...12).contains(value) else { return nil }
                hour = value % 12
            case .half:
                guard let value = reader.isAfternoon() else { return nil }
                isAfternoon = value
            case .minute:
                guard let value = reader.digits(1...2), value < 60 else { return nil }
                minute = value
            case .second:
                guard let value = reader.digits(1...2), value < 60 else { return nil }
                second = value
            case .fraction:
                guard let value = reader.fraction() else { return nil }
                fraction = value
            case .zone:
                guard let value = reader.offsetSeconds() else { return nil }
                offset = value
            }
        }
        guard reader.isAtEnd else { return nil }
        if isAfternoon == true { hour += 12 }
        if let ordinal {
            let length = ISODate.length(of: 2, in: year) == 29 ? 366 : 365
            guard (1...length).contains(ordinal), let first = ISODate.days(year: year, month: 1, day: 1) else {
                return nil
            }
            return (first + Int32(ordinal - 1), hour * 3600 + minute * 60 + second - offset, fraction)
        }
        guard let days = ISODate.days(year: year, month: month, day: day) else { return nil }
        return (days, hour * 3600 + minute * 60 + second - offset, fraction)
    }
}

extension DigitReader {
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]

    /// An English month name, long or of three letters.
    mutating func month() -> Int? {
        for (number, name) in DigitReader.months.enumerated() {
            if takeWord(name) { return number + 1 }
        }
        for (number, name) in DigitReader.months.enumerated() where takeWord(String(name.prefix(3))) {
            return number + 1
        }
        return nil
    }

    mutating func isAfternoon() -> Bool? {
        if takeWord("pm") || takeWord("p.m.") { return true }
        return takeWord("am") || takeWord("a.m.") ? false : nil
    }

    /// Takes a word of lower-case letters, written in any case.
    private mutating func takeWord(_ word: String) -> Bool {
        var copy = self
        for byte in word.utf8 {
            guard let next = copy.next, (next &- UInt8(ascii: "A") < 26 ? next | 0x20 : next) == byte, copy.take(next)
            else {
                return false
            }
        }
        self = copy
        return true
    }
}
