internal import CKernels

/// Searches with one pattern through one text after the other; keeps the kernel's room between them.
///
/// - Cost: two passes over a text and a step a character of each match, whatever pattern and text are; a pattern of *n*
///   steps takes at worst *n* times as long as one.
@safe struct PatternSearch: ~Copyable {
    enum Result { case unchanged, replaced, tooLong }

    private let program: PatternProgram
    private let kernel: UnsafeMutablePointer<kernel_pattern>
    private let room: UnsafeMutableRawPointer
    private let search: OpaquePointer
    /// Start and end of the match, then of each group; -1: the group has no part in it.
    private var marks: [Int]

    /// For texts of at most `longest` bytes.
    init(_ program: PatternProgram, longest: Int) {
        self.program = program
        // The search points to the kernel's view of the program and this to the program's buffers: all three live and end
        // with this value.
        let view = UnsafeMutablePointer<kernel_pattern>.allocate(capacity: 1)
        unsafe program.withKernel { unsafe view.initialize(to: $0.pointee) }
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: kernel_pattern_scratch_bytes(view, longest), alignment: 16)
        guard let made = unsafe kernel_pattern_search_make(view, longest, memory) else {
            preconditionFailure("a search lies in its room")
        }
        unsafe kernel = view
        unsafe room = memory
        unsafe search = made
        marks = [Int](repeating: -1, count: 2 * program.groupCount + 2)
    }

    deinit {
        unsafe room.deallocate()
        unsafe kernel.deallocate()
    }

    /// Writes the text with each match replaced to the end of `result`, which stays as it is when there is none.
    ///
    /// A match of nothing right behind another match counts; the character behind a match of nothing stays.
    /// - Parameters:
    ///   - text: UTF-8, in place during the call.
    ///   - limit: bytes that `result` may have in the end.
    mutating func replace(
        in text: UnsafeRawBufferPointer, with replacement: Replacement, into result: inout [UInt8], limit: Int
    ) -> Result {
        let bytes = unsafe text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard unsafe kernel_pattern_search_text(search, bytes, text.count) else { return .unchanged }
        var from = 0
        var copied = 0
        while from <= text.count, unsafe kernel_pattern_search_next(search, from, &marks) {
            let (start, end) = (marks[0], marks[1])
            unsafe result.append(contentsOf: text[copied..<start])
            for part in replacement.parts {
                switch part {
                case .bytes(let bytes): result.append(contentsOf: bytes)
                case .group(let number):
                    if marks[2 * number] >= 0, marks[2 * number + 1] >= 0 {
                        unsafe result.append(contentsOf: text[marks[2 * number]..<marks[2 * number + 1]])
                    }
                }
            }
            copied = end
            if result.count > limit { return .tooLong }
            if end > start {
                from = end
            } else {
                guard end < text.count else { break }
                from = unsafe kernel_pattern_search_after(search, end)
            }
        }
        unsafe result.append(contentsOf: text[copied...])
        return result.count > limit ? .tooLong : .replaced
    }
}

/// What a match becomes: `$0` to `$9` are the match and its groups, a `\` makes the next character stand for itself.
struct Replacement: Sendable {
    enum Part: Sendable {
        case bytes([UInt8])
        case group(Int)
    }

    private(set) var parts: [Part] = []

    /// - Throws: a group that the pattern does not have, and a `\` at the end.
    init(_ text: String, groupCount: Int) throws(PatternProblem) {
        var literal: [UInt8] = []
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            if scalar == "\\" {
                guard let next else { throw PatternProblem(found: "a `\\` at the end", place: index + 1) }
                literal += Array(String(next).utf8)
                index += 2
            } else if scalar == "$", let next, ("0"..."9").contains(next) {
                let number = Int(next.value - 0x30)
                guard number <= groupCount else {
                    throw PatternProblem(
                        found: "$\(number), a group that the pattern does not have", place: index + 1,
                        remedy: "write \\$ for the character")
                }
                if !literal.isEmpty { parts.append(.bytes(literal)) }
                literal = []
                parts.append(.group(number))
                index += 2
            } else {
                literal += Array(String(scalar).utf8)
                index += 1
            }
        }
        if !literal.isEmpty { parts.append(.bytes(literal)) }
    }
}
