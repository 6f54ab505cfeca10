internal import Model

extension TaskFailure {
    /// As many of the problems as a message holds; the first ones are the most useful anyway.
    var fittingAMessage: TaskFailure {
        var fitting = self
        fitting.problems = problems.map { problem in
            Problem(
                problem.severity, file: problem.file, position: problem.position,
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
                    file: problems[0].file, position: nil, found: "\(left) more problems, \(problems.count) in all",
                    expected: "", remedy: "`etlx plan` tells every one"))
        }
        return fitting
    }
}
