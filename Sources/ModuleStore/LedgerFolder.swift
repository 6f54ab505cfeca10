internal import Foundation

extension Store {
    /// Where the ledgers of this store's modules lie: beside the modules where the store is a folder, else below this
    /// user's state folder (`XDG_STATE_HOME`), under a name made of the store's location. No module can have its name.
    package var ledgerFolder: String {
        if let folder = storage.localFolder { return "\(folder)/\(Self.ledgerName)" }
        let environment = ProcessInfo.processInfo.environment
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let base = state ?? "\(NSHomeDirectory())/.local/state"
        return "\(base)/etl-express/\(FileDigest.hexadecimal(Array(location.utf8)).prefix(16))"
    }

    package func makeLedgerFolder() throws(StoreError) {
        let folder = FileSystem(root: ledgerFolder)
        try folder.makeRoot()
        // It names modules, tables and counts, and holds documents: for this user alone, whatever the umask.
        try folder.setMode("", 0o700)
    }

    private static let ledgerName = ".ledger"
}
