package import Model

/// A store could not do what was asked. Names a path below the store, never what is in a file.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case noSpace, notAllowed, inputOutput
        /// The file system has neither hard links nor a rename that refuses to replace.
        case noExclusiveCreate
        /// A name that cannot be a folder's, or an attempt id of another form.
        case badName
        case alreadyExists, notFound
        /// The attempt is unknown here or past its deadline: it was swept, or it waited too long.
        case attemptEnded
        /// Another version appeared under the number that this attempt was to take.
        case conflict
        /// A staged part, a receipt or a version is not what its record says.
        case damaged
        /// Rows read are not rows accounted for, or two receipts name one shard.
        case unbalanced
        /// What is asked for contradicts what is there: a gap between versions, another reason, another history.
        case refused
        /// A published table is not what the document promises of it: a key that repeats, a reference without target.
        case brokenPromise
        /// The place cannot be reached, or does not answer in time.
        case unreachable
        /// A record was sent and nobody knows whether it was kept, or is kept for good: only the same bytes may be sent
        /// again.
        case unknown
    }

    package let code: Code
    /// Relative to the store, or a name.
    package let subject: String
    package let detail: String
    package let systemCode: Int32?
    /// Every worker would meet it: no use in trying again.
    let isLasting: Bool

    package init(
        _ code: Code, _ subject: String, _ detail: String, systemCode: Int32? = nil, isLasting: Bool = false
    ) {
        self.code = code
        self.subject = subject
        self.detail = detail
        self.systemCode = systemCode
        self.isLasting = isLasting
    }

    /// A record that is not sent any more: its attempt is past the deadline.
    static func tooLate(_ path: String) -> StoreError {
        StoreError(.attemptEnded, path, "the attempt began too long ago to be published")
    }

    /// The same failure, of a step behind which the version may be there.
    func unknown(_ detail: String) -> StoreError {
        StoreError(.unknown, subject, detail, systemCode: systemCode)
    }

    /// Whoever publishes the attempt beside us says something else of it, and may have committed that.
    static func describedOtherwise(_ path: String) -> StoreError {
        StoreError(.conflict, path, "the attempt was described as another version, or by another build, already")
    }

    /// What a failed call of the system means. The system's own message is not kept.
    static func system(_ number: Int32, _ subject: String, _ action: String) -> StoreError {
        let code: Code =
            switch number {
            case ErrorNumber.noSpace, ErrorNumber.quota, ErrorNumber.fileTooBig: .noSpace
            case ErrorNumber.accessDenied, ErrorNumber.notPermitted, ErrorNumber.readOnly: .notAllowed
            case ErrorNumber.exists: .alreadyExists
            case ErrorNumber.absent, ErrorNumber.noFolder: .notFound
            case ErrorNumber.nameTooLong: .badName
            default: .inputOutput
            }
        return StoreError(code, subject, "cannot \(action)", systemCode: number)
    }

    package var disposition: Disposition {
        switch code {
        case _ where isLasting: .failRun
        case .noSpace, .notAllowed, .inputOutput: .retryElsewhere
        case .alreadyExists, .notFound, .damaged, .unreachable: .retry
        case .noExclusiveCreate, .badName, .attemptEnded, .conflict, .unbalanced, .refused, .brokenPromise, .unknown:
            .failRun
        }
    }

    package var failure: TaskFailure {
        TaskFailure(
            kind: code == .unbalanced || code == .brokenPromise ? .data : .target, disposition: disposition,
            message: description,
            code: code == .unknown ? TaskFailure.unknownCommit : systemCode.map { "errno \($0)" } ?? code.rawValue)
    }

    package var description: String {
        let advice: String =
            switch code {
            case .noSpace: "; free space there or choose another target"
            // Places that are no folders have said what to check.
            case .notAllowed: systemCode == nil ? "" : "; check the owner and the permissions of the store"
            case .conflict: "; two coordinators publish this module: let one of them do it, or run again"
            case .attemptEnded: "; run again"
            case .unknown: "; nothing was removed: run again, which finds out and carries on"
            case .inputOutput, .unreachable, .badName, .noExclusiveCreate, .alreadyExists, .notFound, .damaged,
                .unbalanced, .refused,
                .brokenPromise:
                ""
            }
        let number = systemCode.map { " (errno \($0))" } ?? ""
        // What concerns the whole store names no path.
        let place = subject.isEmpty ? "" : "\(subject): "
        return "store: \(place)\(detail)\(number)\(advice)"
    }
}
