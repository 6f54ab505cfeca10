import Model

extension LocalStore {
    /// Removes what an attempt left behind that was not published: its staged parts and, when no commit record refers to
    /// it, its folder of descriptions and linked parts.
    package func abandonAttempt(module: String, attempt: String) throws(StoreError) {
        try checkName(module: module)
        try checkName(attempt: attempt)
        for version in try versions(module: module).reversed() {
            // An unreadable record may refer to it: nothing is removed.
            if try record(module: module, version: version).attempt == attempt { return }
        }
        try files.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
        try files.removeTree("\(module)/\(ModuleLayout.run(attempt))")
    }

    /// Where the ledgers of this store's modules lie; no module can have its name.
    package var ledgerFolder: String { files.absolute(Self.ledgerName) }

    package func makeLedgerFolder() throws(StoreError) {
        try files.makeRoot()
        try files.makeFolder(Self.ledgerName)
    }

    private static let ledgerName = ".ledger"
}
