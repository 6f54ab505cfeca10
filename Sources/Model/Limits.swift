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
    /// Pages in progress, and what dictionaries need to find their entries: of all columns together.
    package static let bytesOfOpenPages = 24 << 20
    package static let bytesOfDictionaryIndexes = 64 << 20
    package static let bytesPerPage = 1 << 20
    package static let rowsPerPage = 20_000
    package static let bytesPerDictionary = 1 << 20
    /// The largest cell that is read; a larger one stops the run by table, column and row ordinal.
    package static let bytesPerCell = 256 << 20
    /// A table is cut into about so many shards, as long as their sizes stay within these bounds: several workers then
    /// share a small table and end together, and a large one has few parts.
    package static let shardsPerTable = 32
    package static let bytesPerShard = 32 << 20...128 << 20
    /// Rows, bytes or values that a receipt may state of one part, and a plan of one shard: far more than any has. Sums
    /// over all shards of a plan then fit in 64 bits, and so do sums over its tables.
    package static let countPerPart: Int64 = 1 << 42
    package static let shardsPerPlan = 1 << 20
    package static let countPerTable: Int64 = 1 << 50
    package static let bytesPerTableName = 128
    package static let tablesPerPlan = 1 << 12
    package static let sourcesPerPlan = 1 << 10
    /// A name, a digest or the like in a plan; a path, which a system bounds by as much; a statement or another long text.
    package static let bytesPerPlanWord = 1 << 10
    package static let bytesPerPlanPath = 4 << 10
    /// How deep the JSON of a plan may nest: a type within a type is two levels. Decoders recurse.
    package static let planNesting = 128
    /// The plan without its shards, which a general decoder reads: it takes a second for so much.
    package static let bytesPerPlanOutline = 32 << 20

    // Documents and messages
    package static let bytesPerDocument = 4 << 20
    package static let bytesPerMessage = 64 << 10
    package static let bytesPerFetchedSlice = 32 << 10
    /// The counts of about 15,000 rules of one table.
    package static let bytesPerReceipt = 4 << 20

    // The control plane (relations asserted by `LimitsTests`)
    package static let heartbeatInterval = Duration.seconds(3)
    package static let leaseTime = Duration.seconds(30)
    /// A worker all of whose connections were closed for so long is taken for dead.
    package static let disconnectedTime = Duration.seconds(6)
    package static let selfFenceTime = Duration.seconds(22)
    package static let requestTimeout = Duration.seconds(5)
    package static let pollInterval = Duration.milliseconds(100)
    /// Of the processes of one machine that have one run, its coordinator too: it may be over in less than a second.
    package static let pollIntervalOfOneRun = Duration.milliseconds(20)
    /// Of a large cluster's nodes that wait for work.
    package static let longestPollInterval = Duration.seconds(2)
    package static let watchdogTime = Duration.seconds(15)
    /// So many new sockets within `renewalWindow`, none of which was answered: the process ends and is started again.
    package static let socketRenewals = 3
    package static let renewalWindow = Duration.seconds(60)
    /// How long a first connection may take, TLS included, before it is left to go on in the background.
    package static let dialTime = Duration.seconds(5)
    /// How long the end of a listener is waited for. libnng before 1.10 may never end one.
    package static let listenerCloseTime = Duration.seconds(2)
    /// Requests in hand at a time, and with that the frames that a coordinator holds.
    package static let contextsPerServer = 256
    /// Connections to a coordinator; one more is closed as soon as it has introduced itself.
    package static let connectionsPerServer = 4096
    /// The pause after a round of unanswered questions doubles from one to the other, each time varied by a half.
    package static let shortestAskPause = Duration.milliseconds(50)
    package static let longestAskPause = Duration.seconds(1)
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
    /// The coordinator looks at its clock this often, and decides on up to so many requests at a time.
    package static let tickInterval = Duration.milliseconds(100)
    package static let requestsPerBatch = 256
    /// A connection without a word for this long is closed: its other end may have vanished without saying so.
    package static let silentPipeTime = Duration.seconds(60)
    /// How often a coordinator that stands by tries for the lead, and one that leads renews it.
    package static let standbyInterval = Duration.seconds(2)
    package static let leadRenewalInterval = Duration.seconds(5)
    /// Without a renewal that was asked for within this time a coordinator no longer leads.
    package static let leadTime = Duration.seconds(10)
    /// A loop that did not turn for this long hangs. Longer than any wait for a ledger.
    package static let loopPatience = Duration.seconds(60)
    package static let certificateLookInterval = Duration.seconds(30)
    package static let rememberedAnswers = 4096
    /// How often a keeper says a word on its idle connections.
    package static let snapshotKeepAlive = Duration.seconds(30)
    /// Keepers that hold the snapshots of one run: either may die.
    package static let holdersPerRun = 2
    /// A shard in hand for less is no straggler, however fast its peers were.
    package static let leastStragglerAge = Duration.seconds(10)
    package static let endedRunsRemembered = 64
    /// What became of the newest submissions; of older ones the ledger is asked.
    package static let submissionsRemembered = 256
    package static let runsPerStatus = 40
    package static let nodesPerStatus = 100
    package static let slotsPerWorker = 256
    /// Runs that a keeper plans at a time; it holds any number.
    package static let slotsPerKeeper = 4
    /// Files of one source that a keeper scans at a time, if it has the slots.
    package static let filesScannedAtATime = 8
    package static let bytesPerNodeName = 64
    /// As many as there may be connections.
    package static let nodesPerCluster = 4096
    /// Open runs, those that wait included, and the bytes of their documents.
    package static let openRuns = 1024
    package static let bytesOfOpenDocuments = 256 << 20
    /// Of the failure that a node tells: its sentence.
    package static let charactersPerFailure = 2000
    /// Of the snapshots that a keeper says it holds, together: they are part of every grant.
    package static let bytesPerHold = 8 << 10
    package static let bytesPerPlan = 256 << 20
    /// Documents whose pieces are still coming in, or that are being opened.
    package static let submissionsAtOnce = 16
    /// How long a coordinator may take to open a document.
    package static let submissionPatience = Duration.seconds(120)
    package static let crashesPerShard = 3
    package static let failuresPerShard = 8

    // Who may join
    package static let bytesPerCredentialFile = 1 << 20
    package static let shortestJoinToken = 16
    package static let longestCredential = 16 << 10
    package static let shortestRSAModulus = 2048
    /// How far the clocks of who issues tokens and of the coordinator may differ.
    package static let tokenClockLeeway = Duration.seconds(60)

    // The ledger
    /// How long a coordinator that fell silent keeps others out; renewed every third of it.
    package static let ledgerLease = Duration.seconds(15)
    /// How long a call of the ledger goes on when its database is away or busy: half of the lease is left afterwards.
    package static let ledgerPatience = Duration.seconds(8)
    /// How long the ledger's database may say nothing to a question.
    package static let ledgerSilence = Duration.seconds(8)
}
