import GRDB
package import Model

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
    }

    package let code: Code
    package let subject: String
    package let detail: String
    /// SQLite's extended result code. Its message is not kept: it may quote a row.
    package let systemCode: Int32?

    package init(_ code: Code, _ subject: String, _ detail: String, systemCode: Int32? = nil) {
        self.code = code
        self.subject = subject
        self.detail = detail
        self.systemCode = systemCode
    }

    static func translated(_ error: any Error, _ subject: String) -> LedgerError {
        if let error = error as? LedgerError { return error }
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

    package var failure: TaskFailure {
        TaskFailure(
            kind: .target, disposition: .failRun, message: description,
            code: systemCode.map { "sqlite \($0)" } ?? code.rawValue)
    }

    package var description: String {
        let number = systemCode.map { " (sqlite \($0))" } ?? ""
        return "ledger: \(subject): \(detail)\(number)"
    }
}
