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
            let run = try ledger(of: store, begun: attempt)
            let error = #expect(throws: StoreError.self) {
                try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
            }
            #expect(error?.code == .refused && error?.detail.contains("a run is going on") == true)
            let collected = try ModuleCollector(later).collect(module: "clinic", olderThan: Limits.collectableAge)
            #expect(collected.swept.isEmpty)
            withExtendedLifetime(run) {}
        }
        // The coordinator died before it committed: nobody can carry on with the attempt.
        let collected = try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
        #expect(collected.swept.staging == [attempt] && collected.openAttempts == [])
    }

    @Test("an attempt that had begun to commit is spared until it is past every deadline")
    func committing() throws {
        let (store, attempt) = try storeWithAttempt()
        defer { try? FileManager.default.removeItem(atPath: store.location) }
        try store.makeLedgerFolder()
        do {
            let ledger = try Ledger(path: "\(store.ledgerFolder)/clinic.sqlite")
            try ledger.begin(
                RunStart(
                    run: attempt, module: "clinic", attempt: attempt, documentDigest: "d",
                    startedAt: "2026-11-23T05:30:00Z", actor: "test"))
            let plan = RunPlan(
                about: ModuleAbout(module: "clinic", title: "", description: "", documentDigest: "d"), codec: .zstd,
                sources: [], keys: [], tables: [], warnings: [])
            try ledger.append(
                [.planned(plan), .sealed, .committing(version: 1, record: "{}")], run: attempt,
                at: "2026-11-23T05:30:00Z")
        }
        let later = Store(store.storage, now: { Store.systemTime() + 3_600_000 })
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
        let run = try ledger(of: store, begun: attempt)
        try run.append(
            [.aborted(TaskFailure(kind: .worker, disposition: .failRun, message: "interrupted"))], run: attempt,
            at: RunOffice.now)
        _ = consume run
        let later = Store(store.storage, now: { Store.systemTime() + 3_600_000 })
        let rehearsed = try ModuleCollector(later).collect(
            module: "clinic", olderThan: .seconds(60), isRehearsal: true)
        let collected = try ModuleCollector(later).collect(module: "clinic", olderThan: .seconds(60))
        #expect(collected.swept.staging == [attempt] && rehearsed == collected)
    }

    @Test("a cluster's run, which no ledger here knows, is spared until it is over or past every deadline")
    func besideACluster() throws {
        let store = Store(directory: NSTemporaryDirectory() + "etlx-collector-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: store.location) }
        let attempt = try store.beginAttempt(module: "clinic", isShared: true)
        // Its parts are placed and described, and its record is on its way.
        try store.storage.write("clinic/runs/\(attempt)/croissant.json", [1])
        let later = Store(store.storage, now: { Store.systemTime() + 3_600_000 })
        #expect(try ModuleCollector(later).collect(module: "clinic", olderThan: .zero).swept.isEmpty)
        #expect(try store.storage.files(below: "clinic/runs") == ["\(attempt)/croissant.json"])
        // Its coordinators died: nobody publishes it after the deadline.
        let muchLater = Store(store.storage, now: { Store.systemTime() + 5 * 86_400_000 })
        let dead = try ModuleCollector(muchLater).collect(module: "clinic", olderThan: .zero, isRehearsal: true)
        #expect(dead.swept.runs == [attempt] && dead.swept.staging == [attempt])
        // It came to nothing: the mark went with what was staged.
        try store.storage.removeTree("clinic/_staging/\(attempt)")
        #expect(try ModuleCollector(later).collect(module: "clinic", olderThan: .zero).swept.runs == [attempt])
    }

    private func ledger(of store: Store, begun attempt: String) throws -> Ledger {
        let ledger = try ModuleLedger.open(store, module: "clinic").ledger
        try ledger.begin(
            RunStart(
                run: attempt, module: "clinic", attempt: attempt, documentDigest: "d", startedAt: RunOffice.now,
                actor: "test"))
        return ledger
    }

    private func storeWithAttempt() throws -> (Store, String) {
        let store = Store(directory: NSTemporaryDirectory() + "etlx-collector-\(UUID().uuidString)")
        return (store, try store.beginAttempt(module: "clinic"))
    }
}
