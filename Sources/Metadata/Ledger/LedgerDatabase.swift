/// What the ledger needs of a database. One call at a time: the ledger sees to that.
///
/// A call that throws `.unreachable` may have done its work; the next call connects anew.
protocol LedgerDatabase: AnyObject {
    /// Where it is, for people: without user and password.
    var place: String { get }

    /// Rows of the queries' answers, one after the other and all of the same moment; `row` is called with the query's place.
    ///
    /// When it throws, some rows may have been given.
    func read(
        _ queries: [LedgerQuery], _ row: (_ query: Int, _ row: LedgerRow) throws(LedgerError) -> Void
    ) throws(LedgerError)

    /// Runs the statements in one transaction. When it returns they are on disk; when it throws another code than
    /// `.unreachable`, nothing of them is kept.
    func write(_ statements: [LedgerStatement]) throws(LedgerError)

    /// A statement that changes one row as long as `epoch` leads, and keeps another from taking over until the end of the
    /// transaction.
    func fence(_ epoch: Int64) -> LedgerStatement

    /// - Returns: the new epoch; nil while another's lease is live.
    func acquire(holder: String, address: String, lease: Duration) throws(LedgerError) -> Int64?

    /// An expression: the database's clock, in milliseconds since 1970.
    var clock: String { get }

    /// - Returns: false when another has taken over.
    func renew(_ epoch: Int64, lease: Duration) throws(LedgerError) -> Bool

    /// Ends the lease of an epoch, if it still has one.
    func resign(_ epoch: Int64) throws(LedgerError)

    /// Who has a live lease.
    func leader() throws(LedgerError) -> (epoch: Int64, address: String)?
}

extension LedgerDatabase {
    func read(_ queries: [LedgerQuery]) throws(LedgerError) -> [[LedgerRow]] {
        var answers = [[LedgerRow]](repeating: [], count: queries.count)
        try read(queries) { (query, row) throws(LedgerError) in answers[query].append(row) }
        return answers
    }

    func rows(_ sql: String, _ arguments: LedgerValue...) throws(LedgerError) -> [LedgerRow] {
        try read([LedgerQuery(sql, arguments)])[0]
    }

    var deposed: LedgerError { LedgerError(.deposed, place, "this coordinator does not lead, or not any more") }
}
