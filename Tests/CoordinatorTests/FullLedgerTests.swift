import Cluster
import Foundation
import Metadata
import Model
import ModuleStore
import Scheduling
import TestKit
import Testing

@testable import Coordinator

/// Every part is there and the ledger has no room: the run waits for it, it is not given up.
@Suite("A finished run whose ledger is full")
struct FullLedgerTests {
    private static let document = Array("format: 1".utf8)

    /// PostgreSQL's own answer of a full disk, for every row of the audit.
    private static let fill = """
        SET search_path = etlx_ledger;
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON audit FOR EACH STATEMENT EXECUTE FUNCTION full_disk();
        """
    private static let makeRoom = "DROP TRIGGER full_disk ON etlx_ledger.audit"

    /// With a ledger in which a run without tables is whole, and the run as a coordinator that takes over finds it.
    private func withSealedRun(
        persists: Bool, _ body: (PostgresTestDatabase, Ledger, RunOffice, ClusterState, Store) throws -> Void
    ) throws {
        guard let server = PostgresTestServer.shared else {
            try Test.cancel(Comment(rawValue: PostgresTestServer.reasonToSkip))
        }
        let folder = NSTemporaryDirectory() + "etlx-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try server.withDatabase("full") { database in
            let ledger = try Ledger(url: Secret(database.url, written: "test"))
            _ = try #require(try ledger.acquire(holder: "test", address: "tcp://test"))
            let store = Store(directory: folder)
            let attempt = try store.beginAttempt(module: "clinic")
            let start = RunStart(
                run: attempt, module: "clinic", attempt: attempt, documentDigest: FileDigest.hexadecimal(Self.document),
                startedAt: RunOffice.now, actor: "test")
            try ledger.begin(start, document: Self.document)
            let plan = RunPlan(
                about: ModuleAbout(
                    module: "clinic", title: "Clinic", description: "Nothing.", documentDigest: start.documentDigest),
                codec: .zstd, sources: [], keys: [], tables: [], warnings: [])
            try ledger.append([.planned(plan), .sealed], run: attempt, at: RunOffice.now)
            let state = ClusterState(
                epoch: 2, credential: NodeCredential(secret: Array("s3cret".utf8)),
                recovered: [try ledger.load(attempt)],
                now: NodeClock.now)
            #expect(state.pendingActions == [.publish(run: attempt)])
            let office = RunOffice(ledger: ledger, actor: "test", persists: persists) {
                (document, _) throws(TaskFailure) in
                RunOffice.Prepared(
                    store: store, module: "clinic", documentDigest: FileDigest.hexadecimal(document), iceberg: false)
            }
            try body(database, ledger, office, state, store)
        }
    }

    private func wait(_ office: RunOffice, until isThere: () -> Bool) {
        for _ in 0..<6000 where !isThere() { Thread.sleep(forTimeInterval: 0.01) }
    }

    @Test("is published once there is room, and not before")
    func waits() throws {
        try withSealedRun(persists: true) { database, ledger, office, state, store in
            try database.run(Self.fill)
            for action in state.pendingActions { office.perform(action, state) }
            // Longer than it takes, and than the pause between two tries.
            Thread.sleep(forTimeInterval: 2.5)
            #expect(office.busyCount == 1 && office.takeEvents() == [])
            #expect(try store.versions(module: "clinic") == [])
            try database.run(Self.makeRoom)
            wait(office) { office.busyCount == 0 }
            let run = try #require(state.pendingRun)
            #expect(office.takeEvents() == [.published(run: run, version: 1)])
            #expect(try store.versions(module: "clinic") == [1] && ledger.load(run).state == .published)
        }
    }

    @Test("of one machine's run says so and ends; nothing is published")
    func ends() throws {
        try withSealedRun(persists: false) { database, _, office, state, store in
            try database.run(Self.fill)
            for action in state.pendingActions { office.perform(action, state) }
            wait(office) { office.busyCount == 0 }
            guard case .failed(_, let failure, .unsent)? = office.takeEvents().first else {
                Issue.record("the run did not fail")
                return
            }
            #expect(failure.code == "53100")
            #expect(try store.versions(module: "clinic") == [])
        }
    }
}

extension ClusterState {
    /// The run that waits to be published.
    fileprivate var pendingRun: String? {
        pendingActions.lazy.compactMap { if case .publish(let run) = $0 { run } else { nil } }.first
    }
}
