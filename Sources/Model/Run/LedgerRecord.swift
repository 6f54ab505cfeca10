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
    /// Where the document lay when it was submitted: relative paths in it are relative to that.
    package var documentPath: String?
    /// The submitter's id of the submission: one that is repeated finds the same run.
    package var submission: String?
    /// Whether the run begins anew, as another run, when all holders of its snapshots are lost.
    package var restartsOnSnapshotLoss: Bool?
    /// The run that this one begins anew.
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
    /// The task of planning was leased; a later lease has a higher epoch.
    case planning(epoch: Int, token: Int64, worker: String)
    case planned(RunPlan)
    /// A keeper holds these snapshots for the run; the worker's earlier ones are replaced by them.
    case holding(worker: String, snapshots: [SnapshotHold])
    /// The keeper holds nothing of the run any more. Of a run that is over, too.
    case letGo(worker: String)
    /// The token is absent in records of before there were any.
    case granted(table: String, shard: Int, epoch: Int, worker: String, token: Int64? = nil)
    /// A grant came to nothing without a failure of the shard: its worker left or its lease ran out.
    case released(table: String, shard: Int, epoch: Int)
    /// The coordinator that inherited a lease has heard of it: the next to take over inherits it anew.
    case kept(table: String, shard: Int, epoch: Int)
    /// The same of the task of planning.
    case keptPlanning(epoch: Int)
    case accepted(PartReceipt)
    case failed(table: String, shard: Int, epoch: Int, failure: TaskFailure)
    case sealed
    /// The exact text of the commit record that may be visible from now on. Another one follows a lost race.
    case committing(version: Int, record: String)
    case published(version: Int, commitSHA256: String)
    /// The proof is needed once the run has begun to commit; before that nothing of it can become a version.
    case aborted(TaskFailure, proof: NoVersion? = nil)
    /// Of a run that lost its snapshots and is to begin anew, why it never will.
    case notRestarted(TaskFailure)
}

/// Why a run that had begun to commit is no version and never becomes one. A time-out, a lost connection, a signal and a
/// failed flush prove nothing: the run stays open until one of these is known.
package enum NoVersion: Sendable, Codable, Equatable {
    /// The number that its record names holds other bytes, of this digest.
    case taken(commitSHA256: String)
    /// The record was never sent, or its only request was refused.
    case unsent
    /// The number is free, and the attempt is older than `Limits.collectableAge`: what was sent cannot land any more.
    case expired
}

/// PLANNING → RUNNING → SEALED → COMMITTING → PUBLISHED; from all but the last also → ABORTED, from COMMITTING with proof.
package enum RunState: String, Sendable, Codable {
    case planning, running, sealed, committing, published, aborted

    package var isOpen: Bool { self != .published && self != .aborted }
}

/// Someone works on a task under an epoch and its fencing token.
package struct Lease: Sendable, Equatable {
    package let epoch: Int
    /// Zero where the record had none.
    package let token: Int64
    package let worker: String
    /// How much of its term has passed: since the first take-over after which no coordinator heard of it, by the ledger's
    /// clock. Zero while whoever granted it or heard of it leads.
    package let silence: Duration

    package init(epoch: Int, token: Int64, worker: String, silence: Duration = .zero) {
        self.epoch = epoch
        self.token = token
        self.worker = worker
        self.silence = silence
    }
}

package struct ShardState: Sendable, Equatable {
    package enum Phase: String, Sendable { case ready, granted, done }

    package let table: String
    package let shard: Int
    package let phase: Phase
    /// The highest that was granted; zero before the first.
    package let highestEpoch: Int
    /// Grants that have not ended, by epoch; a second one is a copy of a straggler. None when the shard is done: what
    /// becomes of the other then changes nothing.
    package let leases: [Lease]
    /// Who made the accepted part; before that, who has the newest lease.
    package let worker: String?
    package let failures: Int
    package let packed: PackedReceipt?
    package var receipt: PartReceipt? { packed?.receipt }

    package init(
        table: String, shard: Int, phase: Phase, highestEpoch: Int, leases: [Lease], worker: String?, failures: Int,
        receipt: PartReceipt?
    ) {
        var packer = ReceiptPacker()
        self.init(
            table: table, shard: shard, phase: phase, highestEpoch: highestEpoch, leases: leases, worker: worker,
            failures: failures, packed: receipt.map { packer.pack($0) })
    }

    package init(
        table: String, shard: Int, phase: Phase, highestEpoch: Int, leases: [Lease], worker: String?, failures: Int,
        packed: PackedReceipt?
    ) {
        self.table = table
        self.shard = shard
        self.phase = phase
        self.highestEpoch = highestEpoch
        self.leases = leases
        self.worker = worker
        self.failures = failures
        self.packed = packed
    }
}

/// A run as the ledger knows it.
package struct RecoveredRun: Sendable, Equatable {
    package let start: RunStart
    /// The bytes that `start.documentDigest` is of; empty where the ledger was not given them.
    package let document: [UInt8]
    package let state: RunState
    /// Who was planning last; nil once there is a plan.
    package let planning: Lease?
    package let plan: RunPlan?
    /// In the order of the plan.
    package let shards: [ShardState]
    /// Keeper → what it holds for the run.
    package let holders: [String: [SnapshotHold]]
    /// RFC 3339, UTC: of the record `sealed`. Whoever publishes after a take-over describes with this time again.
    package let sealedAt: String?
    /// Set from `committing` on; its outcome is unknown until `published`.
    package let commitRecord: String?
    package let version: Int?
    package let failure: TaskFailure?
    /// RFC 3339, UTC: of the last record.
    package let changedAt: String

    package init(
        start: RunStart, document: [UInt8], state: RunState, planning: Lease?, plan: RunPlan?, shards: [ShardState],
        holders: [String: [SnapshotHold]], sealedAt: String?, commitRecord: String?, version: Int?,
        failure: TaskFailure?, changedAt: String
    ) {
        self.start = start
        self.document = document
        self.state = state
        self.planning = planning
        self.plan = plan
        self.shards = shards
        self.holders = holders
        self.sealedAt = sealedAt
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
    package let failure: TaskFailure?
    /// The run that this one begins anew.
    package let restartOf: String?

    package init(
        run: String, module: String, state: RunState, startedAt: String, changedAt: String, version: Int?,
        shardCount: Int, doneCount: Int, failure: TaskFailure?, restartOf: String? = nil
    ) {
        self.run = run
        self.module = module
        self.state = state
        self.startedAt = startedAt
        self.changedAt = changedAt
        self.version = version
        self.shardCount = shardCount
        self.doneCount = doneCount
        self.failure = failure
        self.restartOf = restartOf
    }
}
