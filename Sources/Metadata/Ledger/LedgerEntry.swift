package import Model

/// A record of a run, for an append of several.
package struct LedgerEntry: Sendable, Equatable {
    package let run: String
    package let record: LedgerRecord
    /// RFC 3339, UTC.
    package let at: String
    /// Who caused it.
    package let actor: String
    /// The document's bytes, with `runStarted`; they stay out of the audit, whose record has their digest.
    let document: [UInt8]?

    package init(run: String, record: LedgerRecord, at: String, actor: String = "coordinator") {
        self.init(run: run, record: record, at: at, actor: actor, document: nil)
    }

    init(run: String, record: LedgerRecord, at: String, actor: String, document: [UInt8]?) {
        self.run = run
        self.record = record
        self.at = at
        self.actor = actor
        self.document = document
    }
}

/// The newest row of the audit.
struct LedgerHead: Sendable, Equatable {
    let sequence: Int64
    let hash: String

    static let none = LedgerHead(sequence: 0, hash: LedgerSchema.firstHash)
}

/// Entries as rows of the audit behind a certain row: where the head is tells whether they are written.
struct LedgerBatch: Sendable {
    let entries: [LedgerEntry]
    let previous: LedgerHead
    let last: LedgerHead
    private let rows: [[LedgerValue]]

    init(_ entries: [LedgerEntry], after previous: LedgerHead) {
        self.entries = entries
        self.previous = previous
        var head = previous
        rows = entries.map { entry in
            let event = ReceiptCoding.event(entry.record)
            let sequence = head.sequence + 1
            let hash = LedgerSchema.hash(
                previous: head.hash, sequence: sequence, at: entry.at, run: entry.run, actor: entry.actor, event: event)
            defer { head = LedgerHead(sequence: sequence, hash: hash) }
            return [
                .number(sequence), .text(head.hash), .text(hash), .text(entry.at), .text(entry.run), .text(entry.actor),
                .text(event),
            ]
        }
        last = head
    }

    /// The audit's rows come first: of two copies of a batch that are under way, the second waits there for the first.
    ///
    /// - Parameter oneByOne: every record has statements of its own, so that a refusal names it.
    func statements(oneByOne: Bool) throws(LedgerError) -> [LedgerStatement] {
        var writer = LedgerWriter(oneByOne: oneByOne)
        try writer.add(entries)
        return LedgerChange.audit.statements(rows, run: "", largest: oneByOne ? 1 : LedgerChange.largest)
            + writer.statements
    }
}
