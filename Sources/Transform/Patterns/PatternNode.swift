internal import CKernels

/// A pattern, read.
indirect enum PatternNode: Sendable {
    case empty
    case character(ScalarSet)
    case assertion(Assertion)
    /// A group that keeps what it matched, numbered from 1 in the order of its opening parentheses.
    case group(Int, PatternNode)
    case sequence([PatternNode])
    /// The first that leads to a match.
    case choice([PatternNode])
    /// From `least` to `most` times (nil: no limit), as often as possible, or as rarely.
    case repeated(PatternNode, least: Int, most: Int?, isLazy: Bool)

    enum Assertion: Sendable {
        case textStart, textEnd, lastLineEnd, lineStart, lineEnd, wordEdge, noWordEdge

        /// The kernel's number for it.
        var number: UInt16 {
            switch self {
            case .textStart: UInt16(KERNEL_PATTERN_TEXT_START)
            case .textEnd: UInt16(KERNEL_PATTERN_TEXT_END)
            case .lastLineEnd: UInt16(KERNEL_PATTERN_LAST_LINE_END)
            case .lineStart: UInt16(KERNEL_PATTERN_LINE_START)
            case .lineEnd: UInt16(KERNEL_PATTERN_LINE_END)
            case .wordEdge: UInt16(KERNEL_PATTERN_WORD_EDGE)
            case .noWordEdge: UInt16(KERNEL_PATTERN_NO_WORD_EDGE)
            }
        }
    }

    /// Whether it may match nothing.
    var canBeEmpty: Bool {
        switch self {
        case .empty, .assertion: true
        case .character: false
        case .group(_, let inner): inner.canBeEmpty
        case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
        case .choice(let ways): ways.contains { $0.canBeEmpty }
        case .repeated(let inner, let least, _, _): least == 0 || inner.canBeEmpty
        }
    }
}

/// What is wrong with a pattern, and where.
struct PatternProblem: Error, Equatable {
    /// What stands there: `a look-ahead`.
    let found: String
    /// The number of the character in the pattern, from 1.
    let place: Int
    var remedy: String?
}
