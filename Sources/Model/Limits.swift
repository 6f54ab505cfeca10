/// Every bound of the product in one place. Sizes are in bytes, times are durations.
package enum Limits {
    // Chunks and parts
    package static let rowsPerChunk = 65_536
    /// A chunk is handed on when it holds this much, even with fewer rows.
    package static let bytesPerChunk = 8 << 20
    package static let rowsPerRowGroup = 1 << 20
    package static let bytesPerRowGroup = 128 << 20
    /// Encoded and compressed pages that wait for their row group's end.
    package static let bufferedBytesPerRowGroup = 48 << 20
    package static let bytesPerPage = 1 << 20
    package static let rowsPerPage = 20_000
    package static let bytesPerDictionary = 1 << 20
    /// The largest cell that is read; a larger one stops the run by table, column and row ordinal.
    package static let bytesPerCell = 256 << 20
    package static let bytesPerShard = 128 << 20

    // Documents and messages
    package static let bytesPerDocument = 4 << 20
    package static let bytesPerMessage = 64 << 10
    package static let bytesPerFetchedSlice = 32 << 10

    // The control plane (relations asserted by `LimitsTests`)
    package static let heartbeatInterval = Duration.seconds(2)
    package static let leaseTime = Duration.seconds(12)
    package static let selfFenceTime = Duration.seconds(8)
    package static let requestTimeout = Duration.seconds(5)
    package static let pollInterval = Duration.milliseconds(100)
    package static let watchdogTime = Duration.seconds(15)
    /// How long processes may take to leave after the end of a run.
    package static let leaveTime = Duration.seconds(10)
    /// How long a process looks for its coordinator at start, and how long it waits for one that fell silent.
    package static let joinPatience = Duration.seconds(30)
    package static let coordinatorPatience = Duration.seconds(60)
    /// How long a node that holds snapshots waits for a coordinator that fell silent.
    package static let holderPatience = Duration.seconds(900)
    /// Between a node's requests that nobody answers: from the first, doubled up to the second.
    package static let firstPause = Duration.milliseconds(250)
    package static let longestPause = Duration.seconds(2)
    /// How long no run must be open before a node leaves that may leave when idle.
    package static let idleLeaveTime = Duration.seconds(3)
    /// How long a node that drains may finish what runs, unless it is told otherwise.
    package static let drainGrace = Duration.seconds(120)
    /// Runs that a slot keeps connections and compiled rules of, and for how long without a task.
    package static let sessionsPerSlot = 4
    package static let sessionIdleTime = Duration.seconds(120)
    /// How often a plan is uploaded whole to coordinators that lost its pieces.
    package static let uploadsPerPlan = 4
    package static let rememberedAnswers = 4096
    /// How often a keeper says a word on its idle connections.
    package static let snapshotKeepAlive = Duration.seconds(30)
    package static let crashesPerShard = 3
    package static let failuresPerShard = 8
}
