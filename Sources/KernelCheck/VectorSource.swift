internal import Foundation
internal import Model

/// A file of vectors, or a pair of them, found and read.
package struct VectorSource: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case cases(VectorCases, algorithm: String)
        /// Vectors of something that no kernel computes, or no vectors at all.
        case doesNotApply(String)
        case unreadable(String)
    }

    /// The file; of a pair the folder.
    package let path: String
    package let content: Content

    /// Everything below a path: a file, a folder with a pair of ACVP, or a folder of such files and folders.
    ///
    /// A pair is one source, whichever of its files is named. Of a folder, all files that end in `.json` are read.
    /// nil: there is nothing at the path.
    package static func find(_ path: String) -> [VectorSource]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard isFolder(path) else { return [file(path)] }
        if isPair(path) { return [pair(path)] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().flatMap { name -> [VectorSource] in
            let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            if isFolder(inner) { return find(inner) ?? [] }
            return name.hasSuffix(".json") ? [file(inner)] : []
        }
    }

    private static let promptName = "prompt.json", resultsName = "expectedResults.json"

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        // Foundation sets the flag and keeps no pointer.
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    private static func isPair(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(promptName)")
            && FileManager.default.fileExists(atPath: "\(folder)/\(resultsName)")
    }

    private static func file(_ path: String) -> VectorSource {
        let name = (path as NSString).lastPathComponent
        if name == promptName || name == resultsName {
            let folder = (path as NSString).deletingLastPathComponent
            return pair(folder.isEmpty ? "." : folder)
        }
        return reading(path) { () throws(VectorError) -> Content in
            let json = try parse(path)
            guard let algorithm = json["algorithm"]?.text, json["testGroups"] != nil || json["tests"] != nil else {
                return .doesNotApply("holds no test vectors")
            }
            let isWycheproof = json["schema"] != nil
            let cases =
                isWycheproof
                ? try WycheproofReader.read(json, algorithm: algorithm)
                : try ACVPReader.read(prompt: json, results: json, algorithm: algorithm)
            return content(cases, algorithm)
        }
    }

    private static func pair(_ folder: String) -> VectorSource {
        reading(folder) { () throws(VectorError) -> Content in
            let prompt = try parse("\(folder)/\(promptName)")
            let results = try parse("\(folder)/\(resultsName)")
            guard let algorithm = prompt["algorithm"]?.text else { return .doesNotApply("names no algorithm") }
            guard results["algorithm"]?.text == algorithm, results["vsId"] == prompt["vsId"] else {
                throw VectorError("\(promptName) and \(resultsName) do not belong together")
            }
            return content(try ACVPReader.read(prompt: prompt, results: results, algorithm: algorithm), algorithm)
        }
    }

    private static func content(_ cases: VectorCases?, _ algorithm: String) -> Content {
        cases.map { .cases($0, algorithm: algorithm) } ?? .doesNotApply("no kernel computes \(algorithm)")
    }

    private static func reading(_ path: String, _ body: () throws(VectorError) -> Content) -> VectorSource {
        do {
            return VectorSource(path: path, content: try body())
        } catch {
            return VectorSource(path: path, content: .unreadable(error.found))
        }
    }

    private static func parse(_ path: String) throws(VectorError) -> JSON {
        guard let data = FileManager.default.contents(atPath: path) else { throw VectorError("\(path) cannot be read") }
        do {
            return try JSON.parse(Array(data))
        } catch {
            throw VectorError("no JSON at byte \(error.byteOffset)")
        }
    }
}
