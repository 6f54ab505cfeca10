/// Reads a regular expression: the part of ICU's syntax that a linear-time matcher can honour. `docs/verbs.md` lists it;
/// everything else is refused by its name at its place.
struct PatternParser {
    static let lengthLimit = 4096
    static let depthLimit = 100
    static let countLimit = 1000
    static let groupLimit = 31

    /// What `(?ims)` switches.
    private struct Modes {
        var ignoresCase = false
        var dotTakesLineEnds = false
        var linesHaveEnds = false
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var modes = Modes()
    private var depth = 0
    private(set) var groupCount = 0

    static func parse(_ pattern: String) throws(PatternProblem) -> (node: PatternNode, groupCount: Int) {
        var parser = PatternParser(scalars: Array(pattern.unicodeScalars))
        guard parser.scalars.count <= lengthLimit else {
            throw PatternProblem(found: "more than \(lengthLimit) characters", place: lengthLimit + 1)
        }
        let node = try parser.readChoice()
        if parser.index < parser.scalars.count { throw parser.problem("a `)` that closes no group") }
        return (node, parser.groupCount)
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    private func problem(_ found: String, at place: Int? = nil, _ remedy: String? = nil) -> PatternProblem {
        PatternProblem(found: found, place: (place ?? index) + 1, remedy: remedy)
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take() -> Unicode.Scalar? {
        guard index < scalars.count else { return nil }
        defer { index += 1 }
        return scalars[index]
    }

    private func starts(with text: String) -> Bool { scalars[index...].starts(with: text.unicodeScalars) }

    private mutating func skip(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        index += text.unicodeScalars.count
        return true
    }

    // MARK: Structure

    /// Alternatives up to a `)` or the end.
    private mutating func readChoice() throws(PatternProblem) -> PatternNode {
        var ways = [try readSequence()]
        while skip("|") { ways.append(try readSequence()) }
        return ways.count == 1 ? ways[0] : .choice(ways)
    }

    private mutating func readSequence() throws(PatternProblem) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let atom = try readAtom()
            guard let atom else { continue }
            parts.append(try readRepetition(of: atom))
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// nil: what stood there switches modes and matches nothing.
    private mutating func readAtom() throws(PatternProblem) -> PatternNode? {
        let start = index
        guard let scalar = take() else { return nil }
        switch scalar {
        case "(": return try readGroup(from: start)
        case "[": return .character(try readClass(from: start))
        case ".": return .character(modes.dotTakesLineEnds ? ScalarSet().complement : ScalarSet.lineEnds.complement)
        case "^": return .assertion(modes.linesHaveEnds ? .lineStart : .textStart)
        case "$": return .assertion(modes.linesHaveEnds ? .lineEnd : .lastLineEnd)
        case "\\": return try readEscape(from: start)
        case "*", "+", "?": throw problem("`\(scalar)` with nothing before it to repeat", at: start)
        case "{": throw problem("a `{` with nothing before it to repeat", at: start, "write \\{ for the character")
        default: return literal(scalar)
        }
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
        .character(modes.ignoresCase ? ScalarSet(scalar).ignoringCase : ScalarSet(scalar))
    }

    private mutating func readRepetition(of atom: PatternNode) throws(PatternProblem) -> PatternNode {
        let start = index
        let counts: (least: Int, most: Int?)
        switch next {
        case "*": counts = (0, nil)
        case "+": counts = (1, nil)
        case "?": counts = (0, 1)
        case "{": counts = try readCounts()
        default: return atom
        }
        if scalars[start] != "{" { index += 1 }
        if case .assertion = atom { throw problem("a repetition of what has no length", at: start) }
        let isLazy = skip("?")
        if next == "+" { throw problem("a possessive repetition", "leave out its second `+`") }
        if let scalar = next, ["*", "+", "?", "{"].contains(scalar) {
            throw problem("a repetition of a repetition", "put the first one into a group: (?:…)")
        }
        return .repeated(atom, least: counts.least, most: counts.most, isLazy: isLazy)
    }

    /// `{3}`, `{3,}`, `{3,5}`.
    private mutating func readCounts() throws(PatternProblem) -> (Int, Int?) {
        let start = index
        index += 1
        let least = readNumber()
        let hasComma = skip(",")
        let most = hasComma ? readNumber() : least
        guard let least, skip("}"), most.map({ $0 >= least }) ?? true else {
            throw problem(
                "a `{` that begins no count such as {3}, {3,} or {3,5}", at: start, "write \\{ for the character")
        }
        if max(least, most ?? 0) > Self.countLimit {
            throw problem("a repetition of more than \(Self.countLimit) times", at: start)
        }
        return (least, most)
    }

    private mutating func readNumber() -> Int? {
        var number: Int?
        while let digit = next?.value, (0x30...0x39).contains(digit) {
            number = min((number ?? 0) * 10 + Int(digit - 0x30), 1_000_000)
            index += 1
        }
        return number
    }

    private mutating func readGroup(from start: Int) throws(PatternProblem) -> PatternNode? {
        let outer = modes
        var number: Int?
        if skip("?") {
            switch try readGroupKind(from: start) {
            case .modes: return nil
            case .plain: break
            case .named: number = groupCount + 1
            }
        } else {
            number = groupCount + 1
        }
        if let number {
            if number > Self.groupLimit { throw problem("more than \(Self.groupLimit) groups", at: start) }
            groupCount = number
        }
        depth += 1
        if depth > Self.depthLimit { throw problem("more than \(Self.depthLimit) groups within each other", at: start) }
        let inner = try readChoice()
        depth -= 1
        guard skip(")") else { throw problem("a group that is not closed", at: start) }
        modes = outer
        return number.map { .group($0, inner) } ?? inner.asUnit
    }

    private enum GroupKind { case plain, named, modes }

    /// What stands behind `(?`.
    private mutating func readGroupKind(from start: Int) throws(PatternProblem) -> GroupKind {
        for (sign, name) in [
            ("=", "a look-ahead"), ("!", "a negative look-ahead"), ("<=", "a look-behind"),
            ("<!", "a negative look-behind"), (">", "an atomic group"), ("(", "a condition"), ("#", "a comment"),
            ("P", "a group named as Python does"), ("R", "a recursion"), ("&", "a recursion"), ("|", "a branch reset"),
        ] where starts(with: sign) {
            throw problem(name, at: start, sign == "P" ? "write (?<name>…), or (…)" : nil)
        }
        if skip(":") { return .plain }
        if skip("<") {
            let nameStart = index
            while let scalar = next, scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value) {
                index += 1
            }
            guard index > nameStart, skip(">") else { throw problem("a group's name that is none", at: nameStart) }
            return .named
        }
        var isOn = true
        while let scalar = take() {
            switch scalar {
            case "-": isOn = false
            case "i": modes.ignoresCase = isOn
            case "s": modes.dotTakesLineEnds = isOn
            case "m": modes.linesHaveEnds = isOn
            case ":": return .plain
            case ")": return .modes
            default: throw problem("an unknown kind of group or mode `\(scalar)`", at: index - 1)
            }
        }
        throw problem("a group that is not closed", at: start)
    }

    // MARK: Escapes

    private mutating func readEscape(from start: Int) throws(PatternProblem) -> PatternNode {
        switch next {
        case "b": index += 1; return .assertion(.wordEdge)
        case "B": index += 1; return .assertion(.noWordEdge)
        case "A": index += 1; return .assertion(.textStart)
        case "Z": index += 1; return .assertion(.lastLineEnd)
        case "z": index += 1; return .assertion(.textEnd)
        case "Q": index += 1; return try readQuotation()
        default: break
        }
        if let digit = next, ("1"..."9").contains(digit) { throw problem("a back-reference", at: start) }
        if next == "k" { throw problem("a back-reference", at: start) }
        if let set = try readSetEscape(from: start) { return .character(set) }
        return literal(try readCharacterEscape(from: start))
    }

    /// Everything up to `\E` or the end as it stands; a repetition behind it repeats the last character.
    private mutating func readQuotation() throws(PatternProblem) -> PatternNode {
        var parts: [PatternNode] = []
        while index < scalars.count, !skip("\\E") {
            parts.append(literal(scalars[index]))
            index += 1
        }
        guard let last = parts.popLast() else { return .empty }
        return .sequence(parts + [try readRepetition(of: last)])
    }

    /// `\d`, `\p{L}` and the like; nil: not a set.
    private mutating func readSetEscape(from start: Int) throws(PatternProblem) -> ScalarSet? {
        let set: ScalarSet
        switch next {
        case "d", "D": set = .digits
        case "w", "W": set = .word
        case "s", "S": set = .space
        case "h", "H": set = .horizontalSpace
        case "v", "V": set = .lineEnds
        case "p", "P": return try readProperty(from: start)
        default: return nil
        }
        let isNegative = take()?.properties.isUppercase == true
        return isNegative ? set.complement : set
    }

    private mutating func readProperty(from start: Int) throws(PatternProblem) -> ScalarSet {
        var isNegative = take() == "P"
        var name = ""
        if skip("{") {
            if skip("^") { isNegative.toggle() }
            while let scalar = next, scalar != "}" {
                name.unicodeScalars.append(scalar)
                index += 1
            }
            if !skip("}") { throw problem("a `\\p{` that is not closed", at: start) }
        } else if let scalar = take() {
            name.unicodeScalars.append(scalar)
        }
        guard var set = ScalarSet.named(name) else {
            throw problem(
                "a character class \\p that is not known", at: start,
                "a general category such as L, Lu or Nd, or Alphabetic, Uppercase, Lowercase, White_Space; scripts as ranges"
            )
        }
        if modes.ignoresCase { set = set.ignoringCase }
        return isNegative ? set.complement : set
    }

    /// An escape that stands for one character.
    private mutating func readCharacterEscape(from start: Int) throws(PatternProblem) -> Unicode.Scalar {
        guard let scalar = take() else { throw problem("a `\\` at the end", at: start) }
        switch scalar {
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "f": return "\u{c}"
        case "a": return "\u{7}"
        case "e": return "\u{1b}"
        case "0": return try readCode(from: start, radix: 8, digits: 1...3)
        case "u": return try readCode(from: start, radix: 16, digits: 4...4)
        case "U": return try readCode(from: start, radix: 16, digits: 8...8)
        case "x":
            if skip("{") {
                let code = try readCode(from: start, radix: 16, digits: 1...6)
                if !skip("}") { throw problem("a `\\x{` that is not closed", at: start) }
                return code
            }
            return try readCode(from: start, radix: 16, digits: 1...2)
        default:
            let isLetter = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if isLetter { throw problem("an unknown escape `\\\(scalar)`", at: start) }
            return scalar
        }
    }

    private mutating func readCode(from start: Int, radix: Int, digits: ClosedRange<Int>) throws(PatternProblem)
        -> Unicode.Scalar
    {
        var text = ""
        while text.count < digits.upperBound, let scalar = next, Character(scalar).isASCII,
            let digit = Character(scalar).hexDigitValue, digit < radix
        {
            text.unicodeScalars.append(scalar)
            index += 1
        }
        guard text.count >= digits.lowerBound, let value = UInt32(text, radix: radix),
            let scalar = Unicode.Scalar(value)
        else { throw problem("an escape that names no character", at: start) }
        return scalar
    }

    // MARK: Classes

    /// What stands behind `[`.
    private mutating func readClass(from start: Int) throws(PatternProblem) -> ScalarSet {
        let isNegative = skip("^")
        var sets = ScalarSet()
        var isFirst = true
        while true {
            let place = index
            guard let scalar = next else { throw problem("a `[` that is not closed", at: start) }
            if scalar == "]", !isFirst {
                index += 1
                break
            }
            isFirst = false
            if starts(with: "[:") {
                sets = sets.union(try readNamedClass())
                continue
            }
            if scalar == "[" { throw problem("a class within a class", "write \\[ for the character") }
            for sign in ["&&", "--"] where starts(with: sign) && !starts(with: sign + "]") {
                throw problem("the operation `\(sign)` on classes", "write the characters out")
            }
            if scalar == "\\" {
                index += 1
                if let set = try readSetEscape(from: place) {
                    sets = sets.union(set)
                    continue
                }
                index = place
            }
            sets = sets.union(try readRange())
        }
        if modes.ignoresCase { sets = sets.ignoringCase }
        return isNegative ? sets.complement : sets
    }

    /// `[:alpha:]`, within a class.
    private mutating func readNamedClass() throws(PatternProblem) -> ScalarSet {
        let start = index
        index += 2
        let isNegative = skip("^")
        var name = ""
        while let scalar = next, scalar.properties.isAlphabetic {
            name.unicodeScalars.append(scalar)
            index += 1
        }
        let set: ScalarSet? =
            switch name {
            case "alpha", "upper", "lower", "space": ScalarSet.named(name)
            case "digit": .digits
            case "alnum": ScalarSet.named("alpha")?.union(.digits)
            case "punct": ScalarSet.named("P")
            default: nil
            }
        guard let set, skip(":]") else {
            throw problem(
                "a class name that is not known", at: start, "alpha, alnum, digit, lower, punct, space or upper")
        }
        return isNegative ? set.complement : set
    }

    /// A character, or two with a hyphen between.
    private mutating func readRange() throws(PatternProblem) -> ScalarSet {
        let start = index
        let first = try readClassCharacter()
        guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else { return ScalarSet(first) }
        index += 1
        let isSet =
            next == "\\" && index + 1 < scalars.count && "dDwWsShHvVpP".unicodeScalars.contains(scalars[index + 1])
        if isSet || next == "[" { throw problem("a range that ends in a class", at: start) }
        let last = try readClassCharacter()
        guard first.value <= last.value else { throw problem("a range whose end is below its start", at: start) }
        return ScalarSet([first.value...last.value])
    }

    private mutating func readClassCharacter() throws(PatternProblem) -> Unicode.Scalar {
        let start = index
        guard let scalar = take() else { throw problem("a `[` that is not closed") }
        if scalar != "\\" { return scalar }
        if next == "b" { throw problem("an unknown escape `\\b`", at: start, "write \\x08 for a backspace") }
        return try readCharacterEscape(from: start)
    }
}

extension PatternNode {
    /// A group that keeps nothing: an assertion in it may be repeated as a group is.
    fileprivate var asUnit: PatternNode {
        if case .assertion = self { return .sequence([self]) }
        return self
    }
}
