import Metadata
import Model
import ModuleStore

/// Something that `etlx modules STORE` does: one file each.
protocol StoreAction {
    static var name: String { get }
    /// What follows the store: `show NAME[@VERSION]`.
    static var usage: String { get }
    /// Options that mean something here.
    static var options: Set<String> { get }

    init()
    func run(_ session: StoreSession) throws
}

extension StoreAction {
    static var options: Set<String> { [] }
}

/// An open store and what was asked of it.
struct StoreSession {
    struct Options {
        let reason: String?
        let keep: Int?
        let olderThan: String?
        let isDryRun: Bool
        let table: String?
        let format: String?
        let columns: [String]?
        let rows: Int64?
        let signers: String?
    }

    /// A module, and the version where one was named.
    struct Named {
        let module: String
        let version: Int?
    }

    let store: Store
    /// The store as it was written, without what must not be shown.
    let shown: String
    let action: String
    let usage: String
    let words: [String]
    let options: Options
    let common: CommonOptions

    /// RFC 3339, UTC, whole seconds.
    var now: String { Timestamp.text(milliseconds: Store.systemTime()) }

    /// Refuses more or fewer words than the action takes.
    func checkWords(_ range: ClosedRange<Int>) throws {
        if words.isEmpty, range.lowerBound == 1, range.upperBound == 1 {
            throw Stop(.wrongDocument, "\(action) needs a module: etlx modules \(shown) \(action) NAME")
        }
        guard range.contains(words.count) else {
            throw Stop(.wrongDocument, "\(action) is written: etlx modules \(shown) \(usage)")
        }
    }

    /// The module and version that a word names; both are there.
    func named(_ word: String) throws -> Named {
        let pieces = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var version: Int?
        if pieces.count == 2 {
            guard let number = Int(pieces[1].hasPrefix("v") ? String(pieces[1].dropFirst()) : pieces[1]), number > 0
            else {
                throw Stop(.wrongDocument, "\"\(pieces[1])\" is no version number; expected NAME@3")
            }
            version = number
        }
        let names = try store.modules()
        guard names.contains(pieces[0]) else {
            throw Stop(
                .wrongDocument,
                "no module \"\(pieces[0])\" in \(shown)"
                    + (NearestWord.find(pieces[0], among: names).map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        if let version {
            let there = try store.versions(module: pieces[0])
            guard there.contains(version) else {
                throw Stop(
                    .wrongDocument,
                    "no version \(version) of \(pieces[0]) in \(shown); the newest is \(there.last ?? 0)")
            }
        }
        return Named(module: pieces[0], version: version)
    }

    /// The version that a word names, or the newest that is not withdrawn.
    func versionNamed(_ word: String) throws -> (module: String, version: Int) {
        let named = try named(word)
        guard let version = try named.version ?? store.latest(module: named.module) else {
            throw Stop(.wrongDocument, "every version of \(named.module) is withdrawn")
        }
        return (named.module, version)
    }

    /// `--older-than`, or nil without it.
    func age() throws -> Retention? {
        guard let text = options.olderThan else { return nil }
        guard let age = Retention(text) else {
            throw Stop(
                .wrongDocument, "\"\(text)\" is no age; expected an ISO 8601 duration such as P30D, P6M or PT12H")
        }
        return age
    }

    /// One JSON document with `--json`, else the text, else nothing with `--quiet`.
    func tell(_ json: @autoclosure () -> JSON, _ text: @autoclosure () -> String) {
        if common.json {
            print(json().text(isPretty: true), terminator: "")
        } else if !common.quiet {
            print(text())
        }
    }
}
