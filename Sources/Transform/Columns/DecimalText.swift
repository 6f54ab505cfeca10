/// A decimal number read from text, exactly: `units` times 10^-`scale`.
struct DecimalText {
    let units: Int128
    let scale: Int

    /// Sign, digits, at most one point, an exponent; at most 38 significant digits. nil: anything else.
    init?(_ text: String) {
        var copy = text
        let parsed = copy.withUTF8 { unsafe DecimalText(UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        var isNegative = false
        if unsafe index < bytes.count && (bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+")) {
            isNegative = unsafe bytes[index] == UInt8(ascii: "-")
            index += 1
        }
        var units: Int128 = 0
        var scale = 0
        var digitCount = 0
        var isAfterPoint = false
        while index < bytes.count {
            let byte = unsafe bytes[index]
            if byte == UInt8(ascii: "."), !isAfterPoint {
                isAfterPoint = true
            } else if byte &- UInt8(ascii: "0") < 10 {
                digitCount += 1
                let (tenfold, overflow) = units.multipliedReportingOverflow(by: 10)
                if overflow { return nil }
                units = tenfold + Int128(byte &- UInt8(ascii: "0"))
                if units > DecimalText.largest { return nil }
                if isAfterPoint { scale += 1 }
            } else {
                break
            }
            index += 1
        }
        guard digitCount > 0 else { return nil }
        if index < bytes.count {
            guard unsafe bytes[index] | 0x20 == UInt8(ascii: "e"),
                let exponent = unsafe Int(String(decoding: bytes[(index + 1)...], as: UTF8.self)),
                abs(exponent) <= 100
            else { return nil }
            scale -= exponent
        }
        if scale < 0 {
            guard let scaled = DecimalText.scaled(units, by: -scale) else { return nil }
            units = scaled
            scale = 0
        }
        self.units = isNegative ? -units : units
        self.scale = scale
    }

    /// 10^38 - 1.
    static let largest: Int128 = (0..<38).reduce(1) { power, _ in power * 10 } - 1

    /// The number in units of 10^-scale, or nil when that loses digits or passes 38 of them.
    func units(atScale wanted: Int) -> Int128? {
        if wanted >= scale { return DecimalText.scaled(units, by: wanted - scale) }
        if units == 0 { return 0 }
        guard let divisor = DecimalText.scaled(1, by: scale - wanted) else { return nil }
        return units % divisor == 0 ? units / divisor : nil
    }

    /// `value` times 10^`exponent` (at least 0), or nil beyond 38 digits.
    static func scaled(_ value: Int128, by exponent: Int) -> Int128? {
        if value == 0 { return 0 }
        if exponent > 38 { return nil }
        var result = value
        for _ in 0..<exponent {
            let (next, overflow) = result.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            result = next
        }
        return result.magnitude <= largest.magnitude ? result : nil
    }

    static func powerOfTen(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    /// `scale` digits after the point: `-0.05`.
    static func text(_ units: Int128, scale: Int) -> String {
        var digits = String(units.magnitude)
        if scale > 0 {
            if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
        }
        return units < 0 ? "-" + digits : digits
    }
}
