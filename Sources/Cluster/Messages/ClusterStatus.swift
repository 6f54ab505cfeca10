package import Model

/// What `etlx status` shows: counts and names, no rows.
package struct ClusterStatus: Sendable, Codable, Equatable {
    package struct Run: Sendable, Codable, Equatable {
        package enum Phase: String, Sendable, Codable {
            case queued, planning, extracting, publishing, published, failed
        }

        package var run: String
        package var module: String
        package var phase: Phase
        package var startedAt: String
        package var shards: Int
        package var shardsReady: Int
        package var shardsLeased: Int
        package var shardsDone: Int
        package var rows: Int64
        package var estimatedRows: Int64
        package var bytes: Int64
        package var estimatedBytes: Int64
        /// Who holds its snapshots.
        package var holders: [String]
        package var version: Int?
        package var failure: TaskFailure?
        /// The run that began anew when this one's snapshots were lost; empty while it is on its way.
        package var restartedAs: String?
        /// Of those read so far.
        package var rowsDropped: Int64?

        package init(
            run: String, module: String, phase: Phase, startedAt: String, shards: Int = 0, shardsReady: Int = 0,
            shardsLeased: Int = 0, shardsDone: Int = 0, rows: Int64 = 0, estimatedRows: Int64 = 0, bytes: Int64 = 0,
            estimatedBytes: Int64 = 0, holders: [String] = [], version: Int? = nil, failure: TaskFailure? = nil,
            restartedAs: String? = nil
        ) {
            self.run = run
            self.module = module
            self.phase = phase
            self.startedAt = startedAt
            self.shards = shards
            self.shardsReady = shardsReady
            self.shardsLeased = shardsLeased
            self.shardsDone = shardsDone
            self.rows = rows
            self.estimatedRows = estimatedRows
            self.bytes = bytes
            self.estimatedBytes = estimatedBytes
            self.holders = holders
            self.version = version
            self.failure = failure
            self.restartedAs = restartedAs
        }
    }

    package struct Node: Sendable, Codable, Equatable {
        package var name: String
        package var host: String
        /// Zero where this coordinator was not told.
        package var slots: Int
        package var tasks: Int
        package var silentMilliseconds: Int

        package init(name: String, host: String, slots: Int, tasks: Int, silentMilliseconds: Int) {
            self.name = name
            self.host = host
            self.slots = slots
            self.tasks = tasks
            self.silentMilliseconds = silentMilliseconds
        }
    }

    /// The coordinator's epoch: one higher with each that took the lead.
    package var epoch: Int64
    package var build: String
    package var runs: [Run]
    package var nodes: [Node]
    /// How many nodes there are, when not all of them fit the message.
    package var nodeCount: Int

    package init(epoch: Int64, build: String, runs: [Run], nodes: [Node], nodeCount: Int) {
        self.epoch = epoch
        self.build = build
        self.runs = runs
        self.nodes = nodes
        self.nodeCount = nodeCount
    }
}
