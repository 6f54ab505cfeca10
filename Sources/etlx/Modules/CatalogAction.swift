import Coordinator
import Model
import ModuleStore

struct CatalogAction: StoreAction {
    static let name = "catalog"
    static let usage = "catalog"

    func run(_ session: StoreSession) throws {
        try session.checkWords(0...0)
        let written = try StoreCatalog.write(session.store)
        let path = "\(session.store.location)/\(written.path)"
        session.tell(
            .record(["path": .text(path), "versions": .integer(Int64(written.versions))]),
            "\(path): \(written.versions) versions")
    }
}
