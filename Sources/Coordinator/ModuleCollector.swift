internal import Metadata
internal import Model
package import ModuleStore

/// Collects what no version refers to, with the care that the age asks for.
///
/// What is older than `Limits.collectableAge` cannot become a version any more, whoever made it. Below that age somebody
/// must know which runs are going on: the module's ledger, which the collector holds meanwhile, so that none begins. With
/// its lock in hand no coordinator works; a run that had begun to commit may still become a version and is spared. Only where the store is a folder is that ledger every coordinator's; elsewhere younger ages are refused.
package struct ModuleCollector {
    package struct Collected: Sendable, Equatable {
        package let swept: Swept
        /// Attempts that had begun to commit and whose outcome is not known: the next run of the module settles them.
        package let openAttempts: [String]
    }

    private let store: Store

    package init(_ store: Store) { self.store = store }

    /// - Throws: `.refused` for an age that is not safe here; what the storage says.
    package func collect(module: String, olderThan age: Duration, isRehearsal: Bool = false) throws(StoreError)
        -> Collected
    {
        guard age < Limits.collectableAge else {
            let swept = try store.sweep(module: module, olderThan: age, isRehearsal: isRehearsal)
            return Collected(swept: swept, openAttempts: [])
        }
        guard store.storage.localFolder != nil else {
            throw StoreError(
                .refused, module,
                "runs of other machines are not known here: nothing younger than \(Self.days) days is collected")
        }
        let (ledger, open) = try ledger(of: module)
        return try withExtendedLifetime(ledger) { () throws(StoreError) in
            let swept = try store.sweep(module: module, olderThan: age, running: open, isRehearsal: isRehearsal)
            return Collected(swept: swept, openAttempts: open.sorted())
        }
    }

    private static var days: Int64 { Limits.collectableAge.components.seconds / 86_400 }

    private func ledger(of module: String) throws(StoreError) -> (Ledger, Set<String>) {
        try store.makeLedgerFolder()
        do throws(LedgerError) {
            let ledger = try Ledger(path: "\(store.ledgerFolder)/\(module).sqlite")
            var open: Set<String> = []
            for name in try ledger.openRuns() {
                let run = try ledger.load(name)
                if run.state == .committing { open.insert(run.start.attempt) }
            }
            return (ledger, open)
        } catch  where error.code == .inUse {
            throw StoreError(
                .refused, module,
                "a run is going on: nothing younger than \(Self.days) days is collected beside it")
        } catch {
            throw StoreError(.inputOutput, module, "its ledger cannot be read", systemCode: error.systemCode)
        }
    }
}
