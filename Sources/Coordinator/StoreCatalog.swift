internal import Metadata
internal import Model
package import ModuleStore

/// `catalog.jsonld` at a store's root: a convenience for catalogues of others, made anew from the records.
///
/// It decides nothing: readers that want to be sure read the commit records. Two that write it at once leave one of two
/// whole files, which may lack the other's version until the next one is written.
package enum StoreCatalog {
    /// - Returns: its path in the store, and how many versions it lists.
    /// - Cost: reads the record and the description of every version of every module.
    @discardableResult
    package static func write(_ store: Store) throws(StoreError) -> (path: String, versions: Int) {
        let entries = try entries(of: store)
        let file = Catalog.file(entries)
        try store.storage.write(file.path, file.bytes)
        try store.storage.settle([""])
        return (file.path, entries.count)
    }

    /// Versions whose record cannot be read are left out: `verify` names them.
    private static func entries(of store: Store) throws(StoreError) -> [CatalogEntry] {
        var entries: [CatalogEntry] = []
        for module in try store.modules() {
            for version in try store.versions(module: module) {
                guard let record = try? store.record(module: module, version: version) else { continue }
                let description = try? JSON.parse(store.readFile(record, ModuleLayout.croissant))
                let tombstone = (try? store.tombstone(module: module, version: version)) ?? nil
                entries.append(
                    CatalogEntry(record: record, croissant: description, withdrawnAt: tombstone?.withdrawnAt))
            }
        }
        return entries
    }
}
