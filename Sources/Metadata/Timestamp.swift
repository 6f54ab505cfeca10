/// Times as the descriptions and the ledger write them: RFC 3339, UTC, whole seconds.
package enum Timestamp {
    /// `2026-11-23T05:30:00Z`; from 1970 to 9999.
    package static func text(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        let (year, month, day) = civil(days: Int(seconds / 86_400))
        let inDay = Int(seconds % 86_400)
        func padded(_ number: Int, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month))-\(padded(day))T\(padded(inDay / 3600)):"
            + "\(padded(inDay / 60 % 60)):\(padded(inDay % 60))Z"
    }

    /// The inverse of `text`; nil for every other form.
    package static func milliseconds(_ text: String) -> Int64? {
        let numbers = text.split(whereSeparator: { "-:TZ".contains($0) }).compactMap { Int($0) }
        guard numbers.count == 6, numbers[0] >= 1970, (1...12).contains(numbers[1]), numbers[2] >= 1,
            numbers[2] <= dayCount(year: numbers[0], month: numbers[1])
        else { return nil }
        let seconds =
            days(year: numbers[0], month: numbers[1], day: numbers[2]) * 86_400 + numbers[3] * 3600 + numbers[4] * 60
            + numbers[5]
        let milliseconds = Int64(seconds) * 1000
        return self.text(milliseconds: milliseconds) == text ? milliseconds : nil
    }

    static func dayCount(year: Int, month: Int) -> Int {
        let next = month == 12 ? days(year: year + 1, month: 1, day: 1) : days(year: year, month: month + 1, day: 1)
        return next - days(year: year, month: month, day: 1)
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that start in March.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
