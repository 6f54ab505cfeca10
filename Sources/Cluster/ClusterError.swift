/// The control plane does not work. Holds nng's own error text, which names no data.
package struct ClusterError: Error, Sendable, Equatable {
    package enum Code: Sendable {
        /// No answer in time, or the connection was lost: the outcome is unknown.
        case unanswered
        /// The address cannot be used.
        case badAddress
        /// The message is longer than `Limits.bytesPerMessage`.
        case tooLong
        /// The other side speaks another protocol, or refused us.
        case refused
        /// One of the two sides does not accept the other's certificate.
        case untrusted
        /// The rules of the network forbid it, or a file of the certificates cannot be used: a person must act.
        case notAllowed
        /// New sockets were of no help: the process should end with 75 and be started again.
        case wedged
    }

    package let code: Code
    package let reason: String

    package init(_ code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }
}
