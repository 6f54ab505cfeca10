import Metadata
import Model
import ModuleStore

struct DiffAction: StoreAction {
    static let name = "diff"
    static let usage = "diff NAME@A NAME@B"

    func run(_ session: StoreSession) throws {
        try session.checkWords(2...2)
        let (before, after) = (try session.versionNamed(session.words[0]), try session.versionNamed(session.words[1]))
        guard before.module == after.module else {
            throw Stop(
                .wrongDocument, "diff compares two versions of one module, found \(before.module) and \(after.module)")
        }
        let difference: VersionDifference
        do {
            difference = try VersionDifference(
                statement(session.store, before.module, before.version),
                statement(session.store, after.module, after.version),
                profiler: PartProfiler(store: session.store))
        } catch let error as Stop {
            throw error
        } catch let error as StoreError {
            throw error
        } catch {
            // What a reader of files says may quote them.
            throw Stop(
                .checkFailed,
                "the versions' parts cannot be compared; verify them: etlx modules \(session.shown) verify \(after.module)"
            )
        }
        session.tell(difference.json, DiffReport.text(difference))
    }

    private func statement(_ store: Store, _ module: String, _ version: Int) throws -> VersionStatement {
        let name = "\(module)@\(version)"
        let record = try store.record(module: module, version: version)
        if let tombstone = try store.tombstone(module: module, version: version) {
            throw Stop(.wrongDocument, "\(name) was withdrawn \(tombstone.withdrawnAt): \(tombstone.reason)")
        }
        guard let statement = try VersionStatement(record, in: store) else {
            throw Stop(
                .checkFailed, "\(name): its protocol cannot be read; verify it: etlx modules STORE verify \(name)")
        }
        return statement
    }
}
