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
    /// As its user gave it.
    package var documentPath: String?
    /// The submitter's id: a repeated submission finds the same run.
    package var submission: String?
    /// A lost snapshot begins the run anew, once.
    package var restartsOnSnapshotLoss: Bool?
    /// The run whose snapshot was lost.
    package var restartOf: String?

    package init(
        run: String, module: String, attempt: String, documentDigest: String, startedAt: String, actor: String,
        documentPath: String? = nil, submission: String? = nil, restartsOnSnapshotLoss: Bool? = nil,
        restartOf: String? = nil
    ) {
        self.run = run
        self.module = module
        self.attempt = attempt
        self.documentDigest = documentDigest
        self.startedAt = startedAt
        self.actor = actor
        self.documentPath = documentPath
        self.submission = submission
        self.restartsOnSnapshotLoss = restartsOnSnapshotLoss
        self.restartOf = restartOf
    }
}

/// Something that happened to a run. The ledger holds these, in order, and nothing else decides.
/// By its types none holds a cell value or a key.
package enum LedgerRecord: Sendable, Codable, Equatable {
    case runStarted(RunStart)
    case planned(RunPlan)
    /// A keeper was given the planning.
    case planning(epoch: Int, token: Int64, worker: String)
    /// A keeper holds the run's snapshots, under these ids beside those of the plan.
    case holding(worker: String, snapshots: [SnapshotHold])
    case letGo(worker: String)
    case granted(table: String, shard: Int, epoch: Int, worker: String, token: Int64?)
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
    /// More than one while a straggler is copied.
    package let leases: [Lease]
    package let failures: Int
    package let receipt: PartReceipt?

    package init(
        table: String, shard: Int, phase: Phase, epoch: Int, leases: [Lease], failures: Int, receipt: PartReceipt?
    ) {
        self.table = table
        self.shard = shard
        self.phase = phase
        self.epoch = epoch
        self.leases = leases
        self.failures = failures
        self.receipt = receipt
    }
}

/// A node's right to work on a task, as it was granted.
package struct Lease: Sendable, Equatable {
    package let epoch: Int
    package let token: Int64
    package let worker: String

    package init(epoch: Int, token: Int64, worker: String) {
        self.epoch = epoch
        self.token = token
        self.worker = worker
    }
}

/// A run as the ledger knows it.
package struct RecoveredRun: Sendable, Equatable {
    package let start: RunStart
    package let document: [UInt8]
    package let state: RunState
    package let plan: RunPlan?
    /// Who was given the planning last.
    package let planning: Lease?
    /// Keepers that hold the run's snapshots.
    package let holders: [String: [SnapshotHold]]
    /// RFC 3339, UTC: when all shards were done.
    package let sealedAt: String?
    /// In the order of the plan.
    package let shards: [ShardState]
    /// Set from `committing` on; its outcome is unknown until `published`.
    package let commitRecord: String?
    package let version: Int?
    package let failure: TaskFailure?
    /// RFC 3339, UTC: of the last record.
    package let changedAt: String

    package init(
        start: RunStart, document: [UInt8] = [], state: RunState, plan: RunPlan?, planning: Lease? = nil,
        holders: [String: [SnapshotHold]] = [:], sealedAt: String? = nil, shards: [ShardState], commitRecord: String?,
        version: Int?, failure: TaskFailure?, changedAt: String
    ) {
        self.start = start
        self.document = document
        self.state = state
        self.plan = plan
        self.planning = planning
        self.holders = holders
        self.sealedAt = sealedAt
        self.shards = shards
        self.commitRecord = commitRecord
        self.version = version
        self.failure = failure
        self.changedAt = changedAt
    }
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
