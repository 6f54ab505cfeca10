package import Metadata
package import Model
package import ModuleStore

/// The ledger of one module beside the modules of its store, for runs on one machine.
package enum ModuleLedger {
    /// Opens it and settles what coordinators left open: a commit whose answer was lost is sent again, byte for byte.
    ///
    /// - Returns: the ledger, and what became of earlier runs, in sentences.
    /// - Throws: `TaskFailure` when another run of the module holds it, when the disk refuses, or when the store still
    ///   does not say what became of an earlier commit.
    package static func open(_ store: Store, module: String) throws(TaskFailure) -> (ledger: Ledger, settled: [String])
    {
        do throws(StoreError) { try store.makeLedgerFolder() } catch { throw error.failure }
        let ledger: Ledger
        do throws(LedgerError) { ledger = try Ledger(path: "\(store.ledgerFolder)/\(module).sqlite") } catch {
            throw error.failure
        }
        return (ledger, try EarlierRuns(ledger: ledger, store: store, module: module).settle())
    }
}
