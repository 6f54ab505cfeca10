internal import Synchronization

/// A set of Unicode scalars: ascending ranges that neither overlap nor touch.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    static let last: UInt32 = 0x10_ffff

    init() {}

    init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let end = self.ranges.last, range.lowerBound <= end.upperBound &+ 1 {
                self.ranges[self.ranges.count - 1] = end.lowerBound...max(end.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    /// All scalars for which `isMember` holds. Some ten milliseconds: for sets that are made once.
    private init(where isMember: (Unicode.Scalar.Properties) -> Bool) {
        var start: UInt32?
        for value in 0...ScalarSet.last {
            let isIn = Unicode.Scalar(value).map { isMember($0.properties) } ?? false
            if isIn, start == nil { start = value }
            if !isIn, let first = start {
                ranges.append(first...value - 1)
                start = nil
            }
        }
        if let start { ranges.append(start...ScalarSet.last) }
    }

    func contains(_ value: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    var complement: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= ScalarSet.last { result.append(next...ScalarSet.last) }
        return ScalarSet(result)
    }

    /// With every letter its other cases, letter for letter: K, k and the Kelvin sign; not ß and ss.
    var ignoringCase: ScalarSet {
        var added: [ClosedRange<UInt32>] = []
        for family in ScalarSet.caseFamilies where family.contains(where: { contains($0) }) {
            added += family.map { $0...$0 }
        }
        return ScalarSet(ranges + added)
    }

    /// Scalars that are one letter but for their case: those of one simple case folding (Unicode, CaseFolding.txt).
    private static let caseFamilies: [[UInt32]] = {
        func only(_ text: String) -> Unicode.Scalar? {
            text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
        }
        var families: [UInt32: [UInt32]] = [:]
        for range in ScalarSet(where: { $0.changesWhenCaseMapped || $0.isCased }).ranges {
            for value in range {
                // The dotless i is its own letter, though its capital is I.
                guard let scalar = Unicode.Scalar(value), value != 0x131 else { continue }
                let upper = only(scalar.properties.uppercaseMapping) ?? scalar
                let folded = only(upper.properties.lowercaseMapping) ?? upper
                families[folded.value, default: []].append(value)
            }
        }
        return families.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    }()
}

/// Sets with names.
extension ScalarSet {
    /// Ends of lines: U+000A to U+000D, U+0085, U+2028, U+2029.
    static let lineEnds = ScalarSet([0x0a...0x0d, 0x85...0x85, 0x2028...0x2029])

    /// `\w`: letters, marks, decimal digits, connectors such as `_`, and the two joiners (UTS #18, compatibility).
    static let word = ScalarSet { properties in
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: properties.isAlphabetic || properties.isJoinControl
        }
    }

    static let digits = named("Nd") ?? ScalarSet()
    static let space = ScalarSet { $0.isWhitespace }
    /// `\h`: the tabulator and spaces that separate.
    static let horizontalSpace = named("Zs").map { $0.union(ScalarSet([9...9])) } ?? ScalarSet()

    private static let made = Mutex<[String: ScalarSet]>([:])

    /// The set of a general category (`Lu`, `L`, `Nd`), of `Alphabetic`, `Uppercase`, `Lowercase` or `White_Space`, letter
    /// case and `_` ignored; nil: no such name. Made once a process.
    static func named(_ name: String) -> ScalarSet? {
        let key = name.lowercased().filter { $0 != "_" && $0 != " " }
        if let set = made.withLock({ $0[key] }) { return set }
        let set: ScalarSet
        switch key {
        case "alphabetic", "alpha": set = ScalarSet { $0.isAlphabetic }
        case "uppercase", "upper": set = ScalarSet { $0.isUppercase }
        case "lowercase", "lower": set = ScalarSet { $0.isLowercase }
        case "whitespace", "space": set = space
        default:
            let isKnown = categories.contains { $0.1 == key || $0.1.prefix(1) == key }
            guard isKnown else { return nil }
            let members = categories.filter { $0.1.hasPrefix(key) }.map(\.0)
            set = ScalarSet { members.contains($0.generalCategory) }
        }
        made.withLock { $0[key] = set }
        return set
    }

    private static let categories: [(Unicode.GeneralCategory, String)] = [
        (.uppercaseLetter, "lu"), (.lowercaseLetter, "ll"), (.titlecaseLetter, "lt"), (.modifierLetter, "lm"),
        (.otherLetter, "lo"), (.nonspacingMark, "mn"), (.spacingMark, "mc"), (.enclosingMark, "me"),
        (.decimalNumber, "nd"), (.letterNumber, "nl"), (.otherNumber, "no"), (.connectorPunctuation, "pc"),
        (.dashPunctuation, "pd"), (.openPunctuation, "ps"), (.closePunctuation, "pe"), (.initialPunctuation, "pi"),
        (.finalPunctuation, "pf"), (.otherPunctuation, "po"), (.mathSymbol, "sm"), (.currencySymbol, "sc"),
        (.modifierSymbol, "sk"), (.otherSymbol, "so"), (.spaceSeparator, "zs"), (.lineSeparator, "zl"),
        (.paragraphSeparator, "zp"), (.control, "cc"), (.format, "cf"), (.surrogate, "cs"), (.privateUse, "co"),
        (.unassigned, "cn"),
    ]
}
