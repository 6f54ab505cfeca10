import Foundation
package import Model
import Synchronization

/// What happened, durably: append-only records of runs and the state that follows from them, in an SQLite file or in a
/// PostgreSQL database.
///
/// - Durability: when `append` returns, its records are on disk.
/// - Atomicity: the entries of one call are all written or none, and once: a connection that broke at the commit is made
///   anew, and the head of the chain of records tells whether they are.
/// - One coordinator: who acquired the ledger writes under an epoch; whoever acquires it later has a higher one, and
///   nothing is written under a lower one from then on.
/// - Privacy: records hold names, counts, digests and failures without foreign texts; no cell value by their types.
///
/// Any thread may call; calls run one after the other.
package final class Ledger: Sendable {
    /// The file, or `postgresql://host:port/database`: for people.
    package let place: String
    private let lease: Duration
    private let core: Mutex<LedgerCore>

    /// Opens or makes a ledger in a file, brings its tables up to date and acquires it.
    ///
    /// - Throws: `.inUse` when another process or value holds it, `.damaged` for another kind of file.
    package convenience init(path: String) throws(LedgerError) {
        try self.init(url: Secret("sqlite:\(path)", written: ""))
        guard try acquire(holder: "process \(getpid())", address: "") != nil else {
            throw LedgerError(.inUse, path, "another coordinator holds the ledger")
        }
    }

    /// Opens or makes a ledger and brings its tables up to date. It is to be acquired before anything is written.
    ///
    /// - Parameters:
    ///   - url: `sqlite:PATH`, or `postgresql://…` of a primary, without a pooler that shares sessions.
    ///   - patience: how long a call, and this one, goes on when the database is away, busy or not yet a primary.
    /// - Throws: `.damaged` when a newer product made it; `.cannotOpen` for a refused user or another kind of URL.
    package convenience init(url: Secret, patience: Duration = Limits.ledgerPatience) throws(LedgerError) {
        try self.init(url: url, patience: patience, lease: Limits.ledgerLease)
    }

    init(url: Secret, patience: Duration, lease: Duration) throws(LedgerError) {
        let text = url.reveal()
        let database: any LedgerDatabase
        if text.hasPrefix("sqlite:") {
            database = try SQLiteLedger(path: String(text.dropFirst("sqlite:".count)))
        } else if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") {
            database = try patiently(patience) { () throws(LedgerError) in try PostgresLedger(url: url) }
        } else {
            throw LedgerError(.cannotOpen, "\(url)", "a ledger is sqlite:PATH or postgresql://…")
        }
        place = database.place
        self.lease = lease
        core = Mutex(LedgerCore(database: database, patience: patience))
    }

    /// Whether a ledger is there already: a file, or tables in the database. Makes nothing.
    package static func isThere(_ url: Secret) throws(LedgerError) -> Bool {
        let text = url.reveal()
        guard text.hasPrefix("sqlite:") else { return try PostgresLedger.isThere(url) }
        return FileManager.default.fileExists(atPath: String(text.dropFirst("sqlite:".count)))
    }

    // MARK: Leading

    /// Begins to lead, under an epoch that nobody had.
    ///
    /// - Parameters:
    ///   - holder: a name that no other process has at the time; one that acquires again need not wait for itself.
    ///   - address: where workers reach it.
    /// - Returns: the epoch; nil while another's lease is live. Load all open runs then: what was known before is old.
    package func acquire(holder: String, address: String) throws(LedgerError) -> Int64? {
        try core.withLock { (core) throws(LedgerError) in
            try core.acquire(holder: holder, address: address, lease: lease)
        }
    }

    /// Makes the lease last anew.
    ///
    /// - Returns: false when another has taken over, or nobody acquired here: stop.
    /// - Throws: `.unreachable` when the database does not say; the lease runs out meanwhile.
    package func renew() throws(LedgerError) -> Bool {
        try core.withLock { (core) throws(LedgerError) in try core.renew(lease: lease) }
    }

    /// Ends the lease, so that another need not wait for its end. Nothing can be written afterwards.
    package func resign() throws(LedgerError) {
        try core.withLock { (core) throws(LedgerError) in try core.resign() }
    }

    /// Who leads, for a hint; nil while nobody does.
    package func leader() throws(LedgerError) -> (epoch: Int64, address: String)? {
        try read { (reader) throws(LedgerError) in try reader.database.leader() }
    }

    // MARK: Writing

    /// Begins a run.
    ///
    /// - Parameter document: the bytes that `documentDigest` is of (SHA-256); empty where nobody will ask for them.
    /// - Throws: `.refused` when there is a run of this name, attempt or submission; of one that takes another's place,
    ///   when that one is not to begin anew, or another has done so.
    package func begin(_ start: RunStart, document: [UInt8] = []) throws(LedgerError) {
        guard document.isEmpty || SHA256.hexadecimal(document) == start.documentDigest else {
            throw LedgerError(.refused, "run \(start.run)", "the digest is of another document")
        }
        let entry = LedgerEntry(
            run: start.run, record: .runStarted(start), at: start.startedAt, actor: start.actor,
            document: document.isEmpty ? nil : document)
        try append([entry])
    }

    /// Adds entries, of any runs, in one transaction.
    ///
    /// - Throws: `.deposed` when another leads, or nobody acquired the ledger here; `.unknownRun`; `.refused` when a record does not follow from what is
    ///   written: then none of them is. After `.unreachable` nobody knows: the same entries may be appended again, and
    ///   are not written twice, or the ledger is to be acquired and loaded again. An append of others writes them first.
    /// - Cost: on PostgreSQL two round trips and about ten statements for up to 64 shards; on SQLite one flush.
    package func append(_ entries: [LedgerEntry]) throws(LedgerError) {
        guard !entries.isEmpty else { return }
        try core.withLock { (core) throws(LedgerError) in try core.append(entries) }
    }

    /// Adds records of one run in one transaction.
    ///
    /// - Parameters:
    ///   - at: RFC 3339, UTC.
    ///   - actor: who caused it.
    package func append(_ records: [LedgerRecord], run: String, at time: String, actor: String = "coordinator")
        throws(LedgerError)
    {
        try append(records.map { LedgerEntry(run: run, record: $0, at: time, actor: actor) })
    }

    // MARK: Reading

    /// A run's state after all its records. Throws `.unknownRun`.
    package func load(_ run: String) throws(LedgerError) -> RecoveredRun {
        try read { (reader) throws(LedgerError) in try reader.run(run) }
    }

    /// How far a run came, of one whose other state cannot be read too; nil for one that the ledger does not have.
    package func state(_ run: String) throws(LedgerError) -> RunState? {
        try read { (reader) throws(LedgerError) in try reader.state(run) }
    }

    /// Runs that are neither published nor aborted, oldest first: what a restarted coordinator carries on with.
    package func openRuns() throws(LedgerError) -> [String] {
        let rows = try read { (reader) throws(LedgerError) in
            try reader.database.rows(
                "SELECT run FROM run WHERE state NOT IN ('published', 'aborted') ORDER BY started_at, run")
        }
        var runs: [String] = []
        for row in rows { runs.append(try row.text(0)) }
        return runs
    }

    /// Runs that lost their snapshots and are to begin anew, which none has done in their place yet; oldest first.
    package func runsToRestart() throws(LedgerError) -> [String] {
        let rows = try read { (reader) throws(LedgerError) in
            try reader.database.rows("SELECT run FROM run WHERE restart = 'due' ORDER BY started_at, run")
        }
        var runs: [String] = []
        for row in rows { runs.append(try row.text(0)) }
        return runs
    }

    /// The run that a submission began.
    package func run(ofSubmission submission: String) throws(LedgerError) -> String? {
        let rows = try read { (reader) throws(LedgerError) in
            try reader.database.rows("SELECT run FROM run WHERE submission = ?", .text(submission))
        }
        return try rows.first?.text(0)
    }

    /// The highest fencing token that was ever written; zero before the first.
    package func highestToken() throws(LedgerError) -> Int64 {
        let rows = try read { (reader) throws(LedgerError) in
            try reader.database.rows(
                "SELECT max(token) FROM attempt UNION ALL SELECT max(planning_token) FROM run")
        }
        var highest: Int64 = 0
        for row in rows { highest = max(highest, try row.optionalNumber(0) ?? 0) }
        return highest
    }

    /// The newest runs first.
    package func runs(limit: Int = 100) throws(LedgerError) -> [RunSummary] {
        try read { (reader) throws(LedgerError) in try reader.summaries(limit: limit) }
    }

    /// All records of a run in order, with their times.
    package func records(_ run: String) throws(LedgerError) -> [(at: String, actor: String, record: LedgerRecord)] {
        try read { (reader) throws(LedgerError) in try reader.records(run) }
    }

    /// The first row of the audit whose digest or number does not follow from the row before, or nil when all do.
    ///
    /// Cost: all rows are read, 256 at a time; other calls come in between.
    package func firstBrokenAuditRow() throws(LedgerError) -> Int64? {
        var head = LedgerHead.none
        while true {
            let from = head
            switch try read({ (reader) throws(LedgerError) in try reader.chain(after: from) }) {
            case .sound(let next): head = next
            case .ended: return nil
            case .broken(let row): return row
            }
        }
    }

    /// The digest of the newest row, to be kept elsewhere: it fixes all rows before it.
    package func auditHead() throws(LedgerError) -> String {
        try read { (reader) throws(LedgerError) in try reader.head() }.hash
    }

    /// How SQLite writes: its journal mode and its level of flushing (2: FULL).
    func durability() throws(LedgerError) -> (journal: String?, synchronous: Int64?) {
        let answers = try read { (reader) throws(LedgerError) in
            try reader.database.read([LedgerQuery("PRAGMA journal_mode"), LedgerQuery("PRAGMA synchronous")])
        }
        return (try answers[0][0].optionalText(0), try answers[1][0].optionalNumber(0))
    }

    private func read<Value: Sendable>(_ body: @Sendable (LedgerReader) throws(LedgerError) -> Value)
        throws(LedgerError)
        -> Value
    {
        try core.withLock { (core) throws(LedgerError) in try core.read(body) }
    }
}
