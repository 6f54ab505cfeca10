import Foundation

/// The repository's files, as the tests of its shape read them.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Paths of the Swift files below a folder, relative to the root, in order.
    static func swiftFiles(under folder: String) -> [String] { files(under: folder).filter { $0.hasSuffix(".swift") } }

    /// Paths of all files below a folder, relative to the root, in order.
    static func files(under folder: String) -> [String] {
        let start = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(atPath: start.path) else { return [] }
        return walk.compactMap { $0 as? String }.map { "\(folder)/\($0)" }.sorted()
    }

    /// The Swift targets under `Sources`: folders with Swift files.
    static func targets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
            .filter { !swiftFiles(under: "Sources/\($0)").isEmpty }.sorted()
    }

    /// Lines of a file with their numbers from one.
    static func lines(_ path: String) throws -> [(number: Int, text: Substring)] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .map { (number: $0.offset + 1, text: $0.element) }
    }
}

/// Modules of the toolchain: part of the language's surroundings, open to every target that does I/O.
let toolchainModules: Set<String> = [
    "Foundation", "FoundationEssentials", "Synchronization", "Dispatch", "Glibc", "Musl", "Swift",
]

private let accessLevels: Set<Substring> = ["package", "public", "internal", "private", "fileprivate"]

/// The modules that a file imports, with the line of each.
func imports(of path: String) throws -> [(module: String, line: Int)] {
    try Repository.lines(path).compactMap { line -> (module: String, line: Int)? in
        let words = line.text.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
            words[..<place].allSatisfy({ accessLevels.contains($0) || $0.hasPrefix("@") })
        else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        let name = words[(place + 1)...].first { !kinds.contains($0) } ?? ""
        return (module: String(name.prefix { $0 != "." }), line: line.number)
    }
}
