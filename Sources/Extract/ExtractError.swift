package import Model

/// A source that cannot be reached or read, or is not what the plan says. Foreign texts stay behind, they may quote rows.
package struct ExtractError: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        /// No connection, or it was lost.
        case unreachable
        /// Wrong user, password or rights.
        case notPermitted
        /// A table, schema, column or file that is not there.
        case notFound
        /// The source refused a statement of the document (`where`, `query`).
        case statementRefused
        /// The exported snapshot is gone, or another instance answers.
        case snapshotLost
        /// The table is not what was planned.
        case schemaChanged
        /// Row-level security would hide rows.
        case rowSecurity
        /// A file is not what was planned, or cannot be read.
        case unreadable
        case cellTooLarge
        /// The server was busy, shutting down or out of resources.
        case transient
    }

    package let code: Code
    package let source: String
    /// The table or file concerned.
    package let subject: String?
    /// A fixed sentence: what was found, what would be right.
    package let reason: String
    package let remedy: String?
    /// SQLSTATE or errno.
    package let foreignCode: String?

    package init(
        _ code: Code, source: String, subject: String? = nil, reason: String, remedy: String? = nil,
        foreignCode: String? = nil
    ) {
        self.code = code
        self.source = source
        self.subject = subject
        self.reason = reason
        self.remedy = remedy
        self.foreignCode = foreignCode
    }

    package var disposition: Disposition {
        switch code {
        case .unreachable, .transient: .retry
        case .notPermitted, .notFound, .statementRefused, .snapshotLost, .schemaChanged, .rowSecurity, .unreadable,
            .cellTooLarge:
            .failRun
        }
    }
}
