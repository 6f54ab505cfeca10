package import Model

/// What is known of a run when it begins.
package struct RunStart: Sendable, Codable, Equatable {
    /// A UUID.
    package var run: String
    package var module: String
    /// The store's name of the attempt.
    package var attempt: String
    package var documentDigest: String
    /// RFC 3339, UTC.
    package var startedAt: String
    /// Who asked: a name of a person or a service.
    package var actor: String

    package init(
        run: String, module: String, attempt: String, documentDigest: String, startedAt: String, actor: String
    ) {
        self.run = run
        self.module = module
        self.attempt = attempt
        self.documentDigest = documentDigest
        self.startedAt = startedAt
        self.actor = actor
    }
}

/// Something that happened to a run. The ledger holds these, in order, and nothing else decides.
/// By its types none holds a cell value or a key.
package enum LedgerRecord: Sendable, Codable, Equatable {
    case runStarted(RunStart)
    case planned(RunPlan)
    case granted(table: String, shard: Int, epoch: Int, worker: String)
    /// A grant came to nothing without a failure of the shard: its worker left or its lease ran out.
    case released(table: String, shard: Int, epoch: Int)
    case accepted(PartReceipt)
    case failed(table: String, shard: Int, epoch: Int, failure: TaskFailure)
    case sealed
    /// The exact text of the commit record that may be visible from now on. Another one follows a lost race.
    case committing(version: Int, record: String)
    case published(version: Int, commitSHA256: String)
    case aborted(TaskFailure)
}

/// PLANNING → RUNNING → SEALED → COMMITTING → PUBLISHED; from all but the last also → ABORTED.
package enum RunState: String, Sendable, Codable {
    case planning, running, sealed, committing, published, aborted

    package var isOpen: Bool { self != .published && self != .aborted }
}

package struct ShardState: Sendable, Equatable {
    package enum Phase: String, Sendable { case ready, granted, done }

    package let table: String
    package let shard: Int
    package let phase: Phase
    /// The highest that was granted; zero before the first.
    package let epoch: Int
    package let worker: String?
    package let failures: Int
    package let receipt: PartReceipt?
}

/// A run as the ledger knows it.
package struct RecoveredRun: Sendable, Equatable {
    package let start: RunStart
    package let state: RunState
    package let plan: RunPlan?
    /// In the order of the plan.
    package let shards: [ShardState]
    /// Set from `committing` on; its outcome is unknown until `published`.
    package let commitRecord: String?
    package let version: Int?
    package let failure: TaskFailure?
    /// RFC 3339, UTC: of the last record.
    package let changedAt: String
}

/// A line of a list of runs.
package struct RunSummary: Sendable, Equatable {
    package let run: String
    package let module: String
    package let state: RunState
    package let startedAt: String
    package let changedAt: String
    package let version: Int?
    package let shardCount: Int
    package let doneCount: Int
}
