import Foundation
import Model
import ModuleStore
import Worker

private let schemes = ["s3://", "postgresql://", "postgres://"]

/// Opens what the command line calls a store: a bucket, a folder that is there, or, with `mayBeNew`, one that can be made.
func openStore(_ text: String, mayBeNew: Bool = false) throws -> Store {
    let transport = TransportCheck(environment: ProcessInfo.processInfo.environment)
    if text.hasPrefix("s3://") {
        if let warning = transport.bucketWarning(shownStore(text)) { Console.warning(warning) }
        do { return try Store(s3: text) } catch {
            throw Stop(error.code == .badName ? .wrongDocument : .unreachable, error.description)
        }
    }
    if schemes.contains(where: { text.hasPrefix($0) }) {
        let url = Secret(text, written: shownStore(text))
        if let warning = transport.warning(shownStore(text), database: url) { Console.warning(warning) }
        return Store(database: url, renderer: ParquetRendition())
    }
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: text, isDirectory: &isFolder)
    guard exists ? isFolder.boolValue : mayBeNew else {
        throw Stop(.unreachable, "no store at \(text): there is no such folder")
    }
    return Store(directory: URL(fileURLWithPath: text).standardizedFileURL.path)
}

/// A store as messages may name it: of an address no user, no password and no parameter, a folder as it is.
func shownStore(_ text: String) -> String {
    guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else { return text }
    let rest = text.dropFirst(scheme.count)
    // A password may hold what ends an address elsewhere, so the last @ decides.
    let place = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
    return scheme + place.prefix { $0 != "?" && $0 != "#" }
}
