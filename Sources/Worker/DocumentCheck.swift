internal import Document
internal import Foundation
package import Model
internal import ModuleStore
internal import Transform

/// A document read and its verbs looked at: everything that can be said without a source.
package enum DocumentCheck {
    package static func check(path: String) -> (pipeline: Pipeline?, problems: [Problem]) {
        let environment = ProcessInfo.processInfo.environment
        return unsafe examined(
            PipelineReader.examine(path: path, environment: environment, digest: sha256), path: path, environment)
    }

    /// - Parameter bounds: What a document may do here; nil: whatever this process's user may.
    package static func check(
        text: String, path: String, bounds: DocumentBounds? = nil, environment: [String: String]
    ) -> (pipeline: Pipeline?, problems: [Problem]) {
        unsafe examined(
            PipelineReader.examine(
                text: text, path: path, bounds: bounds, environment: environment, digest: sha256),
            path: path, environment)
    }

    private static func examined(
        _ reading: PipelineReader.Reading, path: String, _ environment: [String: String]
    ) -> (pipeline: Pipeline?, problems: [Problem]) {
        var list = ProblemList(file: path)
        list.append(contentsOf: reading.problems)
        guard let pipeline = reading.pipeline else {
            PolicyCompiler.check(rules: reading.rules, keyNames: reading.keyNames, into: &list)
            return (nil, list.sorted)
        }
        PolicyCompiler.check(pipeline, into: &list)
        TargetCheck(pipeline)?.checkNames(into: &list)
        TransportCheck(environment: environment).check(pipeline, into: &list)
        return (pipeline, list.sorted)
    }

    static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
        let digest = FileDigest()
        unsafe digest.add(bytes)
        return digest.finish()
    }

    static func sha256(_ text: String) -> String { FileDigest.hexadecimal(Array(text.utf8)) }
}

extension DocumentCheck {
    /// What a coordinator reads of a document: its module, and where it is published.
    ///
    /// - Parameter bounds: what a document may do here.
    package static func publication(
        of document: [UInt8], path: String, bounds: DocumentBounds, environment: [String: String]
    ) throws(TaskFailure) -> (about: ModuleAbout, target: TargetSpec) {
        guard let text = String(validating: document, as: UTF8.self) else {
            throw RunSession.wrongDocument([
                Problem(file: path, position: nil, found: "a document that is not UTF-8", expected: "UTF-8")
            ])
        }
        let read: PipelineReader.Publication
        do {
            read = unsafe try PipelineReader.readPublication(
                text: text, path: path, bounds: bounds, environment: environment, digest: sha256)
        } catch { throw RunSession.wrongDocument(error.problems) }
        var list = ProblemList(file: path)
        TransportCheck(environment: environment).check(read.target, into: &list)
        guard !list.hasErrors else { throw RunSession.wrongDocument(list.sorted) }
        return (read.about, read.target)
    }
}
