internal import Metadata
internal import Model
internal import ModuleStore

/// Runs of a module that are open in its ledger although nobody works on them: the ledger's lock is ours.
///
/// One that had begun to commit may or may not have published: its record, kept before it was sent, is sent again as it
/// is, and the answer decides; without one it stays open. Any other never became a version: it is closed and what it
/// staged is removed. What a run that gave up could not remove itself, for the store refused everything by then, is
/// removed as well.
struct EarlierRuns {
    let ledger: Ledger
    let store: Store
    let module: String

    /// - Returns: what became of those that had begun to commit.
    func settle() throws(TaskFailure) -> [String] {
        var sentences: [String] = []
        do {
            for name in try ledger.openRuns() {
                let run = try ledger.load(name)
                guard run.start.module == module else { continue }
                if run.state == .committing, let text = run.commitRecord {
                    sentences.append(try settle(run, record: text))
                } else {
                    try close(run, "its coordinator ended")
                }
            }
            removeLeftovers()
        } catch { throw .ofPublishing(error) }
        return sentences
    }

    private func settle(_ run: RecoveredRun, record text: String) throws -> String {
        let publishing = Publishing(
            store: store, start: run.start, sealedAt: run.sealedAt ?? run.changedAt,
            note: { record in try ledger.append([record], run: run.start.run, at: RunOffice.now) })
        let whose = "an earlier run, whose coordinator ended while it published,"
        switch publishing.settle(record: text) {
        case .published(let record): return "\(whose) is version \(record.version)"
        case .failed(_, let proof):
            try close(run, proof.reason, proof: proof)
            return "\(whose) did not become a version"
        case .open:
            // Whoever takes the number decides it: the run that asks may.
            return "\(whose) cannot publish any more; should its record still come, it is a version"
        case .undecided(let error): throw error
        }
    }

    /// Of the newest runs; older ones are the collector's. A convenience: what fails here fails again where it matters.
    private func removeLeftovers() {
        guard let runs = try? ledger.runs() else { return }
        let given = runs.filter { $0.state == .aborted && $0.module == module }
        guard !given.isEmpty else { return }
        let folders = [ModuleLayout.stagingFolder, ModuleLayout.runsFolder]
        let present = Set(folders.flatMap { (try? store.storage.names("\(module)/\($0)")) ?? [] })
        // The ledger names runs by their attempts.
        for run in given where present.contains(run.run) { try? store.discard(module: module, attempt: run.run) }
    }

    private func close(_ run: RecoveredRun, _ reason: String, proof: NoVersion? = nil) throws {
        let failure = TaskFailure(kind: .worker, disposition: .failRun, message: reason)
        try ledger.append([.aborted(failure, proof: proof)], run: run.start.run, at: RunOffice.now)
        try store.discard(module: module, attempt: run.start.attempt)
    }
}
