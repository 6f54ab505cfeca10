import Coordinator
import Foundation
import Metadata
import Model
import ModuleStore

struct RetainAction: StoreAction {
    static let name = "retain"
    static let usage = "retain NAME [--keep N] [--older-than P30D] [--dry-run]"
    static let options: Set<String> = ["--keep", "--older-than", "--dry-run"]

    func run(_ session: StoreSession) throws {
        try session.checkWords(1...1)
        let named = try session.named(session.words[0])
        guard named.version == nil else {
            throw Stop(.wrongDocument, "retain takes a module, not a version: \(named.module)")
        }
        if let keep = session.options.keep, keep < 1 {
            throw Stop(.wrongDocument, "--keep is a number from 1 on, found \(keep): the newest version always stays")
        }
        let (age, now) = (try session.age(), session.now)
        let candidates = try session.store.retentionCandidates(
            module: named.module, keep: session.options.keep, age: session.options.olderThan,
            isOld: { committed in age?.end(after: committed).map { $0 <= now } ?? false }, now: now)
        var done: [Withdrawal] = []
        if !session.options.isDryRun {
            for candidate in candidates {
                done.append(
                    try session.store.withdraw(
                        module: named.module, version: candidate.version, reason: candidate.reason, by: NSUserName(),
                        at: now))
            }
            if !done.isEmpty { _ = try? StoreCatalog.write(session.store) }
        }
        session.tell(
            json(named.module, candidates, done, session),
            text(named.module, candidates, session.options.isDryRun))
    }

    private func text(_ module: String, _ candidates: [RetentionCandidate], _ isDryRun: Bool) -> String {
        guard !candidates.isEmpty else { return "\(module): every version is kept" }
        return candidates.map { candidate in
            "\(module)@\(candidate.version) \(isDryRun ? "would be withdrawn" : "withdrawn"), published \(candidate.committedAt): \(candidate.reason)"
        }.joined(separator: "\n")
    }

    private func json(
        _ module: String, _ candidates: [RetentionCandidate], _ done: [Withdrawal], _ session: StoreSession
    ) -> JSON {
        .record([
            "module": .text(module), "is_dry_run": .boolean(session.options.isDryRun),
            "versions": .list(
                candidates.map { candidate in
                    .record([
                        "version": .integer(Int64(candidate.version)), "committed_at": .text(candidate.committedAt),
                        "reason": .text(candidate.reason),
                    ])
                }),
            "files_removed": .integer(Int64(done.reduce(0) { $0 + $1.filesRemoved })),
        ])
    }
}
