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

    /// - Returns: the version's record, or why there is none. After a failure the last version is untouched.
    package func publish(_ plan: RunPlan, _ receipts: [PartReceipt]) -> Result<CommitRecord, any Error> {
        let retention = plan.about.compliance?.retention.flatMap { Retention($0) }
        do {
            let published = try Publisher(store: store, module: start.module, attempt: start.attempt).publish(
                tables: plan.tables.map(\.name), receipts: receipts, notes: plan.tables.map(TableNote.init),
                committedAt: sealedAt,
                committedBy: "\(ProductVersion.name) \(ProductVersion.text)",
                expiresAt: retention?.end(after: sealedAt),
                willCommit: { record in
                    try note(
                        .committing(
                            version: record.version, record: String(decoding: record.bytesOfFile, as: UTF8.self)))
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
            return .success(published.record)
        } catch { return .failure(error) }
    }

    /// Sends the record again of a run that had begun to commit when its coordinator ended.
    ///
    /// - Returns: the record where it is the version; nil where another took its number.
    package func settle(record text: String) -> Result<CommitRecord?, any Error> {
        let bytes = Array(text.utf8)
        do {
            guard let record = try? CommitRecord(json: JSON.parse(bytes)), record.attempt == start.attempt else {
                throw LedgerError(.damaged, "run \(start.run)", "its commit record cannot be read")
            }
            guard try store.repeatCommit(record) else { return .success(nil) }
            do { try note(.published(version: record.version, commitSHA256: FileDigest.hexadecimal(bytes))) } catch let
                error as LedgerError where error.code == .refused
            {
                // The coordinator before this one came to write it.
            }
            return .success(record)
        } catch { return .failure(error) }
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
