package import Model

extension Retention {
    /// The end of the period that starts at an RFC 3339 time in UTC. A day that the month lacks is its last.
    package func end(after start: String) -> String? {
        guard let milliseconds = Timestamp.milliseconds(start) else { return nil }
        let (days, inDay) = (milliseconds / 1000).quotientAndRemainder(dividingBy: 86_400)
        var (year, month, day) = Timestamp.civil(days: Int(days))
        let monthIndex = year * 12 + month - 1 + months
        (year, month) = (monthIndex / 12, monthIndex % 12 + 1)
        day = min(day, Timestamp.dayCount(year: year, month: month))
        let moved = Int64(Timestamp.days(year: year, month: month, day: day)) * 86_400 + inDay + Int64(seconds)
        return Timestamp.text(milliseconds: moved * 1000)
    }
}
