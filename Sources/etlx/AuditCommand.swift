import ArgumentParser
import Foundation
import Metadata
import Model

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Checks the chain of records that a ledger keeps.",
        discussion: """
            Each record of a ledger holds the digest of the one before: a row that was changed, removed or put in
            breaks the chain from there on. Keep the digest that is printed elsewhere: it fixes all rows before it.

              etlx audit verify --ledger postgresql://etlx@db.example/ledger
              etlx audit verify --ledger sqlite:modules/.ledger/clinic.sqlite
            """, subcommands: [Verify.self])

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Follows the chain from its first row.")

        @OptionGroup var ledger: LedgerOption
        @OptionGroup var common: CommonOptions

        func run() throws {
            let (broken, head): (Int64?, String)
            do {
                let url = try ledger.url()
                guard try Ledger.isThere(url) else {
                    throw Stop(.unreachable, "there is no ledger at \(ledger.ledger ?? LedgerOption.variable)")
                }
                let ledger = try Ledger(url: url)
                broken = try ledger.firstBrokenAuditRow()
                head = try ledger.auditHead()
            } catch let error as LedgerError { throw Stop(.unreachable, error.description) }
            if common.json {
                print(
                    JSON.record([
                        "sound": .boolean(broken == nil), "first_broken_row": broken.map { .integer($0) },
                        "head": .text(head),
                    ]).text())
            } else if broken == nil, !common.quiet {
                print("sound; head \(head)")
            }
            if let broken {
                throw Stop(.checkFailed, "row \(broken) of the audit does not follow from the row before")
            }
        }
    }
}

/// Which ledger.
struct LedgerOption: ParsableArguments {
    static let variable = "ETLX_LEDGER"

    @Option(
        help: ArgumentHelp(
            "postgresql://… or sqlite:PATH; without it the variable \(Self.variable). A password belongs into the variable or into PGPASSFILE: arguments are visible to every user.",
            valueName: "url"))
    var ledger: String?

    func url() throws -> Secret {
        if let ledger {
            guard ledger.hasPrefix("sqlite:") || Secret.hasNoPassword(ledger) else {
                throw Stop(
                    .wrongDocument,
                    "a password in --ledger is visible to every user; set \(Self.variable) or PGPASSFILE")
            }
            return Secret(ledger, written: "--ledger")
        }
        guard let text = ProcessInfo.processInfo.environment[Self.variable] else {
            throw Stop(.wrongDocument, "no ledger: give --ledger or set \(Self.variable)")
        }
        return Secret(text, written: Self.variable)
    }
}

extension Secret {
    /// Whether a database's URL, as it stands, holds no password.
    static func hasNoPassword(_ url: String) -> Bool {
        let words = URLComponents(string: url)
        return words?.password == nil && !url.lowercased().contains("password=")
    }
}
