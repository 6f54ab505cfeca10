internal import Metadata
package import Model
package import ModuleStore

/// Makes the accepted parts of a run a version: describes it, commits it, notes both in the ledger.
///
/// Whoever does it again for the same run, here or on another coordinator, describes it with the same bytes: its times are
/// those of the ledger.
package struct Publishing {
    package typealias Note = (_ record: LedgerRecord) throws -> Void

    private let store: Store
    private let start: RunStart
    private let sealedAt: String
    private let iceberg: Bool
    private let note: Note

    /// - Parameters:
    ///   - sealedAt: RFC 3339, UTC: when the ledger says that the run was whole.
    ///   - note: Appends a record of the run to the ledger.
    package init(store: Store, start: RunStart, sealedAt: String, iceberg: Bool = false, note: @escaping Note) {
        self.store = store
        self.start = start
        self.sealedAt = sealedAt
        self.iceberg = iceberg
        self.note = note
    }

    /// What came of it. After each the last version is untouched.
    package enum Outcome {
        case published(CommitRecord)
        /// There is no version of the run and never will be.
        case failed(any Error, NoVersion)
        /// There may be one, now or later: the ledger keeps the record, and nothing is removed.
        case undecided(any Error)
        /// The same, and the record may not be sent again: the deadline is past, or the files are not there.
        case open(StoreError)
    }

    /// For a run of which no record was sent before.
    package func publish(_ plan: RunPlan, _ receipts: [PartReceipt]) -> Outcome {
        // The record that may be on its way.
        var sent: CommitRecord?
        let retention = plan.about.compliance?.retention.flatMap { Retention($0) }
        do {
            let published = try Publisher(store: store, module: start.module, attempt: start.attempt).publish(
                tables: plan.tables.map(\.name), receipts: receipts, notes: plan.tables.map(TableNote.init),
                committedAt: sealedAt,
                committedBy: "\(ProductVersion.name) \(ProductVersion.text)",
                expiresAt: retention?.end(after: sealedAt),
                willCommit: { record in
                    sent = nil
                    try note(
                        .committing(
                            version: record.version, record: String(decoding: record.bytesOfFile, as: UTF8.self)))
                    sent = record
                },
                describe: { publication in
                    Describe.files(
                        ModuleDescription(
                            plan: plan, receipts: receipts, publication: publication, run: start.run,
                            startedAt: start.startedAt, endedAt: sealedAt, storeLocation: store.location,
                            iceberg: iceberg))
                })
            // The version is there, whatever the ledger says of it: its record decides.
            try? note(.published(version: published.record.version, commitSHA256: published.sha256))
            _ = try? StoreCatalog.write(store)
            return .published(published.record)
        } catch {
            guard let sent else { return .failed(error, .unsent) }
            switch (error as? StoreError)?.code {
            case .unknown, nil: return .undecided(error)
            case .conflict:
                // What else has the number is the proof that this run never gets it.
                guard let other = try? store.recordBytes(module: sent.module, version: sent.version),
                    other != sent.bytesOfFile
                else { return .undecided(error) }
                return .failed(error, .taken(commitSHA256: FileDigest.hexadecimal(other)))
            default: return .failed(error, .unsent)
            }
        }
    }

    /// Sends the record again of a run that had begun to commit when its coordinator ended, or did not hear the answer.
    package func settle(record text: String) -> Outcome {
        let bytes = Array(text.utf8)
        do {
            guard let record = try? CommitRecord(json: JSON.parse(bytes)), record.attempt == start.attempt else {
                throw LedgerError(.damaged, "run \(start.run)", "its commit record cannot be read")
            }
            switch try store.repeatCommit(record) {
            case .never(let proof):
                return .failed(StoreError(.conflict, record.module, proof.reason), proof)
            case .open:
                return .open(
                    StoreError(
                        .unknown, "\(record.module)@\(record.version)",
                        "the record may not be sent again, and one that was sent may still come"))
            case .version: break
            }
            do { try note(.published(version: record.version, commitSHA256: FileDigest.hexadecimal(bytes))) } catch let
                error as LedgerError where error.code == .refused
            {
                // The coordinator before this one came to write it.
            }
            return .published(record)
        } catch { return .undecided(error) }
    }
}

extension NoVersion {
    /// For people.
    var reason: String {
        switch self {
        case .taken: "another run published this version first"
        case .unsent: "its commit record was never sent"
        case .expired: "its commit record never came, and the run began too long ago to be published"
        }
    }
}

extension TaskFailure {
    /// What publishing throws, as the run's failure.
    static func ofPublishing(_ error: any Error) -> TaskFailure {
        switch error {
        case let failure as TaskFailure: failure
        case let error as StoreError: error.failure
        case let error as LedgerError: error.failure
        default: TaskFailure(kind: .target, disposition: .failRun, message: "the version cannot be published")
        }
    }
}
