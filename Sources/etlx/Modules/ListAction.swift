import Model
import ModuleStore

struct ListAction: StoreAction {
    static let name = "list"
    static let usage = "list"

    func run(_ session: StoreSession) throws {
        try session.checkWords(0...0)
        let store = session.store
        var rows: [[String]] = []
        var objects: [JSON] = []
        for name in try store.modules() {
            let versions = try store.versions(module: name)
            guard let latest = try store.latest(module: name) else {
                rows.append([name, "all \(versions.count) versions withdrawn"])
                objects.append(.record(["module": .text(name), "versions": .integer(Int64(versions.count))]))
                continue
            }
            let record = try store.record(module: name, version: latest)
            let total = record.tables.reduce(0) { $0 + $1.rows }
            rows.append([
                "\(name)@\(latest)", "\(record.tables.count) tables", "\(Console.grouped(total)) rows",
                Console.size(record.bytes), record.committedAt,
            ])
            objects.append(
                .record([
                    "module": .text(name), "versions": .integer(Int64(versions.count)), "latest": record.json,
                ]))
        }
        session.tell(
            .record(["modules": .list(objects)]),
            rows.isEmpty ? "no modules in \(session.shown)" : Console.aligned(rows, indent: ""))
    }
}
