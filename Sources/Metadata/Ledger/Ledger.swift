import Foundation
import GRDB
import Model

/// What happened, durably: append-only records of runs and the state that follows from them, in one SQLite file.
///
/// - Durability: when `append` returns, its records are on disk (write-ahead log, flushed at every commit).
/// - Atomicity: the records of one call are all written or none.
/// - One coordinator: a lock beside the file is held as long as the value lives.
/// - Privacy: records hold names, counts, digests and failures without foreign texts; no cell value by their types.
///
/// Any thread may call; calls run one after the other.
package final class Ledger: Sendable {
    package let path: String
    private let database: DatabaseQueue
    private let lock: LedgerLock

    /// Opens or makes a ledger, brings its tables up to date and takes the lock.
    ///
    /// - Throws: `.inUse` when another process or value holds it, `.damaged` for another kind of file.
    package init(path: String) throws(LedgerError) {
        self.path = path
        lock = try LedgerLock(path: path + ".lock")
        do {
            var configuration = Configuration()
            configuration.foreignKeysEnabled = true
            configuration.journalMode = .wal
            configuration.busyMode = .timeout(5)
            configuration.label = "ledger"
            // The default of a write-ahead log survives a crash of the process, not of the machine.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            database = try DatabaseQueue(path: path, configuration: configuration)
            let migrator = LedgerSchema.migrator
            if try database.read({ try migrator.hasBeenSuperseded($0) }) {
                throw LedgerError(.damaged, path, "it was written by a newer version of the product")
            }
            try migrator.migrate(database)
        } catch {
            throw .translated(error, path)
        }
    }

    /// Begins a run.
    package func begin(_ start: RunStart) throws(LedgerError) {
        try append([.runStarted(start)], run: start.run, at: start.startedAt, actor: start.actor)
    }

    /// Adds records of one run in one transaction.
    ///
    /// - Parameters:
    ///   - at: RFC 3339, UTC.
    ///   - actor: who caused it.
    /// - Throws: `.unknownRun`; `.refused` when a record does not follow from what is written: then none is.
    package func append(_ records: [LedgerRecord], run: String, at time: String, actor: String = "coordinator")
        throws(LedgerError)
    {
        guard !records.isEmpty else { return }
        do {
            try database.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for record in records {
                        try LedgerWriter(database: database, run: run, time: time).apply(record)
                        try Self.audit(record, run, time, actor, database)
                    }
                    return .commit
                }
            }
        } catch {
            throw .translated(error, "run \(run)")
        }
    }

    /// A run's state after all its records. Throws `.unknownRun`.
    package func load(_ run: String) throws(LedgerError) -> RecoveredRun {
        try read("run \(run)") { try LedgerReader(database: $0).run(run) }
    }

    /// Runs that are neither published nor aborted, oldest first: what a restarted coordinator carries on with.
    package func openRuns() throws(LedgerError) -> [String] {
        try read(path) { database in
            try String.fetchAll(
                database,
                sql: "SELECT run FROM run WHERE state NOT IN ('published', 'aborted') ORDER BY started_at, run")
        }
    }

    /// The newest runs first.
    package func runs(limit: Int = 100) throws(LedgerError) -> [RunSummary] {
        try read(path) { try LedgerReader(database: $0).summaries(limit: limit) }
    }

    /// All records of a run in order, with their times.
    package func records(_ run: String) throws(LedgerError) -> [(at: String, actor: String, record: LedgerRecord)] {
        try read("run \(run)") { database in
            try Row.fetchAll(database, sql: "SELECT at, actor, event FROM audit WHERE run = ? ORDER BY seq", arguments: [run])
                .map { row in
                    guard let record = Coding.value(LedgerRecord.self, row["event"]) else {
                        throw LedgerError(.damaged, "run \(run)", "a record cannot be read")
                    }
                    return (row["at"], row["actor"], record)
                }
        }
    }

    /// The first row of the audit whose digest or number does not follow from the row before, or nil when all do.
    package func firstBrokenAuditRow() throws(LedgerError) -> Int64? {
        try read(path) { database in
            var (previous, expected) = (LedgerSchema.firstHash, Int64(1))
            let rows = try Row.fetchCursor(database, sql: "SELECT * FROM audit ORDER BY seq")
            while let row = try rows.next() {
                let sequence: Int64 = row["seq"]
                let hash = LedgerSchema.hash(
                    previous: previous, sequence: sequence, at: row["at"], run: row["run"], actor: row["actor"],
                    event: row["event"])
                guard sequence == expected, row["prev_hash"] == previous, row["hash"] == hash else { return expected }
                (previous, expected) = (hash, expected + 1)
            }
            return nil
        }
    }

    /// The digest of the newest row, to be kept elsewhere: it fixes all rows before it.
    package func auditHead() throws(LedgerError) -> String {
        try read(path) { database in
            try String.fetchOne(database, sql: "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")
                ?? LedgerSchema.firstHash
        }
    }

    private func read<Value>(_ subject: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw .translated(error, subject)
        }
    }

    private static func audit(
        _ record: LedgerRecord, _ run: String, _ time: String, _ actor: String, _ database: Database
    ) throws {
        let last = try Row.fetchOne(database, sql: "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        let previous: String = last?["hash"] ?? LedgerSchema.firstHash
        let sequence: Int64 = (last?["seq"] ?? 0) + 1
        let event = Coding.text(record)
        let hash = LedgerSchema.hash(
            previous: previous, sequence: sequence, at: time, run: run, actor: actor, event: event)
        try database.execute(
            sql: "INSERT INTO audit (seq, prev_hash, hash, at, run, actor, event) VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [sequence, previous, hash, time, run, actor, event])
    }
}
