import GRDB
package import Model
import Postgres

/// The ledger could not be read or written, or was asked for something that contradicts it.
package struct LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another coordinator holds this ledger.
        case inUse
        case cannotOpen, noSpace, inputOutput
        /// The file is no ledger, of a newer product, or was edited.
        case damaged
        case unknownRun
        /// A record that does not follow from what is written: an old epoch, a second receipt, a commit without a seal.
        case refused
        /// Another coordinator leads, or may: nothing of the call is written. Stop, and acquire the ledger again.
        case deposed
        /// The database did not answer for as long as there was patience. Whether an append is written is not known:
        /// repeat it as it is, or acquire and load.
        case unreachable
    }

    package let code: Code
    package let subject: String
    package let detail: String
    /// SQLite's extended result code. Its message is not kept: it may quote a row.
    package let systemCode: Int32?
    /// PostgreSQL's SQLSTATE, without its message for the same reason.
    package let sqlState: String?

    package init(
        _ code: Code, _ subject: String, _ detail: String, systemCode: Int32? = nil, sqlState: String? = nil
    ) {
        self.code = code
        self.subject = subject
        self.detail = detail
        self.systemCode = systemCode
        self.sqlState = sqlState
    }

    static func translated(_ error: any Error, _ subject: String) -> LedgerError {
        if let error = error as? LedgerError { return error }
        if let error = error as? PostgresError { return translated(error, subject) }
        guard let error = error as? DatabaseError else {
            return LedgerError(.damaged, subject, "its contents cannot be read")
        }
        let number = error.extendedResultCode.rawValue
        switch error.resultCode {
        case .SQLITE_FULL: return LedgerError(.noSpace, subject, "no space is left", systemCode: number)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            return LedgerError(.cannotOpen, subject, "it cannot be opened for writing", systemCode: number)
        case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_SCHEMA:
            return LedgerError(.damaged, subject, "this is no sound ledger", systemCode: number)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return LedgerError(.inUse, subject, "another process uses it", systemCode: number)
        case .SQLITE_CONSTRAINT:
            return LedgerError(.refused, subject, "it contradicts what is written", systemCode: number)
        default: return LedgerError(.inputOutput, subject, "reading or writing failed", systemCode: number)
        }
    }

    static func translated(_ error: PostgresError, _ subject: String) -> LedgerError {
        func made(_ code: Code, _ detail: String) -> LedgerError {
            LedgerError(code, subject, detail, sqlState: error.state)
        }
        switch error.cause {
        case .wrongURL: return made(.cannotOpen, "this is no URL of a database")
        case .severalHosts: return made(.cannotOpen, "the URL names several hosts, which may be different servers")
        case .oldServer: return made(.cannotOpen, "PostgreSQL 14 or newer is needed")
        case .tooSlow: return made(.unreachable, "the database did not answer in time")
        case .state(nil): return made(.unreachable, "the connection to the database is lost")
        case .state(let state?):
            if error.isConnectionLost { return made(.unreachable, "the connection to the database is lost") }
            switch state {
            case "53100": return made(.noSpace, "no space is left")
            // A session that was idle for too long within a transaction, a server that only reads (not yet the primary),
            // locks, time-outs, deadlocks, no connection left: another time it may work, and nothing is written.
            case "25P03", "25006", "55P03", "57014", "40P01", "40001", "53300", "57P04":
                return made(.unreachable, "the database cannot do it now")
            case "42501", "3D000", "28000", "28P01": return made(.cannotOpen, "the database refuses this user")
            case "42P01", "42703", "3F000": return made(.damaged, "this is no sound ledger")
            default:
                let isRefusal = state.hasPrefix("23") || state.hasPrefix("22") || state == "P0001"
                return isRefusal
                    ? made(.refused, "it contradicts what is written") : made(.inputOutput, "reading or writing failed")
            }
        }
    }

    package var failure: TaskFailure {
        TaskFailure(
            kind: .target, disposition: .failRun, message: description,
            code: sqlState ?? systemCode.map { "sqlite \($0)" } ?? code.rawValue)
    }

    package var description: String {
        let number = sqlState.map { " (SQLSTATE \($0))" } ?? systemCode.map { " (sqlite \($0))" } ?? ""
        return "ledger: \(subject): \(detail)\(number)"
    }
}
