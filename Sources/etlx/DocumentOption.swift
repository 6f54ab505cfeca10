import ArgumentParser
import Foundation
import Model
import ModuleStore
import Transform
import Worker

/// The pipeline document that a command is about.
struct DocumentOption: ParsableArguments {
    @Argument(help: "The pipeline document.")
    var pipeline: String

    /// Reads the document and looks at its verbs; tells every problem and stops when one is an error.
    func read(_ common: CommonOptions) throws -> Pipeline {
        let (pipeline, problems) = DocumentCheck.check(path: pipeline)
        guard let pipeline, !problems.contains(where: { $0.severity == .error }) else {
            Console.report(problems, json: common.json)
            throw Stop(.wrongDocument)
        }
        if !common.json, !common.quiet { Console.report(problems, json: false) }
        return pipeline
    }
}

/// The key that signs versions, before anything is read; nil where none is asked for.
///
/// - Parameter path: what a placeholder in it stands for is not printed.
func signingKey(_ path: Secret?, status: ExitStatus = .wrongDocument) throws -> SigningKey? {
    guard let path else { return nil }
    do { return try SigningKey(path: path.reveal()) } catch {
        let shown = path.isPlaceholder ? path.description : path.reveal()
        throw Stop(status, "\(shown): \(error.detail)" + (error.systemCode.map { " (errno \($0))" } ?? ""))
    }
}

/// A failed plan or run, told: its problems each on a line, or its one sentence.
func stop(for failure: TaskFailure, json: Bool) -> Stop {
    if json {
        print(
            JSON.record([
                "event": "failed", "kind": .text(failure.kind.rawValue), "message": .text(failure.message),
                "code": failure.code.map { .text($0) },
                "problems": failure.problems.isEmpty ? nil : .list(failure.problems.map(\.json)),
            ]).text())
    }
    if failure.problems.isEmpty {
        let code = failure.code.map { " [\($0)]" } ?? ""
        return Stop(failure.exitStatus, failure.message + code)
    }
    if !json { Console.report(failure.problems, json: false) }
    return Stop(failure.exitStatus, json ? failure.message : nil)
}

extension TaskFailure {
    var exitStatus: ExitStatus {
        switch kind {
        case .document, .schemaChanged: .wrongDocument
        case .source: .unreachable
        case .target, .data, .snapshotLost, .worker: .failed
        }
    }
}
