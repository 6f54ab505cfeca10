internal import CKernels
internal import Columnar

/// A pattern as the kernel takes it: steps, classes of characters, sets of classes. Immutable; any thread may search with it.
struct PatternProgram: Sendable {
    let groupCount: Int
    private let start: Int
    private let classCount: Int
    private let setWords: Int
    private let steps: Buffer
    private let firsts: Buffer
    private let classOf: Buffer
    private let classFlags: Buffer
    private let sets: Buffer

    /// Reads and compiles a pattern. Time and memory are bounded by the limits of `PatternParser` and the kernel's steps.
    init(_ pattern: String) throws(PatternProblem) {
        let (node, groupCount) = try PatternParser.parse(pattern)
        var builder = StepBuilder()
        let start = try builder.build(node)
        let classes = CharacterPartition(
            builder.sets.members + (builder.needsFlags ? [.word, .lineEnds] : []))
        self.groupCount = groupCount
        self.start = start
        classCount = classes.count
        setWords = (classes.count + 63) / 64
        steps = Buffer(copying: builder.steps)
        firsts = Buffer(copying: classes.firsts)
        classOf = Buffer(copying: classes.classOf)
        classFlags = Buffer(
            copying: classes.members.map { holders -> UInt8 in
                let count = builder.sets.members.count
                return (holders.contains(UInt16(count)) ? UInt8(KERNEL_PATTERN_WORD) : 0)
                    | (holders.contains(UInt16(count + 1)) ? UInt8(KERNEL_PATTERN_LINE) : 0)
            })
        var words = [UInt64](repeating: 0, count: builder.sets.members.count * setWords)
        for (number, holders) in classes.members.enumerated() {
            for set in holders where Int(set) < builder.sets.members.count {
                words[Int(set) * setWords + number / 64] |= 1 << UInt64(number % 64)
            }
        }
        sets = Buffer(copying: words)
        precondition(
            unsafe withKernel { unsafe kernel_pattern_is_sound($0) }, "a compiled pattern is within its bounds")
    }

    /// The kernel's view, which points into this program's buffers and is good during the call.
    func withKernel<Result>(_ body: (UnsafePointer<kernel_pattern>) -> Result) -> Result {
        var kernel = unsafe kernel_pattern(
            steps: UnsafePointer(steps.base.assumingMemoryBound(to: kernel_pattern_step.self)),
            step_count: UInt32(steps.byteCount / MemoryLayout<kernel_pattern_step>.stride), start: UInt32(start),
            firsts: UnsafePointer(firsts.base.assumingMemoryBound(to: UInt32.self)),
            class_of: UnsafePointer(classOf.base.assumingMemoryBound(to: UInt16.self)),
            range_count: UInt32(firsts.byteCount / 4),
            class_flags: UnsafePointer(classFlags.base.assumingMemoryBound(to: UInt8.self)),
            class_count: UInt32(classCount), sets: UnsafePointer(sets.base.assumingMemoryBound(to: UInt64.self)),
            set_count: UInt32(sets.byteCount / 8 / setWords), set_words: UInt32(setWords),
            mark_count: UInt32(2 * groupCount + 2))
        return unsafe body(&kernel)
    }
}

/// Makes a pattern's steps from its end to its start, so that a step's successors are made before it.
private struct StepBuilder {
    /// Sets by their number, each once.
    struct Sets {
        private(set) var members: [ScalarSet] = []
        private var numbers: [ScalarSet: Int] = [:]

        mutating func number(of set: ScalarSet) -> Int {
            if let number = numbers[set] { return number }
            numbers[set] = members.count
            members.append(set)
            return members.count - 1
        }
    }

    private(set) var steps: [kernel_pattern_step] = []
    private(set) var sets = Sets()
    /// Whether an assertion asks for words or lines.
    private(set) var needsFlags = false

    /// Returns the first step.
    mutating func build(_ node: PatternNode) throws(PatternProblem) -> Int {
        _ = try add(KERNEL_PATTERN_MATCH, next: 0)
        return try add(node, before: 0)
    }

    private mutating func add(_ kind: Int, argument: Int = 0, next: Int, other: Int = 0) throws(PatternProblem) -> Int {
        guard steps.count < KERNEL_PATTERN_STEPS else {
            throw PatternProblem(
                found: "more than \(KERNEL_PATTERN_STEPS) steps once its repetitions are written out", place: 1,
                remedy: "use smaller counts")
        }
        steps.append(
            kernel_pattern_step(
                kind: UInt16(kind), argument: UInt16(argument), next: UInt16(next), other: UInt16(other)))
        return steps.count - 1
    }

    /// The steps of a node in front of the step `next`; returns the first of them.
    private mutating func add(_ node: PatternNode, before next: Int) throws(PatternProblem) -> Int {
        switch node {
        case .empty: return next
        case .character(let set):
            return try add(KERNEL_PATTERN_CHARACTER, argument: sets.number(of: set), next: next)
        case .assertion(let assertion):
            if assertion != .textStart, assertion != .textEnd, assertion != .lastLineEnd { needsFlags = true }
            return try add(KERNEL_PATTERN_ASSERTION, argument: Int(assertion.number), next: next)
        case .group(let number, let inner):
            let end = try add(KERNEL_PATTERN_MARK, argument: 2 * number + 1, next: next)
            let start = try add(inner, before: end)
            return try add(KERNEL_PATTERN_MARK, argument: 2 * number, next: start)
        case .sequence(let parts):
            var first = next
            for part in parts.reversed() { first = try add(part, before: first) }
            return first
        case .choice(let ways):
            var firsts: [Int] = []
            for way in ways.reversed() { firsts.append(try add(way, before: next)) }
            var first = firsts[0]
            for preferred in firsts.dropFirst() { first = try choice(preferred, or: first) }
            return first
        case .repeated(let inner, let least, let most, let isLazy):
            return try add(inner, least: least, most: most, isLazy: isLazy, before: next)
        }
    }

    private mutating func choice(_ preferred: Int, or other: Int, isLazy: Bool = false) throws(PatternProblem) -> Int {
        try add(
            KERNEL_PATTERN_CHOICE, next: isLazy ? other : preferred, other: isLazy ? preferred : other)
    }

    private mutating func add(
        _ inner: PatternNode, least: Int, most: Int?, isLazy: Bool, before next: Int
    ) throws(PatternProblem) -> Int {
        var first = next
        var rest = least
        if let most {
            // The last time first: each may be left out only with those behind it.
            for _ in least..<max(least, most) {
                first = try choice(try add(inner, before: first), or: next, isLazy: isLazy)
            }
        } else if least == 0, !inner.canBeEmpty {
            first = try loop(inner, isLazy: isLazy, before: next).choice
        } else {
            // At least once, and around again. A body that may be empty is entered first and left then, as a backtracking
            // matcher does: x* is (x+)?.
            first = try loop(inner, isLazy: isLazy, before: next).body
            if least == 0 { first = try choice(first, or: next, isLazy: isLazy) }
            rest = max(0, least - 1)
        }
        for _ in 0..<rest {
            let count = steps.count
            first = try add(inner, before: first)
            if steps.count == count { break }  // nothing, however often
        }
        return first
    }

    /// A choice between `body`, which leads back to the choice, and `next`.
    private mutating func loop(
        _ inner: PatternNode, isLazy: Bool, before next: Int
    ) throws(PatternProblem) -> (body: Int, choice: Int) {
        let choice = try choice(next, or: next)
        let body = try add(inner, before: choice)
        steps[choice].next = UInt16(isLazy ? next : body)
        steps[choice].other = UInt16(isLazy ? body : next)
        return (body, choice)
    }
}

/// Characters that no set tells from each other make a class. Class 0 is for bytes that are no character.
private struct CharacterPartition {
    /// Where ranges of scalars begin, and the class of each.
    private(set) var firsts: [UInt32] = []
    private(set) var classOf: [UInt16] = []
    /// Of each class the sets that hold it, ascending.
    private(set) var members: [[UInt16]] = [[]]

    var count: Int { members.count }

    init(_ sets: [ScalarSet]) {
        var edges: [(place: UInt32, set: UInt16)] = []
        for (number, set) in sets.enumerated() {
            for range in set.ranges {
                edges.append((range.lowerBound, UInt16(number)))
                edges.append((range.upperBound + 1, UInt16(number)))
            }
        }
        edges.sort { $0.place < $1.place }
        var numbers: [[UInt16]: UInt16] = [:]
        var holders: Set<UInt16> = []
        var place: UInt32 = 0
        var index = 0
        while true {
            while index < edges.count, edges[index].place == place {
                holders.formSymmetricDifference([edges[index].set])
                index += 1
            }
            let key = holders.sorted()
            let number = numbers[key] ?? UInt16(members.count)
            if numbers[key] == nil {
                numbers[key] = number
                members.append(key)
            }
            firsts.append(place)
            classOf.append(number)
            guard index < edges.count, edges[index].place <= ScalarSet.last else { return }
            place = edges[index].place
        }
    }
}
