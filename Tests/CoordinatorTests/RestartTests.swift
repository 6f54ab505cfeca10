import Cluster
import Foundation
import Metadata
import Model
import ModuleStore
import Scheduling
import Testing

@testable import Coordinator

/// A coordinator died between writing that a run's snapshots are lost and beginning the run in its place.
@Suite("A run that is due to begin anew")
struct RestartTests {
    private static let lost = TaskFailure(kind: .snapshotLost, disposition: .failRun, message: "the keeper is gone")
    private static let unreadable = TaskFailure(kind: .document, disposition: .failRun, message: "no such store")
    private static let document = Array("format: 1".utf8)

    /// With a ledger in which run `a` is due.
    private func withDueRun(_ body: (_ ledgerPath: String, Store) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "etlx-restart-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/ledger.sqlite"
        do {
            let ledger = try Ledger(path: path)
            let start = RunStart(
                run: "a", module: "clinic", attempt: "a", documentDigest: FileDigest.hexadecimal(Self.document),
                startedAt: RunOffice.now, actor: "test", submission: "s", restartsOnSnapshotLoss: true)
            try ledger.begin(start, document: Self.document)
            try ledger.append([.aborted(Self.lost)], run: "a", at: RunOffice.now)
        }
        try body(path, Store(directory: "\(folder)/store"))
    }

    /// Takes over and does what there is to carry on with, until it is done.
    private func takeOver(_ ledger: Ledger, epoch: Int64, _ prepare: @escaping RunOffice.Prepare) throws -> (
        ClusterState, RunOffice
    ) {
        let state = ClusterState(
            epoch: epoch, credential: NodeCredential(secret: Array("s3cret".utf8)),
            recovered: try ledger.openRuns().map { try ledger.load($0) },
            restarts: try ledger.runsToRestart().map { try ledger.load($0) }, ended: try ledger.runs().reversed(),
            now: NodeClock.now)
        let office = RunOffice(ledger: ledger, actor: "test", persists: true, prepare: prepare)
        for action in state.pendingActions { office.perform(action, state) }
        for _ in 0..<2000 where office.busyCount > 0 { Thread.sleep(forTimeInterval: 0.005) }
        try #require(office.busyCount == 0)
        return (state, office)
    }

    private func prepared(_ store: Store) -> RunOffice.Prepare {
        { (document, _) throws(TaskFailure) -> RunOffice.Prepared in
            RunOffice.Prepared(
                store: store, module: "clinic", documentDigest: FileDigest.hexadecimal(document), iceberg: false)
        }
    }

    @Test("begins under whoever leads next, and under nobody a second time")
    func once() throws {
        try withDueRun { path, store in
            var next = ""
            do {
                let ledger = try Ledger(path: path)
                let (before, office) = try takeOver(ledger, epoch: 2, prepared(store))
                #expect(before.run("a")?.restartedAs == "")
                let events = office.takeEvents()
                guard events.count == 1, case .opened(let start, document: Self.document) = events[0] else {
                    Issue.record("nothing was opened: \(events)")
                    return
                }
                #expect(start.restartOf == "a" && start.submission == nil && start.module == "clinic")
                var state = before
                _ = state.handle(events[0], now: NodeClock.now)
                #expect(state.run("a")?.restartedAs == start.run)
                next = start.run
                // The same wish again, as of a coordinator that does not know yet: the ledger refuses, and nobody is told.
                for action in before.pendingActions { office.perform(action, before) }
                for _ in 0..<2000 where office.busyCount > 0 { Thread.sleep(forTimeInterval: 0.005) }
                #expect(office.takeEvents() == [] && office.busyCount == 0)
            }
            let ledger = try Ledger(path: path)
            let (state, office) = try takeOver(ledger, epoch: 3, prepared(store))
            #expect(state.pendingActions == [] && office.takeEvents() == [])
            #expect(try ledger.openRuns() == [next] && ledger.runs().count == 2)
            #expect(state.run("a")?.restartedAs == next)
        }
    }

    @Test("whose document can never be opened is not tried again by those who lead later")
    func never() throws {
        try withDueRun { path, _ in
            let ledger = try Ledger(path: path)
            let unreadable = Self.unreadable
            var (state, office) = try takeOver(ledger, epoch: 2) { (_, _) throws(TaskFailure) in throw unreadable }
            let events = office.takeEvents()
            #expect(events == [.restartFailed(of: "a", unreadable)])
            for event in events { try office.append(state.handle(event, now: NodeClock.now).records) }
            #expect(try ledger.runsToRestart() == [] && ledger.runs().count == 1)
            #expect(try ledger.records("a").last?.record == .notRestarted(unreadable))
            #expect(state.run("a")?.restartedAs == nil)
        }
    }
}
