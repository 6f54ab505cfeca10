/// What became of one source at one level.
package struct LevelResult: Sendable, Equatable {
    /// A level of this machine, or `reference`: the step-by-step versions, where there are any.
    package let level: String
    package var agreed = 0
    package var disagreed = 0
    /// The numbers of the first cases that disagree.
    package var examples: [Int64] = []

    static let exampleLimit = 5
}

/// What became of one source.
package struct SourceResult: Sendable, Equatable {
    package let source: VectorSource
    /// Empty when nothing was run.
    package let levels: [LevelResult]

    package var hasRun: Bool { levels.contains { $0.agreed + $0.disagreed > 0 } }
    package var disagreements: Int { levels.reduce(0) { $0 + $1.disagreed } }

    /// Whether something is wrong with it: a disagreement, a file that cannot be read, or vectors that apply and none of
    /// which was run. A file that does not apply is for the caller to judge: named on purpose, or met in a folder.
    package var hasFailed: Bool {
        switch source.content {
        case .cases: disagreements > 0 || !hasRun
        case .doesNotApply: false
        case .unreadable: true
        }
    }
}

/// Runs published vectors through every level of this machine, each forced in turn.
///
/// Forcing holds for the whole process: for commands and tests, not while a run is at work.
package enum VectorCheck {
    /// - Cost: each case once alone and once in a column of copies, a level; fewer copies at `plain`, whose AES takes eight
    ///   blocks at a time, and none for the reference.
    package static func run(_ source: VectorSource) -> SourceResult {
        guard case .cases(let vectors, _) = source.content, !vectors.cases.isEmpty else {
            return SourceResult(source: source, levels: [])
        }
        var results: [LevelResult] = []
        if vectors.cases.allSatisfy(\.hasReference) {
            results.append(run(vectors, level: "reference", by: .reference, copies: [1]))
        }
        for level in KernelLevels.ofThisMachine {
            results.append(
                KernelLevels.forced(level) {
                    run(vectors, level: level, by: .kernel, copies: [1, level == "plain" ? 9 : 35])
                })
        }
        return SourceResult(source: source, levels: results)
    }

    private static func run(_ vectors: VectorCases, level: String, by path: Asked.Path, copies: [Int]) -> LevelResult {
        var result = LevelResult(level: level)
        for test in vectors.cases {
            let answers = test.questions.flatMap { question in
                copies.map { Asked.agrees(question, by: path, copies: $0) }
            }
            let hasAgreed =
                switch test.verdict {
                case .valid: answers.allSatisfy { $0 }
                case .invalid: answers.allSatisfy { !$0 }
                case .acceptable: true
                }
            if hasAgreed {
                result.agreed += 1
            } else {
                result.disagreed += 1
                if result.examples.count < LevelResult.exampleLimit { result.examples.append(test.id) }
            }
        }
        return result
    }
}

extension VectorCase {
    /// A step-by-step version exists for every question.
    fileprivate var hasReference: Bool {
        questions.allSatisfy {
            switch $0 {
            case .hmac, .cmac, .ff1, .hkdf: true
            case .siv, .blocks: false
            }
        }
    }
}
