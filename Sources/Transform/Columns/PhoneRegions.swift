/// How a region writes its phone numbers: what is needed to bring one into E.164.
///
/// Lengths are of the national significant number, as the regions' numbering plans bound them. Whether a number is in use,
/// or which of its digits are an area code, is not known here.
struct PhoneRegion: Sendable {
    let name: String
    let code: String
    /// What stands before a number inside the country; empty: nothing.
    let trunk: String
    /// What is dialled to leave the country.
    let exit: String
    let lengths: ClosedRange<Int>

    static func find(_ name: String) -> PhoneRegion? { all.first { $0.name == name.uppercased() } }

    static let names = all.map(\.name)

    /// The regions that share the longest calling code at the start of the digits.
    static func withCode(startingIn digits: String) -> (code: String, regions: [PhoneRegion])? {
        for length in [3, 2, 1] {
            let code = String(digits.prefix(length))
            let regions = all.filter { $0.code == code }
            if !regions.isEmpty { return (code, regions) }
        }
        return nil
    }

    /// Region, calling code, trunk prefix (`-`: none), exit prefix, shortest and longest national number.
    static let all: [PhoneRegion] = """
        AE 971 0 00 8 9
        AL 355 0 00 8 9
        AR 54 0 00 10 11
        AT 43 0 00 6 13
        AU 61 0 0011 9 9
        BA 387 0 00 8 9
        BD 880 0 00 8 10
        BE 32 0 00 8 9
        BG 359 0 00 7 9
        BR 55 0 00 10 11
        BY 375 8 810 9 9
        CA 1 1 011 10 10
        CH 41 0 00 9 9
        CL 56 - 00 9 9
        CN 86 0 00 10 11
        CO 57 0 00 10 10
        CR 506 - 00 8 8
        CY 357 - 00 8 8
        CZ 420 - 00 9 9
        DE 49 0 00 6 11
        DK 45 - 00 8 8
        DO 1 1 011 10 10
        DZ 213 0 00 8 9
        EC 593 0 00 8 9
        EE 372 - 00 7 8
        EG 20 0 00 8 10
        ES 34 - 00 9 9
        FI 358 0 00 5 12
        FR 33 0 00 9 9
        GB 44 0 00 9 10
        GH 233 0 00 9 9
        GR 30 - 00 10 10
        HK 852 - 001 8 8
        HR 385 0 00 8 9
        HU 36 06 00 8 9
        ID 62 0 001 8 12
        IE 353 0 00 7 9
        IL 972 0 00 8 9
        IN 91 0 00 10 10
        IS 354 - 00 7 9
        IT 39 - 00 6 11
        JP 81 0 010 9 10
        KE 254 0 000 7 9
        KR 82 0 00 8 10
        KW 965 - 00 8 8
        KZ 7 8 810 10 10
        LI 423 - 00 7 9
        LK 94 0 00 9 9
        LT 370 0 00 8 8
        LU 352 - 00 6 11
        LV 371 - 00 8 8
        MA 212 0 00 9 9
        MD 373 0 00 8 8
        ME 382 0 00 8 9
        MK 389 0 00 8 8
        MT 356 - 00 8 8
        MX 52 - 00 10 10
        MY 60 0 00 8 10
        NG 234 0 009 8 10
        NL 31 0 00 9 9
        NO 47 - 00 8 8
        NZ 64 0 00 8 10
        PA 507 - 00 7 8
        PE 51 0 00 8 9
        PH 63 0 00 8 10
        PK 92 0 00 9 10
        PL 48 - 00 9 9
        PR 1 1 011 10 10
        PT 351 - 00 9 9
        QA 974 - 00 8 8
        RO 40 0 00 9 9
        RS 381 0 00 7 10
        RU 7 8 810 10 10
        SA 966 0 00 8 9
        SE 46 0 00 7 9
        SG 65 - 000 8 8
        SI 386 0 00 8 8
        SK 421 0 00 9 9
        TH 66 0 001 8 9
        TN 216 - 00 8 8
        TR 90 0 00 10 10
        TW 886 0 002 8 9
        UA 380 0 00 9 9
        US 1 1 011 10 10
        UY 598 0 00 8 8
        VE 58 0 00 10 10
        VN 84 0 00 9 10
        ZA 27 0 00 9 9
        """.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 6, let shortest = Int(words[4]), let longest = Int(words[5]) else { return nil }
            return PhoneRegion(
                name: words[0], code: words[1], trunk: words[2] == "-" ? "" : words[2], exit: words[3],
                lengths: shortest...longest)
        }
}

/// A phone number in E.164: `+` and 7 to 15 digits.
enum PhoneForm {
    /// nil: not a number that this region's rules make international, or one of a length that its plan does not have.
    static func of(_ text: String, region: PhoneRegion?) -> String? {
        guard let (digits, hasPlus) = digits(of: text) else { return nil }
        if hasPlus { return international(digits) }
        guard let region else { return nil }
        if digits.hasPrefix(region.exit), let number = international(String(digits.dropFirst(region.exit.count))) {
            return number
        }
        if !region.trunk.isEmpty, digits.hasPrefix(region.trunk) {
            let national = digits.dropFirst(region.trunk.count)
            if region.lengths.contains(national.count) { return "+\(region.code)\(national)" }
        }
        return region.lengths.contains(digits.count) ? "+\(region.code)\(digits)" : nil
    }

    /// The digits of a written number, and whether `+` stands before them. Spaces, hyphens, dots, slashes and parentheses
    /// may stand between; `(0)` after a calling code is dropped. Anything else: nil.
    static func digits(of text: String) -> (digits: String, hasPlus: Bool)? {
        var rest = text.unicodeScalars.trimmingSpace()
        let hasPlus = rest.first == "+"
        if hasPlus {
            rest.removeFirst()
            // `+46 (0)8 928` carries the trunk prefix for callers from inside.
            let written = String(rest)
            rest = written.replacing("(0)", with: "", maxReplacements: 1)[...].unicodeScalars
        }
        var digits = ""
        for scalar in rest {
            switch scalar {
            case "0"..."9": digits.unicodeScalars.append(scalar)
            case " ", "\u{a0}", "\u{202f}", "-", "\u{2010}", "\u{2011}", "\u{2013}", ".", "/", "(", ")": break
            default: return nil
            }
        }
        return digits.isEmpty ? nil : (digits, hasPlus)
    }

    /// Digits with their calling code. Lengths are checked for the regions that are listed, otherwise 7 to 15 in all.
    private static func international(_ digits: String) -> String? {
        guard (7...15).contains(digits.count), !digits.hasPrefix("0") else { return nil }
        if let (code, regions) = PhoneRegion.withCode(startingIn: digits) {
            let count = digits.count - code.count
            guard regions.contains(where: { $0.lengths.contains(count) }) else { return nil }
        }
        return "+\(digits)"
    }
}
