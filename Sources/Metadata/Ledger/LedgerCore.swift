import Foundation
import Model

/// What the ledger knows between calls: its epoch, where the chain of records ends, and a batch whose outcome it does not
/// know. One thread at a time.
struct LedgerCore {
    let database: any LedgerDatabase
    let patience: Duration
    /// nil: not leading.
    private var epoch: Int64?
    /// nil: to be read.
    private var head: LedgerHead?
    private var pending: LedgerBatch?
    /// Batches that were pending and that somebody else's append has written; whoever repeats one is told so.
    private var settled: [[LedgerEntry]] = []

    init(database: any LedgerDatabase, patience: Duration) {
        self.database = database
        self.patience = patience
    }

    // MARK: Leading

    mutating func acquire(holder: String, address: String, lease: Duration) throws(LedgerError) -> Int64? {
        (epoch, head, pending, settled) = (nil, nil, nil, [])
        let database = database
        epoch = try patiently(patience) { () throws(LedgerError) in
            try database.acquire(holder: holder, address: address, lease: lease)
        }
        if let epoch { try inherit(epoch) }
        return epoch
    }

    /// Leases are inherited once: from the first take-over on, until somebody has heard of them again.
    ///
    /// - Cost: linear in the attempts of open runs, of which the coordinator reads all afterwards.
    private mutating func inherit(_ epoch: Int64) throws(LedgerError) {
        let statements = [
            database.fence(epoch),
            LedgerStatement(
                """
                UPDATE attempt SET inherited_at = \(database.clock) WHERE state = 'granted' AND inherited_at IS NULL
                    AND run IN (SELECT run FROM run WHERE state IN ('planning', 'running', 'sealed', 'committing'))
                """, [], expected: nil, refusal: database.deposed),
            LedgerStatement(
                """
                UPDATE run SET planning_inherited_at = \(database.clock)
                WHERE state = 'planning' AND planning_epoch IS NOT NULL AND planning_inherited_at IS NULL
                """, [], expected: nil, refusal: database.deposed),
        ]
        let database = database
        do throws(LedgerError) {
            try patiently(patience) { () throws(LedgerError) in try database.write(statements) }
        } catch {
            depose()
            throw error
        }
    }

    mutating func renew(lease: Duration) throws(LedgerError) -> Bool {
        guard let epoch else { return false }
        let database = database
        let isLeading = try patiently(patience) { () throws(LedgerError) in try database.renew(epoch, lease: lease) }
        if !isLeading { depose() }
        return isLeading
    }

    mutating func resign() throws(LedgerError) {
        guard let epoch else { return }
        depose()
        try database.resign(epoch)
    }

    private mutating func depose() { (epoch, head, pending, settled) = (nil, nil, nil, []) }

    // MARK: Reading

    func read<Value>(_ body: (LedgerReader) throws(LedgerError) -> Value) throws(LedgerError) -> Value {
        let reader = LedgerReader(database: database)
        return try patiently(patience) { () throws(LedgerError) in try body(reader) }
    }

    // MARK: Writing

    /// The chain makes it exactly once: the head of the audit is the batch's last row if the batch is written, the row
    /// before it if it is not, and any other if somebody else wrote.
    mutating func append(_ entries: [LedgerEntry]) throws(LedgerError) {
        guard epoch != nil else { throw database.deposed }
        if let index = settled.firstIndex(of: entries) {
            settled.remove(at: index)
            return
        }
        if let pending, pending.entries != entries {
            // Whoever sent it may have given up, and everybody else would wait for ever. What it hears when it does repeat
            // it is what came of it: a refusal is found again.
            do throws(LedgerError) {
                try send(pending.entries)
                settled.append(pending.entries)
                if settled.count > Self.settledBatches { settled.removeFirst() }
            } catch  where error.code == .refused || error.code == .unknownRun {}
        }
        try send(entries)
    }

    /// Far more than there are threads that append.
    private static let settledBatches = 64

    private mutating func send(_ entries: [LedgerEntry]) throws(LedgerError) {
        guard let epoch else { throw database.deposed }
        let batch: LedgerBatch
        if let pending { batch = pending } else { batch = LedgerBatch(entries, after: try currentHead()) }
        // Whether a copy may be under way, or be written.
        var isSent = pending != nil
        var wasRefused = false
        var waiting = Patience(patience)
        while true {
            do throws(LedgerError) {
                if isSent, try isWritten(batch) { return accept(batch) }
                try write(batch, epoch)
                return accept(batch)
            } catch {
                switch error.code {
                case .unreachable:
                    (isSent, pending) = (true, batch)
                    guard waiting.wait() else { throw error }
                case .deposed:
                    depose()
                    throw error
                default:
                    // The copy before may have been written while this one waited for it.
                    guard isSent, !wasRefused else {
                        pending = nil
                        head = nil
                        throw error
                    }
                    wasRefused = true
                }
            }
        }
    }

    private mutating func accept(_ batch: LedgerBatch) { (head, pending) = (batch.last, nil) }

    private mutating func currentHead() throws(LedgerError) -> LedgerHead {
        if let head { return head }
        let found = try read { (reader) throws(LedgerError) in try reader.head() }
        head = found
        return found
    }

    private func isWritten(_ batch: LedgerBatch) throws(LedgerError) -> Bool {
        let found = try LedgerReader(database: database).head()
        if found == batch.last { return true }
        guard found == batch.previous else { throw database.deposed }
        return false
    }

    /// - Throws: of a refusal, which record it was: they are tried once more one by one.
    private func write(_ batch: LedgerBatch, _ epoch: Int64) throws(LedgerError) {
        let fence = database.fence(epoch)
        do throws(LedgerError) {
            try database.write([fence] + batch.statements(oneByOne: false))
        } catch  where error.code == .refused {
            // Rows of somebody else are behind the one that we know: no refusal, an end.
            if try isWritten(batch) { return }
            do throws(LedgerError) {
                try database.write([fence] + batch.statements(oneByOne: true))
            } catch  where error.code == .refused {
                throw try unknownRun(in: batch) ?? error
            }
        }
    }

    private func unknownRun(in batch: LedgerBatch) throws(LedgerError) -> LedgerError? {
        var known: Set<String> = []
        for entry in batch.entries where known.insert(entry.run).inserted {
            if case .runStarted = entry.record { continue }
            if try database.rows("SELECT 1 FROM run WHERE run = ?", .text(entry.run)).isEmpty {
                return LedgerError(.unknownRun, "run \(entry.run)", "the ledger has no such run")
            }
        }
        return nil
    }
}

/// Does again, as long as the database cannot be reached, what changes nothing when it is done twice.
func patiently<Value>(_ patience: Duration, _ body: () throws(LedgerError) -> Value) throws(LedgerError) -> Value {
    var waiting = Patience(patience)
    while true {
        do throws(LedgerError) { return try body() } catch  where error.code == .unreachable {
            guard waiting.wait() else { throw error }
        }
    }
}

/// Pauses between attempts, each twice as long as the one before, up to a deadline.
struct Patience {
    private let deadline: ContinuousClock.Instant
    private var pause = Duration.milliseconds(20)

    init(_ time: Duration) { deadline = .now + time }

    /// Waits a while; false when there is no time left.
    mutating func wait() -> Bool {
        let left = deadline - .now
        guard left > .zero else { return false }
        let time = min(pause, left)
        Thread.sleep(forTimeInterval: Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18)
        pause = min(pause * 2, .milliseconds(500))
        return true
    }
}
