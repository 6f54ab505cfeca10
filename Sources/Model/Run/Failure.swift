/// What the coordinator does about a failed attempt. Decided in the file of the error, carried to the coordinator.
package enum Disposition: String, Sendable, Codable {
    /// The same attempt may work later: a lost connection, a busy server.
    case retry
    /// It may work on another worker: no space.
    case retryElsewhere
    /// It cannot work: a value that the published type cannot hold, a changed schema, a lost snapshot.
    case failRun
}

/// A failure as it leaves a worker: no cell value, no foreign text.
package struct TaskFailure: Error, Sendable, Codable, Equatable {
    /// Which exit code the run ends with when it fails for this.
    package enum Kind: String, Sendable, Codable {
        case document, source, target, data, snapshotLost, schemaChanged, worker
    }

    package var kind: Kind
    package var disposition: Disposition
    /// A sentence for people: what happened, where, what to do. Never a cell value.
    package var message: String
    /// SQLSTATE, errno or our own code.
    package var code: String?
    /// Problems of the document or the source, when there are several.
    package var problems: [Problem]

    package init(
        kind: Kind, disposition: Disposition, message: String, code: String? = nil, problems: [Problem] = []
    ) {
        self.kind = kind
        self.disposition = disposition
        self.message = message
        self.code = code
        self.problems = problems
    }

    /// The code of a commit whose answer was lost: the version may be there.
    package static let unknownCommit = "unknown"
    package var isUnknownCommit: Bool { code == Self.unknownCommit }

    /// The same reason, of a run whose version may be there or may yet come.
    package var undecided: TaskFailure {
        var failure = self
        failure.code = Self.unknownCommit
        return failure
    }
}
