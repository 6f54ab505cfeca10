extension TaskFailure {
    /// As a coordinator takes it from a node: texts that a terminal may print, of bounded length, and never the word for a
    /// commit without an answer, which no node makes.
    package var ofNode: TaskFailure {
        var fitting = fittingAMessage
        fitting.code = isUnknownCommit ? nil : code?.shown()
        return fitting
    }

    /// As many of the problems as a message holds; the first ones are the most useful anyway.
    package var fittingAMessage: TaskFailure {
        var fitting = self
        fitting.message = message.shown(limit: Limits.charactersPerFailure)
        fitting.problems = problems.map { problem in
            Problem(
                problem.severity, file: problem.file?.shown(limit: 1000), position: problem.position,
                found: problem.found.shown(limit: 1000),
                expected: problem.expected.shown(limit: 1000), remedy: problem.remedy?.shown(limit: 1000))
        }
        while fitting.problems.reduce(0, { $0 + $1.description.utf8.count + 256 }) > Limits.bytesPerMessage / 2 {
            fitting.problems.removeLast(max(1, fitting.problems.count / 4))
        }
        let left = problems.count - fitting.problems.count
        if left > 0 {
            fitting.problems.append(
                Problem(
                    file: fitting.problems.first?.file, position: nil,
                    found: "\(left) more problems, \(problems.count) in all",
                    expected: "", remedy: "`etlx plan` tells every one"))
        }
        return fitting
    }
}
