internal import Metadata
package import Model
package import ModuleStore

/// Makes the accepted parts of a run a version: describes it, commits it, notes both in the ledger.
package final class Publishing {
    private let store: Store
    private let module: String
    private let attempt: String
    private let startedAt: String
    private let ledger: RunLedger
    private let iceberg: Bool
    /// The commit record, once there is one.
    package private(set) var record: CommitRecord?

    package init(store: Store, module: String, attempt: String, ledger: RunLedger, iceberg: Bool) {
        self.store = store
        self.module = module
        self.attempt = attempt
        self.ledger = ledger
        self.iceberg = iceberg
        startedAt = RunLedger.now
    }

    /// - Returns: the version's number, or why there is none. After a failure the last version is untouched.
    package func publish(_ plan: RunPlan, _ receipts: [PartReceipt]) -> Result<Int, TaskFailure> {
        let endedAt = RunLedger.now
        let retention = plan.about.compliance?.retention.flatMap { Retention($0) }
        do {
            let published = try Publisher(store: store, module: module, attempt: attempt).publish(
                tables: plan.tables.map(\.name), receipts: receipts, notes: plan.tables.map(TableNote.init), committedAt: endedAt,
                committedBy: "\(ProductVersion.name) \(ProductVersion.text)", expiresAt: retention?.end(after: endedAt),
                willCommit: { try ledger.noteCommitting($0) },
                describe: { publication in
                    Describe.files(
                        ModuleDescription(
                            plan: plan, receipts: receipts, publication: publication, run: attempt,
                            startedAt: startedAt, endedAt: endedAt, storeLocation: store.location, iceberg: iceberg))
                })
            record = published.record
            // The version is there, whatever the ledger says of it: its record decides.
            try? ledger.notePublished(version: published.record.version, sha256: published.sha256)
            _ = try? StoreCatalog.write(store)
            return .success(published.record.version)
        } catch let error as StoreError {
            return .failure(error.failure)
        } catch let error as LedgerError {
            return .failure(error.failure)
        } catch {
            return .failure(
                TaskFailure(kind: .target, disposition: .failRun, message: "the version cannot be published"))
        }
    }
}
