package import Model

/// What a worker or keeper asks of the coordinator. Every request is harmless when lost, repeated, late or from a dead
/// epoch: the coordinator decides by token, never by arrival.
package enum Request: Sendable, Codable, Equatable {
    /// First message of a process. `secret` is the run's join secret, given to the process by its environment.
    case join(Join)
    /// Asks for work. Answered at once: `grant`, `noWork` or `drain`.
    case poll(worker: String)
    /// Keeps the leases named; answered with the tokens that are no longer valid.
    case heartbeat(worker: String, tasks: [TaskProgress])
    /// A piece of a text that is too long for one message: the document or the plan.
    case fetch(worker: String, text: SharedText, offset: Int)
    /// A piece of the plan from the keeper; `complete` with `.plan` follows when all `total` bytes are there.
    case upload(worker: String, token: Int64, offset: Int, total: Int, bytes: String)
    case complete(worker: String, token: Int64, result: TaskResult)
    case fail(worker: String, token: Int64, failure: TaskFailure)
    /// Hands a task back unharmed: the worker drains.
    case release(worker: String, token: Int64)
    case leave(worker: String)
}

package enum Reply: Sendable, Codable, Equatable {
    /// `documentPath` is the pipeline document's path as its user gave it: messages name it, relative paths start there.
    case welcome(worker: String, run: String, documentPath: String)
    case grant(Grant)
    case noWork(retryAfterMilliseconds: Int)
    /// No more work will come: leave.
    case drain
    case alive(revoked: [Int64], isDraining: Bool)
    case slice(bytes: String, total: Int)
    case accepted
    /// The token is not the task's current one: drop the work.
    case fenced
    case refused(reason: String)
}

package struct Join: Sendable, Codable, Equatable {
    package enum Role: String, Sendable, Codable {
        /// Reads shards and writes parts.
        case worker
        /// Plans, and holds the snapshots of the sources.
        case keeper
    }

    package var secret: String
    package var role: Role
    package var processID: Int32
    package var host: String
    package var build: String

    package init(secret: String, role: Role, processID: Int32, host: String, build: String) {
        self.secret = secret
        self.role = role
        self.processID = processID
        self.host = host
        self.build = build
    }
}

package enum SharedText: String, Sendable, Codable { case document, plan }

package enum TaskSpec: Sendable, Codable, Equatable, Hashable {
    /// Look at the sources, take and hold their snapshots, decide the shards.
    case plan
    case shard(table: String, index: Int)
}

package struct Grant: Sendable, Codable, Equatable {
    package var task: TaskSpec
    /// The attempt's number at this task, from one; part of the staged part's path.
    package var epoch: Int
    /// Fencing token: strictly increasing over all grants of the coordinator.
    package var token: Int64
    /// The publish attempt that the part belongs to.
    package var attempt: String

    package init(task: TaskSpec, epoch: Int, token: Int64, attempt: String) {
        self.task = task
        self.epoch = epoch
        self.token = token
        self.attempt = attempt
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
    /// The plan has been uploaded whole.
    case plan
    case part(PartReceipt)
}

extension TaskSpec {
    /// For messages and logs.
    package var words: String {
        switch self {
        case .plan: "planning"
        case .shard(let table, let index): "table \(table), shard \(index)"
        }
    }
}
