internal import CPostgres
package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One libpq connection. Calls block; one thread at a time may use it. It closes when the last reference goes.
///
/// Foreign texts never leave it: errors carry SQLSTATE, the subject that the caller named, and host and port.
@safe package final class PostgresConnection {
    /// The source's name in the document.
    package let source: String
    package let host: String
    package let port: Int
    let raw: OpaquePointer

    /// Connects within `timeout`.
    ///
    /// - Throws: `.unreachable` with host and port; `.notPermitted` for a refused user or password, for a URL that
    ///   does not parse or names several hosts (a run must stay on one server), and for a server older than 14.
    package init(source: String, url: Secret, timeout: Duration = .seconds(10)) throws(ExtractError) {
        self.source = source
        let raw = unsafe try PostgresConnecting.connect(source: source, url: url, timeout: timeout)
        unsafe self.raw = raw
        let place = unsafe PostgresConnecting.place(raw)
        host = place.host
        port = place.port
        try Self.checkVersion(serverVersion, source: source)
        try execute("SET search_path = ''; SET client_min_messages = error")
    }

    deinit { unsafe PQfinish(raw) }

    static func checkVersion(_ version: Int, source: String) throws(ExtractError) {
        guard version >= 140_000 else {
            throw ExtractError(
                .notPermitted, source: source,
                reason: "the server is older than PostgreSQL 14, which cannot scan a table by block ranges",
                remedy: "read from a server of version 14 or newer")
        }
    }

    var place: String { "\(host):\(port)" }
    package var isAlive: Bool { unsafe PQstatus(raw) == CONNECTION_OK }
    package var serverVersion: Int { unsafe Int(PQserverVersion(raw)) }
    package var database: String { unsafe PQdb(raw).map { unsafe String(cString: $0) } ?? "" }

    /// Runs statements that give no rows anyone wants.
    package func execute(_ sql: String, subject: String? = nil) throws(ExtractError) {
        try execute(sql, subject: subject, doing: .catalogWork)
    }

    func execute(_ sql: String, subject: String?, doing: PostgresFailure.Doing) throws(ExtractError) {
        let result = unsafe PQexec(raw, sql)
        defer { unsafe PQclear(result) }
        unsafe try check(result, subject: subject, doing: doing)
    }

    /// Runs one statement for few rows: catalogue work. Parameters are texts; SQL NULL is nil.
    package func query(_ sql: String, _ parameters: [String?] = [], subject: String? = nil) throws(ExtractError)
        -> [[String?]]
    {
        let result = unsafe withCStrings(parameters) { values in
            unsafe PQexecParams(raw, sql, Int32(parameters.count), nil, values, nil, nil, 0)
        }
        defer { unsafe PQclear(result) }
        unsafe try check(result, subject: subject, doing: .catalogWork)
        let columnCount = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columnCount).map { column in
                unsafe PQgetisnull(result, row, column) == 1
                    ? nil : unsafe PQgetvalue(result, row, column).map { unsafe String(cString: $0) }
            }
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

    /// The columns that a statement gives; it is not run.
    func describe(statement sql: String, subject: String?) throws(ExtractError) -> [Described] {
        try analyse(statement: sql, subject: subject)
        let result = unsafe PQdescribePrepared(raw, "")
        defer { unsafe PQclear(result) }
        unsafe try check(result, subject: subject, doing: .documentStatement)
        return unsafe (0..<PQnfields(result)).map { column in
            unsafe Described(
                name: PQfname(result, column).map { unsafe String(cString: $0) } ?? "",
                typeOID: PQftype(result, column), typmod: PQfmod(result, column), attribute: PQftablecol(result, column))
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
        // libpq makes a result without SQLSTATE when the connection broke.
        let state = unsafe PQresultErrorField(result, PostgresConnection.sqlStateField).map { unsafe String(cString: $0) }
        return PostgresFailure.error(state: state, source: source, subject: subject, doing: doing, place: place)
    }

    /// `PG_DIAG_SQLSTATE`, a macro of a character.
    private static let sqlStateField = Int32(UInt8(ascii: "C"))
}

/// Calls `body` with C strings that live for the call; nil stays a null pointer.
func withCStrings<Result>(
    _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    var pointers: [UnsafePointer<CChar>?] = unsafe texts.map { text in
        unsafe text.map { unsafe UnsafePointer(strdup($0)) }
    }
    defer { for unsafe pointer in unsafe pointers { unsafe free(UnsafeMutablePointer(mutating: pointer)) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
        unsafe body(UnsafePointer(buffer.baseAddress))
    }
}
