import FoundationEssentials

/// Paths of a document: relative ones start from the document's folder; `~` and `..` are left to the system.
enum Paths {
    static var currentDirectory: String { FileManager.default.currentDirectoryPath }

    /// The folder of a file's path; `.` for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` from `base`, unless it is absolute; `.` parts and doubled slashes are taken out.
    static func absolute(_ path: String, in base: String) -> String {
        let whole = path.hasPrefix("/") ? path : base + "/" + path
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}
