import Cluster
import Foundation
import Metadata
import Model
import ModuleStore
import Scheduling
import Testing

@testable import Coordinator

/// A run whose loop ended while it was being published: the ledger decides what is said of it.
@Suite("A run that is stopped while it is published")
struct StopTests {
    private static let reason = TaskFailure(kind: .worker, disposition: .failRun, message: "stopped")
    private static let document = Array("format: 1".utf8)

    /// With a run without tables that is whole, on disk, as the next coordinator finds it.
    private func withSealedRun(
        persists: Bool = false, readsDocument: Bool = true,
        _ body: (Ledger, RunOffice, Store, _ run: String, _ publish: () throws -> [ClusterState.Event]) throws -> Void
    ) throws {
        let folder = NSTemporaryDirectory() + "etlx-stop-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = Store(directory: folder)
        let run = try store.beginAttempt(module: "clinic")
        try store.makeLedgerFolder()
        let ledger = try Ledger(path: "\(store.ledgerFolder)/clinic.sqlite")
        let start = RunStart(
            run: run, module: "clinic", attempt: run, documentDigest: FileDigest.hexadecimal(Self.document),
            startedAt: RunOffice.now, actor: "test")
        try ledger.begin(start, document: Self.document)
        let plan = RunPlan(
            about: ModuleAbout(
                module: "clinic", title: "Clinic", description: "Nothing.", documentDigest: start.documentDigest),
            codec: .zstd, sources: [], keys: [], tables: [], warnings: [])
        try ledger.append([.planned(plan), .sealed], run: run, at: RunOffice.now)
        let office = RunOffice(ledger: ledger, actor: "test", persists: persists) {
            (document, _) throws(TaskFailure) in
            guard readsDocument else {
                throw TaskFailure(kind: .document, disposition: .failRun, message: "no such document")
            }
            return RunOffice.Prepared(
                store: store, module: "clinic", documentDigest: FileDigest.hexadecimal(document), iceberg: false)
        }
        let state = ClusterState(
            epoch: 2, credential: NodeCredential(secret: Array("s3cret".utf8)), recovered: [try ledger.load(run)],
            now: NodeClock.now)
        try body(ledger, office, store, run) {
            for action in state.pendingActions { office.perform(action, state) }
            for _ in 0..<2000 where office.busyCount > 0 { Thread.sleep(forTimeInterval: 0.005) }
            try #require(office.busyCount == 0)
            return office.takeEvents()
        }
    }

    @Test("before it had begun to commit: it never does, and nothing is what it is said to be")
    func beforeCommitting() throws {
        try withSealedRun { ledger, office, store, run, publish in
            guard case .nothing = office.giveUp(run, Self.reason) else {
                Issue.record("the ledger did not take its end")
                return
            }
            #expect(try ledger.load(run).state == .aborted)
            // Its publisher is at work all the same.
            guard case .failed(run, _, .unsent)? = try publish().first else {
                Issue.record("it was published")
                return
            }
            #expect(try store.versions(module: "clinic") == [])
        }
    }

    @Test("after it had begun to commit: nobody knows, the run stays open, and what publishes it next does")
    func committing() throws {
        try withSealedRun { ledger, office, store, run, publish in
            let record = try noted(store, run)
            try ledger.append(
                [.committing(version: 1, record: String(decoding: record.bytesOfFile, as: UTF8.self))], run: run,
                at: RunOffice.now)
            guard case .undecided = office.giveUp(run, Self.reason) else {
                Issue.record("its outcome is known")
                return
            }
            #expect(try ledger.load(run).state == .committing)
            let events = try publish()
            #expect(events == [.published(run: run, version: 1)])
            #expect(try ledger.load(run).state == .published && store.versions(module: "clinic") == [1])
        }
    }

    @Test("after its number was taken: that is the proof, and the ledger takes it")
    func taken() throws {
        try withSealedRun(persists: true) { ledger, _, store, run, publish in
            let record = try noted(store, run)
            try ledger.append(
                [.committing(version: 1, record: String(decoding: record.bytesOfFile, as: UTF8.self))], run: run,
                at: RunOffice.now)
            _ = try store.storage.create("clinic/_versions/00000001.json", Array("{}".utf8), attempt: run)
            guard case .failed(run, let failure, let proof?)? = try publish().first else {
                Issue.record("it did not fail")
                return
            }
            #expect(proof == .taken(commitSHA256: FileDigest.hexadecimal(Array("{}".utf8))))
            #expect(failure.code == StoreError.Code.conflict.rawValue)
            try ledger.append([.aborted(failure, proof: proof)], run: run, at: RunOffice.now)
            #expect(try ledger.load(run).state == .aborted)
        }
    }

    @Test("by a coordinator that cannot read its document: what had begun to commit is not taken back")
    func unreadable() throws {
        for isCommitting in [false, true] {
            try withSealedRun(persists: true, readsDocument: false) { ledger, _, store, run, publish in
                if isCommitting {
                    try ledger.append([.committing(version: 1, record: "{}")], run: run, at: RunOffice.now)
                }
                switch try publish().first {
                case .failed(run, _, .unsent)?: #expect(!isCommitting)
                case .undecided(run, let failure)?: #expect(isCommitting && failure.isUnknownCommit)
                default: Issue.record("nothing is said of it")
                }
                #expect(try ledger.load(run).state == (isCommitting ? .committing : .sealed))
            }
        }
    }

    /// The record of an attempt that was described and whose publisher died before it sent it.
    private func noted(_ store: Store, _ run: String) throws -> CommitRecord {
        struct Stopped: Error {}
        var record: CommitRecord?
        #expect(throws: Stopped.self) {
            try Publisher(store: store, module: "clinic", attempt: run).publish(
                tables: [], receipts: [], committedAt: "2026-11-23T05:30:00Z", committedBy: "test", expiresAt: nil,
                willCommit: {
                    record = $0
                    throw Stopped()
                }, describe: { _ in [MetadataFile(path: ModuleLayout.croissant, bytes: Array("{}".utf8))] })
        }
        return try #require(record)
    }
}
