import Foundation
import Metadata
import Model
import ModuleStore
import Testing

@testable import Coordinator

@Suite("Collecting")
struct ModuleCollectorTests {
    @Test("a young age waits for the run that is going on, an age past every deadline does not")
    func besideARun() throws {
        let (store, attempt) = try storeWithAttempt()
        defer { try? FileManager.default.removeItem(atPath: store.location) }
        let later = Store(store.storage, now: { Store.systemTime() + 3_600_000 })
        do {
            let run = try RunLedger(
                store: store, module: "clinic", attempt: attempt, documentDigest: "d", actor: "test")
            let error = #expect(throws: StoreError.self) {
                try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
            }
            #expect(error?.code == .refused && error?.detail.contains("a run is going on") == true)
            let collected = try ModuleCollector(later).collect(module: "clinic", olderThan: Limits.collectableAge)
            #expect(collected.swept.isEmpty)
            withExtendedLifetime(run) {}
        }
        // The coordinator died: its run is open in the ledger and spared while it might still be carried on with.
        let spared = try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
        #expect(spared.swept.isEmpty && spared.openAttempts == [attempt])
        let muchLater = Store(store.storage, now: { Store.systemTime() + 5 * 86_400_000 })
        let collected = try ModuleCollector(muchLater).collect(module: "clinic", olderThan: Limits.collectableAge)
        #expect(collected.swept.staging == [attempt])
    }

    @Test("what a run noted as ended left behind is collected at any age")
    func afterARun() throws {
        let (store, attempt) = try storeWithAttempt()
        defer { try? FileManager.default.removeItem(atPath: store.location) }
        let run = try RunLedger(store: store, module: "clinic", attempt: attempt, documentDigest: "d", actor: "test")
        run.noteInterrupted()
        _ = consume run
        let later = Store(store.storage, now: { Store.systemTime() + 3_600_000 })
        let rehearsed = try ModuleCollector(later).collect(
            module: "clinic", olderThan: .seconds(60), isRehearsal: true)
        let collected = try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
        #expect(collected.swept.staging == [attempt] && rehearsed == collected)
    }

    private func storeWithAttempt() throws -> (Store, String) {
        let store = Store(directory: NSTemporaryDirectory() + "etlx-collector-\(UUID().uuidString)")
        return (store, try store.beginAttempt(module: "clinic"))
    }
}
