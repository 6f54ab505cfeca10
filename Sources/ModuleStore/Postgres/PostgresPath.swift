internal import Model

/// What a path of the layout means in a database.
enum PostgresPath: Equatable {
    case root
    case module(String)
    case versions(String)
    case record(module: String, version: Int)
    case tombstone(module: String, version: Int)
    case staging(module: String)
    /// An attempt without a version, and everything below it.
    case staged(module: String, attempt: String)
    case runs(module: String)
    /// A file or folder of a run; the run itself where `path` is empty.
    case run(module: String, attempt: String, path: String)
    /// A file that is written anew: `_latest.json`, `catalog.jsonld`.
    case loose(String)

    init(_ path: String) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let module = segments.first else {
            self = .root
            return
        }
        let rest = segments.dropFirst(2).joined(separator: "/")
        switch segments.dropFirst().first {
        case nil:
            self = module.contains(".") ? .loose(path) : .module(module)
        case ModuleLayout.versionsFolder where rest.isEmpty:
            self = .versions(module)
        case ModuleLayout.versionsFolder:
            self = Self.inVersions(module, rest) ?? .loose(path)
        case ModuleLayout.stagingFolder:
            self = segments.count > 2 ? .staged(module: module, attempt: segments[2]) : .staging(module: module)
        case ModuleLayout.runsFolder where segments.count > 2:
            self = .run(module: module, attempt: segments[2], path: segments.dropFirst(3).joined(separator: "/"))
        case ModuleLayout.runsFolder:
            self = .runs(module: module)
        default:
            self = .loose(path)
        }
    }

    private static func inVersions(_ module: String, _ name: String) -> PostgresPath? {
        if let version = ModuleLayout.version(commitRecordName: name) {
            return .record(module: module, version: version)
        }
        let suffix = ".withdrawn.json"
        guard name.hasSuffix(suffix),
            let version = ModuleLayout.version(commitRecordName: String(name.dropLast(suffix.count)) + ".json")
        else { return nil }
        return .tombstone(module: module, version: version)
    }
}
