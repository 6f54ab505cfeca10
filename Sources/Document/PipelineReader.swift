import FoundationEssentials
package import Model

/// Reads a pipeline document: YAML in, a `Pipeline` or all problems out.
///
/// The stages, each in its own file: bytes → text (`DocumentBytes`), text → nodes with positions (`YAMLTree`, which
/// also replaces placeholders), nodes → pipeline (`DocumentWalk`). Nothing is connected to, no key is read.
package enum PipelineReader {
    /// SHA-256 of bytes as lower-case hexadecimal; passed in, because this target knows no cryptography.
    package typealias Digest = (UnsafeRawBufferPointer) -> String

    /// What a reading gave: the pipeline, if there is no error, and every problem, warnings too, by position.
    package struct Reading: Sendable {
        package let pipeline: Pipeline?
        package let problems: [Problem]
        /// Every rule of the document whose shape is right, and the names of its keys; for a document with errors too.
        package var rules: [ColumnRule] = []
        package var keyNames: [String] = []
    }

    /// Reads the document at `path`. Warnings are not told; `examine` tells them.
    ///
    /// - Parameter environment: what `${env:NAME}` may name.
    /// - Throws: all problems of the document at once.
    /// - Cost: the document, and each file that a `${file:…}` names, in memory once.
    package static func read(
        path: String, environment: [String: String], digest: Digest
    ) throws(InvalidDocument) -> Pipeline {
        try unsafe examine(path: path, environment: environment, digest: digest).get()
    }

    /// Reads a document whose text came another way. `path` is for messages and, unless `baseDirectory` says otherwise,
    /// for the folder that relative paths start from.
    package static func read(
        text: String, path: String, baseDirectory: String? = nil, environment: [String: String], digest: Digest
    ) throws(InvalidDocument) -> Pipeline {
        try unsafe examine(
            text: text, path: path, baseDirectory: baseDirectory, environment: environment, digest: digest
        ).get()
    }

    /// Like `read(path:…)`, but gives problems and warnings beside the pipeline and does not throw.
    package static func examine(path: String, environment: [String: String], digest: Digest) -> Reading {
        var problems = ProblemList(file: path)
        guard let bytes = DocumentBytes.read(path: path, problems: &problems),
            let text = DocumentBytes.text(of: bytes, problems: &problems)
        else { return Reading(pipeline: nil, problems: problems.problems) }
        let documentDigest = unsafe bytes.withUnsafeBytes { unsafe digest($0) }
        return examine(
            text: text, path: path, baseDirectory: nil, environment: environment, documentDigest: documentDigest)
    }

    /// Like `read(text:…)`, but gives problems and warnings beside the pipeline and does not throw.
    ///
    /// - Parameter bounds: nil for a document of the machine's own user.
    package static func examine(
        text: String, path: String, baseDirectory: String? = nil, bounds: DocumentBounds? = nil,
        environment: [String: String], digest: Digest
    ) -> Reading {
        let bytes = Array(text.utf8)
        let documentDigest = unsafe bytes.withUnsafeBytes { unsafe digest($0) }
        return examine(
            text: text, path: path, baseDirectory: bounds?.baseDirectory ?? baseDirectory, bounds: bounds,
            environment: environment, documentDigest: documentDigest)
    }

    private static func examine(
        text: String, path: String, baseDirectory: String?, bounds: DocumentBounds? = nil,
        environment: [String: String], documentDigest: String
    ) -> Reading {
        var problems = ProblemList(file: path)
        guard DocumentBytes.check(text, problems: &problems) else {
            return Reading(pipeline: nil, problems: problems.problems)
        }
        let base = Paths.absolute(baseDirectory ?? Paths.folder(of: path), in: Paths.currentDirectory)
        var tree = YAMLTree(
            text: text, placeholders: Placeholders(environment: environment, baseDirectory: base, bounds: bounds),
            file: path)
        guard let root = tree.compose() else { return Reading(pipeline: nil, problems: tree.sortedProblems([])) }
        var walk = DocumentWalk(file: path, baseDirectory: base, documentDigest: documentDigest)
        var pipeline = walk.pipeline(root)
        if let bounds, let read = pipeline {
            walk.hold(read, within: bounds, environment: environment)
            pipeline?.boundary = base
        }
        let all = tree.sortedProblems(walk.problems.problems)
        let hasErrors = all.contains { $0.severity == .error }
        return Reading(
            pipeline: hasErrors ? nil : pipeline, problems: all, rules: walk.allRules, keyNames: walk.keyNames)
    }
}

extension PipelineReader.Reading {
    fileprivate func get() throws(InvalidDocument) -> Pipeline {
        guard let pipeline else { throw InvalidDocument(problems: problems) }
        return pipeline
    }
}
