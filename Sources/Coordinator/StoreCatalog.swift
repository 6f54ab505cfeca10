internal import Metadata
internal import Model
package import ModuleStore

/// `catalog.jsonld` at a store's root: a convenience for catalogues of others, made anew from the records.
///
/// It decides nothing: readers that want to be sure read the commit records. Whoever writes it looks again afterwards, so
/// that one that slept in between does not leave an older state.
package enum StoreCatalog {
    /// - Returns: its path in the store, and how many versions it lists.
    /// - Cost: reads the record and the description of every version of every module.
    @discardableResult
    package static func write(_ store: Store) throws(StoreError) -> (path: String, versions: Int) {
        var looks = 0
        while true {
            let before = try versions(of: store)
            let entries = try entries(of: store)
            let file = Catalog.file(entries)
            try store.storage.write(file.path, file.bytes)
            try store.storage.settle([""])
            looks += 1
            // Where versions come faster than the catalogue is written, each of their publishers writes it as well.
            let isLast = try versions(of: store) == before
            if isLast || looks == 3 { return (file.path, entries.count) }
        }
    }

    private static func versions(of store: Store) throws(StoreError) -> [String: [Int]] {
        var found: [String: [Int]] = [:]
        for module in try store.modules() { found[module] = try store.versions(module: module) }
        return found
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
