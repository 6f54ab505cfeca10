/// What libpq and the server say, without their texts: those may quote rows. Callers make their own sentences of it.
package struct PostgresError: Error, Sendable, Equatable {
    package enum Cause: Sendable, Equatable {
        /// The URL does not parse.
        case wrongURL
        /// The URL names several hosts, which may be different servers.
        case severalHosts
        /// No connection within the time that was given.
        case tooSlow
        /// The server is older than PostgreSQL 14.
        case oldServer
        /// The server's SQLSTATE; nil: there is no connection, or it was lost.
        case state(String?)
    }

    package let cause: Cause
    /// Host and port; empty where there is none yet.
    package let place: String

    package init(_ cause: Cause, place: String) {
        self.cause = cause
        self.place = place
    }

    package var state: String? { if case .state(let state) = cause { state } else { nil } }

    /// Nobody knows what became of a statement that was under way.
    package var isConnectionLost: Bool {
        guard case .state(let state) = cause else { return cause == .tooSlow }
        guard let state else { return true }
        return state.hasPrefix("08") || ["57P01", "57P02", "57P03", "57P05"].contains(state)
    }

    /// The SQLSTATE that ends a message written at `PQERRORS_SQLSTATE` verbosity (`FATAL:  28P01`), or nil.
    package static func state(inConnectionMessage message: String) -> String? {
        let last = message.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        let isCode =
            last.utf8.count == 5
            && last.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
            && last.utf8.contains { (0x30...0x39).contains($0) }
        return isCode ? last : nil
    }
}
