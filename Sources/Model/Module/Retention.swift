/// How long a version is kept: an ISO 8601 duration such as `P5Y`, `P90D`, `P1Y6M`, `P2W`, `PT36H`.
package struct Retention: Sendable, Equatable {
    package let months: Int
    package let seconds: Int

    /// nil for a text of another form, for zero and for more than 1000 years.
    package init?(_ text: String) {
        guard text.hasPrefix("P"), text.count > 1 else { return nil }
        var (months, seconds, digits) = (0, 0, "")
        var isTime = false
        var allowed: [Character] = ["Y", "M", "W", "D"]
        for character in text.dropFirst() {
            if character == "T", !isTime, digits.isEmpty {
                isTime = true
                allowed = ["H", "M", "S"]
                continue
            }
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            guard let place = allowed.firstIndex(of: character), let number = Int(digits), number <= 400_000_000 else {
                return nil
            }
            allowed.removeFirst(place + 1)
            digits = ""
            switch (isTime, character) {
            case (false, "Y"): months += 12 * number
            case (false, "M"): months += number
            case (false, "W"): seconds += 7 * 86_400 * number
            case (false, "D"): seconds += 86_400 * number
            case (true, "H"): seconds += 3600 * number
            case (true, "M"): seconds += 60 * number
            default: seconds += number
            }
        }
        guard digits.isEmpty, !(isTime && allowed.count == 3), months > 0 || seconds > 0, months <= 12_000,
            seconds <= 1000 * 366 * 86_400
        else { return nil }
        self.months = months
        self.seconds = seconds
    }
}
