internal import Cluster
internal import Metadata
package import Model
package import ModuleStore

/// The ledger of one run: the scheduler's records in the ledger's words.
package final class RunLedger {
    private let ledger: Ledger
    private let run: String
    private var isOver = false
    /// What became of earlier runs of the module whose coordinator ended before it knew, in sentences.
    package private(set) var settled: [String] = []

    /// Opens the module's ledger beside the modules of its store, and begins the run.
    ///
    /// Runs that a coordinator left open are settled first: a commit whose answer was lost is sent again, byte for byte.
    ///
    /// - Throws: `TaskFailure` when another run of the module holds it, when the disk refuses, or when the store still
    ///   does not say what became of an earlier commit.
    package init(store: Store, module: String, attempt: String, documentDigest: String, actor: String) throws(TaskFailure) {
        run = attempt
        do throws(StoreError) {
            try store.makeLedgerFolder()
        } catch { throw error.failure }
        do throws(LedgerError) {
            ledger = try Ledger(path: "\(store.ledgerFolder)/\(module).sqlite")
        } catch { throw error.failure }
        settled = try EarlierRuns(ledger: ledger, store: store, module: module).settle()
        do throws(LedgerError) {
            try ledger.begin(
                RunStart(
                    run: attempt, module: module, attempt: attempt, documentDigest: documentDigest,
                    startedAt: Self.now, actor: actor))
        } catch { throw error.failure }
    }

    static var now: String { Timestamp.text(milliseconds: Store.systemTime()) }

    /// Writes what the scheduler decided; it is on disk when this returns.
    package func append(_ records: [SchedulerState.Record]) throws {
        // A commit without an answer is no end: the run stays as it is, and the next one settles it.
        let translated = records.filter { !$0.isUnknownCommit }.compactMap(\.ledgerRecord)
        guard !translated.isEmpty, !isOver else { return }
        if translated.contains(where: { if case .aborted = $0 { true } else { false } }) { isOver = true }
        try ledger.append(translated, run: run, at: Self.now)
    }

    func noteCommitting(_ record: CommitRecord) throws {
        try ledger.append(
            [.committing(version: record.version, record: String(decoding: record.bytesOfFile, as: UTF8.self))], run: run,
            at: Self.now)
    }

    func notePublished(version: Int, sha256: String) throws {
        isOver = true
        try ledger.append([.published(version: version, commitSHA256: sha256)], run: run, at: Self.now)
    }

    /// The operator ended the run; the version before it stays the last.
    package func noteInterrupted() {
        guard !isOver else { return }
        isOver = true
        let failure = TaskFailure(kind: .worker, disposition: .failRun, message: "interrupted by the operator")
        try? ledger.append([.aborted(failure)], run: run, at: Self.now)
    }
}

extension SchedulerState.Record {
    fileprivate var isUnknownCommit: Bool {
        if case .failed(let failure) = self { failure.code == StoreError.Code.unknown.rawValue } else { false }
    }

    /// nil for what only the log is interested in.
    fileprivate var ledgerRecord: LedgerRecord? {
        switch self {
        case .planned(let plan): .planned(plan)
        case .granted(.shard(let table, let index), let epoch, let token, let worker):
            .granted(table: table, shard: index, epoch: epoch, worker: worker, token: token)
        case .released(.shard(let table, let index), let epoch): .released(table: table, shard: index, epoch: epoch)
        case .attemptFailed(.shard(let table, let index), let epoch, let failure):
            .failed(table: table, shard: index, epoch: epoch, failure: failure)
        case .accepted(let receipt): .accepted(receipt)
        case .sealed: .sealed
        case .failed(let failure): .aborted(failure)
        // The publisher notes the commit itself, before and after it.
        case .published, .joined, .lost, .fenced, .granted, .released, .attemptFailed: nil
        }
    }
}
