internal import Document
internal import Foundation
package import Model
internal import ModuleStore
internal import Transform

/// A document read and its verbs looked at: everything that can be said without a source.
package enum DocumentCheck {
    package static func check(path: String) -> (pipeline: Pipeline?, problems: [Problem]) {
        unsafe examined(
            PipelineReader.examine(
                path: path, environment: ProcessInfo.processInfo.environment, digest: sha256), path: path)
    }

    package static func check(
        text: String, path: String, environment: [String: String]
    ) -> (pipeline: Pipeline?, problems: [Problem]) {
        unsafe examined(
            PipelineReader.examine(text: text, path: path, environment: environment, digest: sha256), path: path)
    }

    private static func examined(
        _ reading: PipelineReader.Reading, path: String
    ) -> (pipeline: Pipeline?, problems: [Problem]) {
        var list = ProblemList(file: path)
        list.append(contentsOf: reading.problems)
        var verbs = ProblemList(file: path)
        PolicyCompiler.check(
            reading.rules, keyNames: reading.keyNames, baseDirectory: reading.baseDirectory, into: &verbs)
        // Names that differ only in case are seen by both readings.
        let told = Set(reading.problems.map(\.position))
        list.append(contentsOf: verbs.problems.filter { !told.contains($0.position) })
        return (reading.pipeline, list.sorted)
    }

    static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
        let digest = FileDigest()
        unsafe digest.add(bytes)
        return digest.finish()
    }

    static func sha256(_ text: String) -> String { FileDigest.hexadecimal(Array(text.utf8)) }
}
