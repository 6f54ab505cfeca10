import ArgumentParser
import Foundation
import Model
import ModuleStore

struct ModulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modules",
        abstract: "Lists, compares, verifies, copies and withdraws the versions of a store.",
        discussion: """
              etlx modules ./modules                            the modules and their newest versions
              etlx modules ./modules show clinic@2              one version: folder, tables, rows, digests
              etlx modules ./modules diff clinic@1 clinic@2     schema, rules, keys and counts of two versions
              etlx modules ./modules verify clinic              every byte of every version against its records
              etlx modules ./modules withdraw clinic@1 --reason "erasure request 17"
              etlx modules ./modules retain clinic --keep 3 --older-than P30D --dry-run
              etlx modules ./modules collect                    what runs left behind that came to nothing
              etlx modules ./modules copy clinic /backup        all versions, in order, into another store
              etlx modules ./modules pull clinic@2 ./here       one version, alone, into a folder
              etlx modules ./modules cat clinic --table visits --format csv
              etlx modules ./modules catalog                    writes catalog.jsonld anew
            """)

    @Argument(help: "The store: a folder, s3://bucket/prefix or postgresql://host/database.")
    var store: String

    @Argument(help: ArgumentHelp("list (default) or one of the actions above.", valueName: "action"))
    var action: String = "list"

    @Argument(
        help: ArgumentHelp("What the action works on: NAME or NAME@VERSION, and a place to copy to.", valueName: "name")
    )
    var words: [String] = []

    @Option(help: "withdraw: why; it stays in the store for good.")
    var reason: String?

    @Option(
        help: ArgumentHelp(
            "verify: every version must be signed by a key of this file, in the form of ssh-keygen's allowed signers.",
            valueName: "file"))
    var signers: String?

    @Option(help: "retain: how many of the newest versions stay.")
    var keep: Int?

    @Option(help: "retain, collect: an age such as P30D or PT12H.")
    var olderThan: String?

    @Flag(help: "retain, collect: tell what would go, and do nothing.")
    var dryRun = false

    @Option(help: "cat: the table; not needed where there is one.")
    var table: String?

    @Option(help: "cat: arrow (an IPC stream), csv or jsonl.")
    var format: String?

    @Option(help: "cat: columns, separated by commas, in the order wanted.")
    var columns: String?

    @Option(help: "cat: at most this many rows.")
    var rows: Int64?

    @OptionGroup var common: CommonOptions

    private static let actions: [any (StoreAction & SendableMetatype).Type] = [
        ListAction.self, ShowAction.self, DiffAction.self, VerifyAction.self, WithdrawAction.self, RetainAction.self,
        CollectAction.self, CopyAction.self, PullAction.self, CatAction.self, CatalogAction.self,
    ]

    func run() throws {
        let names = Self.actions.map { $0.name }
        guard let chosen = Self.actions.first(where: { $0.name == action }) else {
            throw Stop(
                .wrongDocument,
                "unknown action \"\(action)\"; expected one of \(names.joined(separator: ", "))"
                    + (NearestWord.find(action, among: names).map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        try checkOptions(of: chosen)
        do {
            let session = StoreSession(
                store: try openStore(store), shown: shownStore(store), action: chosen.name, usage: chosen.usage,
                words: words,
                options: .init(
                    reason: reason, keep: keep, olderThan: olderThan, isDryRun: dryRun, table: table, format: format,
                    columns: columns?.split(separator: ",").map(String.init), rows: rows, signers: signers),
                common: common)
            try chosen.init().run(session)
        } catch let error as StoreError {
            throw Stop(status(of: error), error.description)
        }
    }

    private func checkOptions(of chosen: any StoreAction.Type) throws {
        let given = [
            ("--reason", reason != nil), ("--keep", keep != nil), ("--older-than", olderThan != nil),
            ("--dry-run", dryRun), ("--table", table != nil), ("--format", format != nil),
            ("--columns", columns != nil), ("--rows", rows != nil), ("--signers", signers != nil),
        ]
        for (option, isGiven) in given where isGiven && !chosen.options.contains(option) {
            let owners = Self.actions.filter { $0.options.contains(option) }.map { $0.name }
            throw Stop(
                .wrongDocument, "\(option) belongs to \(owners.joined(separator: " and ")), not to \(chosen.name)")
        }
    }

    private func status(of error: StoreError) -> ExitStatus {
        switch error.code {
        case .notFound, .refused, .badName: .wrongDocument
        case .damaged: .checkFailed
        case .unreachable: .unreachable
        // A bucket without credentials is not reached; a folder without rights is, and refuses.
        case .notAllowed where store.contains("://"): .unreachable
        default: .failed
        }
    }
}
