internal import CPostgres
package import Model
internal import Postgres

/// One connection to a source. Calls block; one thread at a time may use it. It closes when the last reference goes.
///
/// Foreign texts never leave it: errors carry SQLSTATE, the subject that the caller named, and host and port.
@safe package final class PostgresConnection {
    /// The source's name in the document.
    package let source: String
    let session: PostgresSession

    /// Connects within `timeout`.
    ///
    /// - Throws: `.unreachable` with host and port; `.notPermitted` for a refused user or password, for a URL that
    ///   does not parse or names several hosts (a run must stay on one server), and for a server older than 14.
    package init(source: String, url: Secret, timeout: Duration = .seconds(10)) throws(ExtractError) {
        self.source = source
        do throws(PostgresError) { session = try PostgresSession(url: url, timeout: timeout) } catch {
            throw PostgresFailure.error(error, source: source, subject: nil, doing: .connecting)
        }
    }

    var raw: OpaquePointer { unsafe session.raw }
    package var host: String { session.host }
    package var port: Int { session.port }
    var place: String { session.place }
    package var isAlive: Bool { session.isAlive }
    package var serverVersion: Int { session.serverVersion }
    package var database: String { session.database }

    /// Runs statements that give no rows anyone wants.
    package func execute(_ sql: String, subject: String? = nil) throws(ExtractError) {
        try execute(sql, subject: subject, doing: .catalogWork)
    }

    func execute(_ sql: String, subject: String?, doing: PostgresFailure.Doing) throws(ExtractError) {
        do throws(PostgresError) { try session.execute(sql) } catch {
            throw PostgresFailure.error(error, source: source, subject: subject, doing: doing)
        }
    }

    /// Runs one statement for few rows: catalogue work. Parameters are texts; SQL NULL is nil.
    package func query(_ sql: String, _ parameters: [String?] = [], subject: String? = nil) throws(ExtractError)
        -> [[String?]]
    {
        do throws(PostgresError) { return try session.query(sql, parameters) } catch {
            throw PostgresFailure.error(error, source: source, subject: subject, doing: .catalogWork)
        }
    }

    struct Described: Equatable {
        let name: String
        let typeOID: UInt32
        let typmod: Int32
        /// Its number in its table; 0 for an expression.
        let attribute: Int32
    }

    /// Parse analysis alone, which also locks the relations that a statement names until the transaction ends.
    package func analyse(statement sql: String, subject: String?) throws(ExtractError) {
        let result = unsafe PQprepare(raw, "", sql, 0, nil)
        defer { unsafe PQclear(result) }
        unsafe try check(result, subject: subject, doing: .documentStatement)
    }

    /// Lets the server look at what a document selects, without running it.
    ///
    /// - Throws: `.statementRefused`: with SQLSTATE where the server does not take the statement; without, where it would
    ///   take another one than the document seems to say.
    package func check(_ selection: PostgresSelection) throws(ExtractError) {
        let subject = selection.origin.name
        _ = try describe(statement: selection.statement, subject: subject)
        for proof in selection.proofs {
            do throws(ExtractError) { _ = try describe(statement: proof, subject: subject) } catch {
                guard error.code == .statementRefused else { throw error }
                throw ExtractError(
                    .statementRefused, source: source, subject: subject,
                    reason: "it is valid between parentheses and not by itself",
                    remedy: "close what it opens and nothing else")
            }
        }
    }

    /// The columns that a statement gives; it is not run.
    ///
    /// - Throws: `.statementRefused`, for parameters (`$1`) too: a shard's statement is run without any.
    func describe(statement sql: String, subject: String?) throws(ExtractError) -> [Described] {
        try analyse(statement: sql, subject: subject)
        let result = unsafe PQdescribePrepared(raw, "")
        defer { unsafe PQclear(result) }
        unsafe try check(result, subject: subject, doing: .documentStatement)
        guard unsafe PQnparams(result) == 0 else {
            throw ExtractError(
                .statementRefused, source: source, subject: subject, reason: "it has parameters, which have no value",
                remedy: "write a value in place of `$1`")
        }
        return unsafe (0..<PQnfields(result)).map { column in
            unsafe Described(
                name: PQfname(result, column).map { unsafe String(cString: $0) } ?? "",
                typeOID: PQftype(result, column), typmod: PQfmod(result, column), attribute: PQftablecol(result, column)
            )
        }
    }

    /// Throws unless the result is a success of some kind.
    func check(_ result: OpaquePointer?, subject: String?, doing: PostgresFailure.Doing) throws(ExtractError) {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_OUT: return
        default:
            throw unsafe failure(result, subject: subject, doing: doing)
        }
    }

    func failure(_ result: OpaquePointer?, subject: String?, doing: PostgresFailure.Doing) -> ExtractError {
        unsafe PostgresFailure.error(session.error(of: result), source: source, subject: subject, doing: doing)
    }
}
