import Coordinator
import Foundation
import Model
import ModuleStore

struct WithdrawAction: StoreAction {
    static let name = "withdraw"
    static let usage = "withdraw NAME@VERSION --reason TEXT"
    static let options: Set<String> = ["--reason"]

    func run(_ session: StoreSession) throws {
        try session.checkWords(1...1)
        let named = try session.named(session.words[0])
        guard let version = named.version else {
            throw Stop(
                .wrongDocument,
                "withdraw needs a version: \(named.module)@\(try session.store.versions(module: named.module).last ?? 1)"
            )
        }
        let reason = (session.options.reason ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        guard !reason.isEmpty else {
            throw Stop(.wrongDocument, "withdraw needs --reason TEXT: it is all that will tell why the version is gone")
        }
        let done = try session.store.withdraw(
            module: named.module, version: version, reason: reason, by: NSUserName(), at: session.now)
        _ = try? StoreCatalog.write(session.store)
        session.tell(done.json, done.text)
    }
}

extension Withdrawal {
    var json: JSON {
        .record([
            "withdrawal": tombstone.json, "was_withdrawn_before": .boolean(wasWithdrawnBefore),
            "files_removed": .integer(Int64(filesRemoved)), "files_left": .texts(filesLeft),
        ])
    }

    var text: String {
        let name = "\(tombstone.module)@\(tombstone.version)"
        let left = filesLeft.isEmpty ? "none is left" : "left: \(filesLeft.joined(separator: ", "))"
        let verb =
            wasWithdrawnBefore ? "was withdrawn \(tombstone.withdrawnAt) by \(tombstone.withdrawnBy)" : "withdrawn"
        return
            "\(name) \(verb): \(tombstone.reason)\n  \(filesRemoved) files removed, \(left); its number and its commit record stay"
    }
}
