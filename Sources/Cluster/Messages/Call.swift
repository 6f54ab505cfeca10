package import Model

/// One question to the coordinator: who asks, by which right, what.
///
/// Every request is harmless when lost, repeated, late or from a dead epoch: the coordinator decides by token, never by
/// arrival.
package struct Call: Sendable, Codable, Equatable {
    /// The asker's name, chosen by itself once: `worker-` or `keeper-` and 16 hexadecimal digits; of people any.
    package var node: String
    /// What the answer to `join` gave; of `join` itself and of people's requests the token of their file.
    package var credential: String
    /// A W3C `traceparent`, handed on to logs.
    package var trace: String?
    package var request: Request

    package init(node: String, credential: String, trace: String? = nil, request: Request) {
        self.node = node
        self.credential = credential
        self.trace = trace
        self.request = request
    }
}

package enum Request: Sendable, Codable, Equatable {
    /// The first request of a process.
    case join(Join)
    /// Asks for one task. Answered at once: `grant`, `noWork` or `drain`.
    case poll
    /// Keeps the leases named. `holding`: the runs whose snapshots the asker holds.
    case heartbeat(tasks: [TaskProgress], holding: [String])
    /// A piece of a text that is too long for one message: the document or the plan of a run.
    case fetch(run: String, text: SharedText, offset: Int)
    /// A piece of what is too long for one message: a plan from its keeper, a receipt with the counts of many rules from a
    /// worker. `complete` with `.plan` or `.uploaded` follows when all `total` bytes are there.
    case upload(run: String, token: Int64, offset: Int, total: Int, bytes: String)
    case complete(run: String, token: Int64, result: TaskResult)
    case fail(run: String, token: Int64, failure: TaskFailure)
    /// Hands a task back unharmed: the worker drains.
    case release(run: String, token: Int64)
    case leave
    /// People's: a piece of a document to run; the last one begins the run.
    case submit(Submission)
    /// People's: what is going on. Of one run, or of all that are open and the newest ones that ended.
    case status(run: String?)
    /// People's: give a run up.
    case cancel(run: String)
}

package enum Reply: Sendable, Codable, Equatable {
    /// `credential` proves the name in every later call, to this coordinator and to any that follows it.
    case welcome(credential: String)
    case grant(Grant)
    /// `isIdle`: no run is open.
    case noWork(retryAfterMilliseconds: Int, isIdle: Bool)
    /// No more work will come: leave.
    case drain
    /// `letGo`: runs whose snapshots need not be held any longer.
    case alive(revoked: [Int64], letGo: [String], isDraining: Bool)
    case slice(bytes: String, total: Int)
    case accepted
    /// The token is not the task's current one: drop the work.
    case fenced
    case refused(reason: String)
    /// The credential is not one of this cluster's: join again.
    case unknownNode
    /// Another coordinator leads, at this address if it is known.
    case notLeader(leader: String?)
    case submitted(run: String)
    case status(ClusterStatus)
}

package struct Join: Sendable, Codable, Equatable {
    package enum Role: String, Sendable, Codable, CaseIterable {
        /// Reads shards and writes parts.
        case worker
        /// Plans, and holds the snapshots of the sources.
        case keeper
    }

    package var role: Role
    /// How many tasks it does at a time.
    package var slots: Int
    package var processID: Int32
    package var host: String
    package var build: String

    package init(role: Role, slots: Int, processID: Int32, host: String, build: String) {
        self.role = role
        self.slots = slots
        self.processID = processID
        self.host = host
        self.build = build
    }
}

/// `plan`: without its shards; each comes with its grant.
package enum SharedText: String, Sendable, Codable { case document, plan }

package struct Grant: Sendable, Codable, Equatable {
    package var run: String
    package var task: TaskSpec
    /// The attempt's number at this task, from one; part of the staged part's path.
    package var epoch: Int
    /// Fencing token: strictly increasing over all grants of all coordinators of a ledger.
    package var token: Int64
    /// The publish attempt that the part belongs to.
    package var attempt: String
    /// The pipeline document's path as its user gave it: messages name it, relative paths start there.
    package var documentPath: String
    /// Ids of the run's snapshots beside those of its plan.
    package var snapshots: [SnapshotHold]
    /// What the plan says of the shard to be done; nil of other tasks.
    package var shard: Shard?

    package init(
        run: String, task: TaskSpec, epoch: Int, token: Int64, attempt: String, documentPath: String,
        snapshots: [SnapshotHold] = [], shard: Shard? = nil
    ) {
        self.run = run
        self.task = task
        self.epoch = epoch
        self.token = token
        self.attempt = attempt
        self.documentPath = documentPath
        self.snapshots = snapshots
        self.shard = shard
    }
}

package struct TaskProgress: Sendable, Codable, Equatable {
    package var token: Int64
    package var rows: Int64
    package var bytes: Int64

    package init(token: Int64, rows: Int64, bytes: Int64) {
        self.token = token
        self.rows = rows
        self.bytes = bytes
    }
}

package enum TaskResult: Sendable, Codable, Equatable {
    /// The plan has been uploaded whole; its snapshots are held.
    case plan
    /// The run's snapshots are held here too, under these ids.
    case held([SnapshotHold])
    case part(PartReceipt)
    /// The part's receipt, uploaded before as `LongReceipt` has it. `sha256`: of its bytes.
    case uploaded(table: String, shard: Int, sha256: String)
}

/// A document to run, in pieces that fit a message. The same `id` is the same submission, however often it is sent.
package struct Submission: Sendable, Codable, Equatable {
    /// Why a piece is refused whose predecessors are not there: begin again.
    package static let misfit = "a slice that does not fit"
    /// Why the first piece is refused while others are on their way, or too many runs are open: try again.
    package static let crowd = "too many documents are on their way, or too many runs are open; try again"

    package var id: String
    package var documentPath: String
    /// A lost snapshot begins the run anew, once, instead of failing it.
    package var restartsOnSnapshotLoss: Bool
    package var offset: Int
    package var total: Int
    /// Base64.
    package var bytes: String

    package init(
        id: String, documentPath: String, restartsOnSnapshotLoss: Bool, offset: Int, total: Int, bytes: String
    ) {
        self.id = id
        self.documentPath = documentPath
        self.restartsOnSnapshotLoss = restartsOnSnapshotLoss
        self.offset = offset
        self.total = total
        self.bytes = bytes
    }
}
