import Foundation
import GRDB

/// The ledger in an SQLite file: one machine, one coordinator. A lock beside the file decides who leads; the epoch is
/// counted all the same.
///
/// Durability: write-ahead log, flushed at every commit.
final class SQLiteLedger: LedgerDatabase {
    let place: String
    private let queue: DatabaseQueue
    /// nil while another holds it.
    private var lock: LedgerLock?

    /// Opens or makes the file. Where the lock is free it is taken and the tables are brought up to date.
    init(path: String) throws(LedgerError) {
        place = path
        let lock = try LedgerLock.take(path: path + ".lock")
        try LedgerFile.keepToOwner(path)
        do {
            var configuration = Configuration()
            configuration.foreignKeysEnabled = true
            configuration.busyMode = .timeout(5)
            configuration.label = "ledger"
            // Not through GRDB's journal mode: that lowers `synchronous` to NORMAL afterwards, which survives a crash of
            // the process but not of the machine.
            configuration.prepareDatabase {
                try $0.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try Self.migrate(queue, path, mayChange: lock != nil)
        } catch {
            throw .translated(error, path)
        }
        self.lock = lock
    }

    func read(
        _ queries: [LedgerQuery], _ row: (_ query: Int, _ row: LedgerRow) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        do {
            try queue.read { database in
                for (place, query) in queries.enumerated() {
                    let rows = try Row.fetchCursor(
                        database.cachedStatement(sql: query.sql),
                        arguments: StatementArguments(query.arguments.map(\.databaseValue)))
                    while let found = try rows.next() {
                        try row(place, LedgerRow(values: found.databaseValues.map(LedgerValue.init)))
                    }
                }
            }
        } catch {
            throw .translated(error, place)
        }
    }

    func write(_ statements: [LedgerStatement]) throws(LedgerError) {
        do {
            try queue.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for statement in statements {
                        try database.cachedStatement(sql: statement.sql).execute(
                            arguments: StatementArguments(statement.arguments.map(\.databaseValue)))
                        try statement.check(database.changesCount)
                    }
                    return .commit
                }
            }
        } catch {
            throw .translated(error, place)
        }
    }

    func fence(_ epoch: Int64) -> LedgerStatement {
        LedgerStatement(
            "UPDATE coordinator SET epoch = epoch WHERE id = 1 AND epoch = ?", [.number(epoch)], expected: 1,
            refusal: deposed)
    }

    func acquire(holder: String, address: String, lease: Duration) throws(LedgerError) -> Int64? {
        if lock == nil {
            guard let taken = try LedgerLock.take(path: place + ".lock") else { return nil }
            do { try Self.migrate(queue, place, mayChange: true) } catch { throw .translated(error, place) }
            lock = taken
        }
        try write([
            LedgerStatement(
                "UPDATE coordinator SET epoch = epoch + 1, holder = ?, address = ? WHERE id = 1",
                [.text(holder), .text(address)], expected: 1, refusal: deposed)
        ])
        return try rows("SELECT epoch FROM coordinator WHERE id = 1")[0].number(0)
    }

    /// Of the machine: inherited leases are measured by it, the lead is not.
    var clock: String { "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)" }

    func renew(_ epoch: Int64, lease: Duration) throws(LedgerError) -> Bool { lock != nil }

    func resign(_ epoch: Int64) throws(LedgerError) {
        guard lock != nil else { return }
        try write([
            LedgerStatement(
                "UPDATE coordinator SET address = '' WHERE id = 1 AND epoch = ?", [.number(epoch)], expected: nil,
                refusal: deposed)
        ])
        lock = nil
    }

    func leader() throws(LedgerError) -> (epoch: Int64, address: String)? {
        // A lock that is free: whoever led ended without a word.
        if lock == nil, try LedgerLock.take(path: place + ".lock") != nil { return nil }
        let row = try rows("SELECT epoch, address FROM coordinator WHERE id = 1")[0]
        let address = try row.text(1)
        return address.isEmpty ? nil : (try row.number(0), address)
    }

    /// GRDB's table of migrations is the ledger's version: an older product finds a name there that it does not know.
    private static func migrate(_ queue: DatabaseQueue, _ path: String, mayChange: Bool) throws {
        var migrator = DatabaseMigrator()
        for migration in LedgerSchema.migrations {
            migrator.registerMigration(migration.name) { database in
                try database.execute(sql: migration.tables)
                try database.execute(sql: migration.sqlite)
            }
        }
        if try queue.read({ [migrator] in try migrator.hasBeenSuperseded($0) }) {
            throw LedgerError(.damaged, path, "it was written by a newer version of the product")
        }
        if mayChange {
            try migrator.migrate(queue)
        } else if try !queue.read({ [migrator] in try migrator.hasCompletedMigrations($0) }) {
            throw LedgerError(.inUse, path, "an older version of the product holds it")
        }
    }
}

extension LedgerValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .number(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): bytes.map { Data($0).databaseValue } ?? .null
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .text(nil)
        case .int64(let number): self = .number(number)
        // No column of ours holds one: as a text it is damage to whoever wants a number.
        case .double: self = .bytes(nil)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .bytes([UInt8](data))
        }
    }
}
