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
    package static let rememberedAnswers = 4096
    /// How often a keeper says a word on its idle connections.
    package static let snapshotKeepAlive = Duration.seconds(30)
    package static let crashesPerShard = 3
    package static let failuresPerShard = 8

    // The ledger
    /// How long a coordinator that fell silent keeps others out; renewed every third of it.
    package static let ledgerLease = Duration.seconds(15)
    /// How long a call of the ledger goes on when its database is away or busy: half of the lease is left afterwards.
    package static let ledgerPatience = Duration.seconds(8)
    /// How long the ledger's database may say nothing to a question.
    package static let ledgerSilence = Duration.seconds(8)
}
