internal import CKernels

/// Dates and timestamps as ISO 8601 writes them, in the form that `TextForm` gives and a little wider.
enum ISODate {
    /// `2026-11-05` as days since 1970-01-01; years of four to six digits, at most one sign. nil: no such date.
    static func days(_ text: some StringProtocol) -> Int32? {
        var copy = String(text)
        return copy.withUTF8 { unsafe days(UnsafeRawBufferPointer($0)) }
    }

    static func days(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        var reader = unsafe DigitReader(bytes)
        guard let days = reader.date(), reader.isAtEnd else { return nil }
        return days
    }

    /// `2026-11-05T07:08:09.123456` (`T` or a space; fraction of 1 to 6 digits or none; a date alone is its midnight) as
    /// microseconds. An instant needs `Z`, `+01`, `+01:00` or `+0100` at the end, a wall-clock reading has none of these.
    static func micros(_ text: String, isUTC: Bool) -> Int64? {
        var copy = text
        return copy.withUTF8 { unsafe micros(UnsafeRawBufferPointer($0), isUTC: isUTC) }
    }

    static func micros(_ bytes: UnsafeRawBufferPointer, isUTC: Bool) -> Int64? {
        var reader = unsafe DigitReader(bytes)
        guard let days = reader.date() else { return nil }
        var seconds = 0
        var fraction = 0
        if reader.take(UInt8(ascii: "T")) || reader.take(UInt8(ascii: "t")) || reader.take(UInt8(ascii: " ")) {
            guard let hour = reader.digits(2), reader.take(UInt8(ascii: ":")), let minute = reader.digits(2) else {
                return nil
            }
            var second = 0
            if reader.take(UInt8(ascii: ":")) {
                guard let value = reader.digits(2) else { return nil }
                second = value
                if reader.take(UInt8(ascii: ".")) {
                    guard let value = reader.fraction() else { return nil }
                    fraction = value
                }
            }
            guard hour < 24, minute < 60, second < 60 else { return nil }
            seconds = hour * 3600 + minute * 60 + second
        }
        if isUTC {
            guard let offset = reader.offsetSeconds() else { return nil }
            seconds -= offset
        }
        guard reader.isAtEnd else { return nil }
        return micros(days: Int64(days), seconds: seconds, fraction: fraction)
    }

    static func micros(days: Int64, seconds: Int, fraction: Int) -> Int64? {
        let (whole, overflow) = days.multipliedReportingOverflow(by: 86_400_000_000)
        if overflow { return nil }
        let (sum, sumOverflow) = whole.addingReportingOverflow(Int64(seconds) * 1_000_000 + Int64(fraction))
        return sumOverflow ? nil : sum
    }

    /// Days of a calendar date, or nil where there is none.
    static func days(year: Int, month: Int, day: Int) -> Int32? {
        guard (1...12).contains(month), day >= 1, day <= length(of: month, in: year) else { return nil }
        return Int32(exactly: kernel_days_from_civil(Int64(year), Int32(month), Int32(day)))
    }

    static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads digits and marks from left to right. Holds a pointer for the length of one call and stays within its bounds.
@safe struct DigitReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    var isAtEnd: Bool { unsafe index == bytes.count }

    var next: UInt8? { unsafe index < bytes.count ? bytes[index] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    /// Exactly `count` digits.
    mutating func digits(_ count: Int) -> Int? { digits(count...count) }

    /// As many digits as there are, within the range.
    mutating func digits(_ range: ClosedRange<Int>) -> Int? {
        let start = index
        var value = 0
        while index - start < range.upperBound, let byte = next, byte &- UInt8(ascii: "0") < 10 {
            value = value * 10 + Int(byte &- UInt8(ascii: "0"))
            index += 1
        }
        return index - start >= range.lowerBound ? value : nil
    }

    /// 1 to 6 digits after a point, as microseconds.
    mutating func fraction() -> Int? {
        let start = index
        guard var value = digits(1...6) else { return nil }
        for _ in (index - start)..<6 { value *= 10 }
        return value
    }

    /// `Z`, `+01`, `+0100`, `+01:00` as seconds east of Greenwich.
    mutating func offsetSeconds() -> Int? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let sign: Int
        if take(UInt8(ascii: "+")) { sign = 1 } else if take(UInt8(ascii: "-")) { sign = -1 } else { return nil }
        guard let hours = digits(2), hours <= 15 else { return nil }
        let hasColon = take(UInt8(ascii: ":"))
        let minutes = digits(2)
        if hasColon, minutes == nil { return nil }
        guard minutes ?? 0 < 60 else { return nil }
        return sign * (hours * 3600 + (minutes ?? 0) * 60)
    }

    mutating func date() -> Int32? {
        let isNegative = take(UInt8(ascii: "-"))
        guard let year = digits(4...6), take(UInt8(ascii: "-")), let month = digits(2), take(UInt8(ascii: "-")),
            let day = digits(2)
        else { return nil }
        return ISODate.days(year: isNegative ? -year : year, month: month, day: day)
    }
}
