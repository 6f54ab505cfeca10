import ArgumentParser
import Foundation
import Model
import ModuleStore

struct ModulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modules",
        abstract: "Lists, shows and verifies the modules of a store.",
        discussion: """
              etlx modules ./modules                    the modules and their newest versions
              etlx modules ./modules show clinic@2      one version: folder, tables, rows, digests
              etlx modules ./modules verify clinic      every byte of every version against its records
            """)

    @Argument(help: "The store: a folder.")
    var store: String

    @Argument(help: "list (default), show or verify.")
    var action: String = "list"

    @Argument(help: "A module's name, or NAME@VERSION.")
    var module: String?

    @OptionGroup var common: CommonOptions

    private static let actions = ["list", "show", "verify"]
    private static let laterActions = ["diff", "withdraw", "collect"]

    func run() throws {
        let opened = try open()
        do {
            switch action {
            case "list": try list(opened)
            case "show": try show(opened)
            case "verify": try verify(opened)
            case let word where Self.laterActions.contains(word):
                throw Stop(.wrongDocument, "\"\(word)\" is not available in this version")
            default:
                throw Stop(
                    .wrongDocument,
                    "unknown action \"\(action)\"; expected one of \(Self.actions.joined(separator: ", "))"
                        + (NearestWord.find(action, among: Self.actions).map { "; did you mean \"\($0)\"?" } ?? ""))
            }
        } catch let error as StoreError {
            let status: ExitStatus = error.code == .notFound ? .wrongDocument : error.code == .damaged ? .checkFailed : .failed
            throw Stop(status, error.description)
        }
    }

    private func open() throws -> Store {
        for scheme in ["s3://", "postgresql://", "postgres://"] where store.hasPrefix(scheme) {
            throw Stop(.wrongDocument, "stores at \(scheme)… are not available in this version; expected a folder")
        }
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: store, isDirectory: &isFolder), isFolder.boolValue else {
            throw Stop(.unreachable, "no store at \(store): there is no such folder")
        }
        return Store(directory: URL(fileURLWithPath: store).standardizedFileURL.path)
    }

    /// The module and version that the argument names; the version is nil where it names none.
    private func named(_ opened: Store) throws -> (name: String, version: Int?) {
        guard let module else { throw Stop(.wrongDocument, "\(action) needs a module: etlx modules \(store) \(action) NAME") }
        let pieces = module.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var version: Int?
        if pieces.count == 2 {
            guard let number = Int(pieces[1].hasPrefix("v") ? String(pieces[1].dropFirst()) : pieces[1]), number > 0 else {
                throw Stop(.wrongDocument, "\"\(pieces[1])\" is no version number; expected NAME@3")
            }
            version = number
        }
        let names = try opened.modules()
        guard names.contains(pieces[0]) else {
            throw Stop(
                .wrongDocument,
                "no module \"\(pieces[0])\" in \(store)"
                    + (NearestWord.find(pieces[0], among: names).map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        return (pieces[0], version)
    }

    // MARK: Actions

    private func list(_ opened: Store) throws {
        var rows: [[String]] = []
        var objects: [JSON] = []
        for name in try opened.modules() {
            let versions = try opened.versions(module: name)
            guard let latest = try opened.latest(module: name) else {
                rows.append([name, "all \(versions.count) versions withdrawn"])
                objects.append(.record(["module": .text(name), "versions": .integer(Int64(versions.count))]))
                continue
            }
            let record = try opened.record(module: name, version: latest)
            let total = record.tables.reduce(0) { $0 + $1.rows }
            rows.append([
                "\(name)@\(latest)", "\(record.tables.count) tables", "\(Console.grouped(total)) rows",
                Console.size(record.bytes), record.committedAt,
            ])
            objects.append(
                .record([
                    "module": .text(name), "versions": .integer(Int64(versions.count)), "latest": record.json,
                ]))
        }
        if common.json {
            print(JSON.record(["modules": .list(objects)]).text(isPretty: true), terminator: "")
        } else if !common.quiet {
            print(rows.isEmpty ? "no modules in \(store)" : Console.aligned(rows, indent: ""))
        }
    }

    private func show(_ opened: Store) throws {
        let (name, wanted) = try named(opened)
        guard let version = try wanted ?? opened.latest(module: name) else {
            throw Stop(.wrongDocument, "every version of \(name) is withdrawn")
        }
        let record = try opened.record(module: name, version: version)
        let isWithdrawn = try opened.isWithdrawn(module: name, version: version)
        if common.json {
            print(
                JSON.record([
                    "record": record.json, "folder": .text(opened.folder(record)),
                    "is_withdrawn": .boolean(isWithdrawn),
                ]).text(isPretty: true), terminator: "")
            return
        }
        guard !common.quiet else { return }
        print("\(name)@\(version)\(isWithdrawn ? " (withdrawn)" : ""), published \(record.committedAt) by \(record.committedBy)")
        print(
            Console.aligned([
                ["folder", opened.folder(record)], ["files", "\(record.files), \(Console.size(record.bytes))"],
                ["SHA256SUMS", record.sums],
                ["parent", record.parent.map { "version \($0.version), \($0.commitSHA256)" } ?? "none"],
            ]))
        print("tables")
        print(Console.aligned(record.tables.map { [$0.name, "\(Console.grouped($0.rows)) rows", "\(opened.folder(record))/data/\($0.name)"] }))
    }

    private func verify(_ opened: Store) throws {
        let (name, version) = try named(opened)
        let result = try opened.verify(module: name, version: version)
        if common.json {
            print(
                JSON.record([
                    "module": .text(name), "versions": .list(result.versions.map { .integer(Int64($0)) }),
                    "withdrawn": .list(result.withdrawn.map { .integer(Int64($0)) }),
                    "files": .integer(Int64(result.files)), "bytes": .integer(result.bytes),
                    "is_sound": .boolean(result.isSound),
                    "findings": .list(
                        result.findings.map {
                            .record(["kind": .text($0.kind.rawValue), "path": .text($0.path), "detail": .text($0.detail)])
                        }),
                ]).text(isPretty: true), terminator: "")
        } else {
            for finding in result.findings { Console.error(finding.description) }
            if result.isSound, !common.quiet {
                print(
                    "\(name): \(result.versions.count) versions, \(result.files) files, \(Console.size(result.bytes)): every digest and the chain of records agree")
            }
        }
        if !result.isSound { throw Stop(.checkFailed, common.json ? nil : "\(name): \(result.findings.count) findings") }
    }
}
