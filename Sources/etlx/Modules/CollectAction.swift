import Coordinator
import Metadata
import Model
import ModuleStore

struct CollectAction: StoreAction {
    static let name = "collect"
    static let usage = "collect [NAME] [--older-than P7D] [--dry-run]"
    static let options: Set<String> = ["--older-than", "--dry-run"]

    func run(_ session: StoreSession) throws {
        try session.checkWords(0...1)
        let modules = try session.words.isEmpty ? modulesWithFiles(session.store) : [module(session)]
        let age = try session.age().map(\.upperBound) ?? Limits.orphanTime
        let isDryRun = session.options.isDryRun
        var found: [(module: String, collected: ModuleCollector.Collected)] = []
        for module in modules {
            let collected = try ModuleCollector(session.store).collect(
                module: module, olderThan: age, isRehearsal: isDryRun)
            found.append((module, collected))
        }
        session.tell(json(found, isDryRun), text(found, isDryRun))
    }

    /// A module may have leftovers before it has a version.
    private func modulesWithFiles(_ store: Store) throws -> [String] {
        try store.storage.names("").filter { name in
            guard (try? store.versions(module: name)) != nil else { return false }
            return try [ModuleLayout.runsFolder, ModuleLayout.stagingFolder].contains {
                try !store.storage.names("\(name)/\($0)").isEmpty
            }
        }
    }

    private func module(_ session: StoreSession) throws -> String {
        let word = session.words[0]
        return try modulesWithFiles(session.store).contains(word) ? word : session.named(word).module
    }

    private func text(_ found: [(module: String, collected: ModuleCollector.Collected)], _ isDryRun: Bool) -> String {
        var lines: [String] = []
        for (module, collected) in found {
            let swept = collected.swept
            let attempts = Set(swept.staging).union(swept.runs).sorted()
            for attempt in attempts {
                let kinds = [
                    swept.staging.contains(attempt) ? "staged parts" : nil,
                    swept.runs.contains(attempt) ? "files of no version" : nil,
                ].compactMap(\.self).joined(separator: " and ")
                lines.append("\(module): \(isDryRun ? "would remove" : "removed") \(kinds) of attempt \(attempt)")
            }
            for name in swept.temporaries where !attempts.contains(String(name.dropFirst().dropLast(4))) {
                lines.append("\(module): \(isDryRun ? "would remove" : "removed") the unfinished record \(name)")
            }
            for mark in swept.copies {
                lines.append(
                    "\(module): \(isDryRun ? "would remove" : "removed") the mark of a copy that ended, \(mark)")
            }
            for attempt in collected.openAttempts {
                lines.append(
                    "\(module): kept attempt \(attempt): its run ended while it published; the next run settles it")
            }
        }
        return lines.isEmpty ? "nothing to collect" : lines.joined(separator: "\n")
    }

    private func json(_ found: [(module: String, collected: ModuleCollector.Collected)], _ isDryRun: Bool) -> JSON {
        .record([
            "is_dry_run": .boolean(isDryRun),
            "modules": .list(
                found.map { module, collected in
                    .record([
                        "module": .text(module), "staging": .texts(collected.swept.staging),
                        "runs": .texts(collected.swept.runs), "temporaries": .texts(collected.swept.temporaries),
                        "copies": .texts(collected.swept.copies),
                        "open_attempts": .texts(collected.openAttempts),
                    ])
                }),
        ])
    }
}

extension Retention {
    /// Never shorter than what the text says: a month is 31 days.
    fileprivate var upperBound: Duration { .seconds(seconds + months * 31 * 86_400) }
}
