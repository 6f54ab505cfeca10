import KernelCheck
import Model

/// What `etlx kernels` and `etlx kernels check` print.
enum KernelsReport {
    static func text(_ versions: [KernelVersion]) -> String {
        let rows = versions.map { version in
            [version.kernel, version.version, result(version), version.isSelected ? "in use" : ""]
        }
        return """
            levels of this machine: \(KernelLevels.ofThisMachine.joined(separator: ", ")); in force: \(KernelLevels.inForce)
            \(Console.aligned([["kernel", "version", "self-test", ""]] + rows))
            """
    }

    private static func result(_ version: KernelVersion) -> String {
        version.isAvailable ? version.hasPassed ? "passed" : "FAILED" : "not on this machine"
    }

    static func json(_ versions: [KernelVersion]) -> JSON {
        .record([
            "levels": .texts(KernelLevels.ofThisMachine),
            "level": .text(KernelLevels.inForce),
            "kernels": .list(
                versions.map { version in
                    .record([
                        "kernel": .text(version.kernel), "version": .text(version.version),
                        "available": .boolean(version.isAvailable), "passed": .boolean(version.hasPassed),
                        "in_use": .boolean(version.isSelected),
                    ])
                }),
        ])
    }

    /// A line a source, with agreements and disagreements at each level; then what does not apply.
    static func text(_ results: [SourceResult]) -> String {
        let levels = ["reference"] + KernelLevels.ofThisMachine
        var rows = [["agree/disagree at", "cases", "not run"] + levels]
        var rest: [String] = []
        for result in results {
            switch result.source.content {
            case .cases(let vectors, _):
                let counts = levels.map { level in
                    result.levels.first { $0.level == level }.map { "\($0.agreed)/\($0.disagreed)" } ?? "–"
                }
                rows.append([result.source.path, "\(vectors.cases.count)", "\(vectors.notRun)"] + counts)
            case .doesNotApply(let reason): rest.append("  \(result.source.path): does not apply: \(reason)")
            case .unreadable(let reason): rest.append("  \(result.source.path): not run: \(reason)")
            }
        }
        return ([Console.aligned(rows)] + rest).joined(separator: "\n")
    }

    static func json(_ results: [SourceResult]) -> JSON {
        .record(["levels": .texts(KernelLevels.ofThisMachine), "files": .list(results.map(json))])
    }

    private static func json(_ result: SourceResult) -> JSON {
        switch result.source.content {
        case .cases(let vectors, let algorithm):
            .record([
                "path": .text(result.source.path), "algorithm": .text(algorithm),
                "cases": .integer(Int64(vectors.cases.count)), "not_run": .integer(Int64(vectors.notRun)),
                "levels": .list(
                    result.levels.map { level in
                        .record([
                            "level": .text(level.level), "agreed": .integer(Int64(level.agreed)),
                            "disagreed": .integer(Int64(level.disagreed)),
                            "disagreeing_cases": .list(level.examples.map { .integer($0) }),
                        ])
                    }),
            ])
        case .doesNotApply(let reason):
            .record(["path": .text(result.source.path), "does_not_apply": .text(reason)])
        case .unreadable(let reason):
            .record(["path": .text(result.source.path), "unreadable": .text(reason)])
        }
    }

    /// Why a source has failed, in one line.
    static func failure(_ result: SourceResult) -> String {
        let path = result.source.path
        if case .unreadable(let reason) = result.source.content { return "\(path): not run: \(reason)" }
        guard result.disagreements > 0 else { return "\(path): nothing was run" }
        let places = result.levels.filter { $0.disagreed > 0 }.map { level in
            "\(level.disagreed) at \(level.level) (case \(level.examples.map(String.init).joined(separator: ", "))\(level.disagreed > level.examples.count ? ", …" : ""))"
        }
        return "\(path): cases that disagree: \(places.joined(separator: "; "))"
    }
}
