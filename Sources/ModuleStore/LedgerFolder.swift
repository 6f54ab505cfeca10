import Model

extension LocalStore {
    /// Where the ledgers of this store's modules lie; no module can have its name.
    package var ledgerFolder: String { files.absolute(Self.ledgerName) }

    package func makeLedgerFolder() throws(StoreError) {
        try files.makeRoot()
        try files.makeFolder(Self.ledgerName)
    }

    private static let ledgerName = ".ledger"
}
