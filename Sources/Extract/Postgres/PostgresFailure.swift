internal import Model
internal import Postgres

/// From libpq's answers to `ExtractError`: by SQLSTATE alone. The server's text stays behind, it may quote rows.
enum PostgresFailure {
    /// What was being done, for the meaning of a code that has several.
    enum Doing {
        case connecting
        case catalogWork
        /// A statement that holds the document's own SQL.
        case documentStatement
        case readingRows
        case importingSnapshot
    }

    static func error(_ error: PostgresError, source: String, subject: String?, doing: Doing) -> ExtractError {
        func refused(_ reason: String, _ remedy: String) -> ExtractError {
            ExtractError(.notPermitted, source: source, reason: reason, remedy: remedy)
        }
        switch error.cause {
        case .wrongURL:
            return refused(
                "the source's URL is not one of PostgreSQL", "write postgresql://user:password@host:port/database")
        case .severalHosts:
            return refused(
                "the source's URL names several hosts", "name one: all connections of a run must reach the same server")
        case .oldServer:
            return refused(
                "the server is older than PostgreSQL 14, which cannot scan a table by block ranges",
                "read from a server of version 14 or newer")
        case .tooSlow:
            return ExtractError(
                .unreachable, source: source, reason: "\(error.place) did not answer in time",
                remedy: "check the address, the network and firewalls")
        case .state(let state):
            return Self.error(state: state, source: source, subject: subject, doing: doing, place: error.place)
        }
    }

    static func error(state: String?, source: String, subject: String?, doing: Doing, place: String) -> ExtractError {
        func make(_ code: ExtractError.Code, _ reason: String, _ remedy: String? = nil) -> ExtractError {
            ExtractError(code, source: source, subject: subject, reason: reason, remedy: remedy, foreignCode: state)
        }
        guard let state else {
            return make(
                .unreachable,
                doing == .connecting ? "no connection to \(place)" : "the connection to \(place) was lost",
                "check that the server runs and accepts connections from here")
        }
        if doing == .importingSnapshot, ["22023", "42704", "55000"].contains(state) {
            return make(
                .snapshotLost, "the snapshot of the run no longer exists on \(place)",
                "run again; no pooler or load balancer may stand between, and a standby's replay may not take away what is read: "
                    + "hot_standby_feedback = on there, or replay paused")
        }
        switch state {
        case "42501":
            return make(
                .notPermitted, "the role may not do this, or row-level security would hide rows from it",
                "grant SELECT on the table and USAGE on its schema; where policies apply, read as a role with BYPASSRLS"
            )
        case "42P01", "3F000":
            if doing == .documentStatement { break }
            return make(.notFound, "the table is not there")
        case "42703":
            if doing == .documentStatement { break }
            return make(.notFound, "a column is not there")
        case "3D000":
            return make(.notFound, "the database is not there", "correct the database's name in the URL")
        case "55P03":
            return make(
                .transient, "the table is locked by another session", "run again when the schema change is done")
        case "40001":
            return make(
                .transient, "a standby cancelled the statement because of a conflict with recovery",
                "set hot_standby_feedback = on there, or read from the primary")
        case "57014":
            return make(.transient, "the server cancelled the statement")
        case "25P03", "25P04":
            return make(.transient, "the server ended the session's transaction, which took too long")
        case "54000", "54001":
            return make(.statementRefused, "the statement is beyond one of the server's limits")
        default: break
        }
        switch state.prefix(2) {
        case "08": return make(.unreachable, "the connection to \(place) was lost")
        case "28":
            return make(
                .notPermitted, "\(place) refused the user or password",
                "check user and password in the URL, and pg_hba.conf")
        case "53": return make(.transient, "\(place) is out of connections, memory or disk")
        case "57", "58", "XX": return make(.transient, "\(place) shut down, started up or failed")
        default: break
        }
        if state == "22021" || state == "22P05" {
            return make(
                .statementRefused, "a text of the table cannot be sent as UTF-8 (SQLSTATE \(state))",
                "repair it in the source, or drop its column; databases in SQL_ASCII check nothing")
        }
        if doing == .readingRows, state.hasPrefix("22") {
            return make(
                .statementRefused, "a value made an expression of the statement fail (SQLSTATE \(state))",
                "look at `where`, at the query, and at casts to float64")
        }
        switch doing {
        case .documentStatement, .readingRows:
            return make(
                .statementRefused, "the server refused the statement (SQLSTATE \(state))",
                "try the document's `query` or `where` in psql")
        case .connecting: return make(.notPermitted, "\(place) refused the connection (SQLSTATE \(state))")
        case .catalogWork, .importingSnapshot:
            return make(.statementRefused, "the server refused a statement about its catalogue (SQLSTATE \(state))")
        }
    }
}
