import Cluster
import Model
import Scheduling
import Testing

@Suite("A coordinator that takes over")
struct TakeOverTests {
    private func start(_ run: String, restartOf: String? = nil) -> RunStart {
        RunStart(
            run: run, module: "m", attempt: run, documentDigest: "", startedAt: "2026-11-26T00:00:00Z", actor: "test",
            restartsOnSnapshotLoss: true, restartOf: restartOf)
    }

    private func summary(_ run: String, _ state: RunState, restartOf: String? = nil) -> RunSummary {
        RunSummary(
            run: run, module: "m", state: state, startedAt: "2026-11-26T00:00:00Z", changedAt: "2026-11-26T00:01:00Z",
            version: state == .published ? 1 : nil, shardCount: 1, doneCount: 1, failure: nil, restartOf: restartOf)
    }

    @Test("says of a run that lost its snapshots as which it began anew, whether that one is open or over")
    func restarts() {
        func state(_ recovered: [RecoveredRun], _ ended: [RunSummary]) -> ClusterState {
            ClusterState(
                epoch: 2, credential: NodeCredential(secret: Array("s3cret".utf8)), recovered: recovered, ended: ended,
                now: NodeClock.now)
        }
        let over = state([], [summary("a", .aborted), summary("b", .published, restartOf: "a")])
        #expect(over.run("a")?.restartedAs == "b")
        #expect(over.run("b")?.restartedAs == nil)

        var opened = state([], [summary("a", .aborted)])
        #expect(opened.run("a")?.restartedAs == nil)
        _ = opened.handle(.opened(start("b", restartOf: "a"), document: []), now: NodeClock.now)
        #expect(opened.run("a")?.restartedAs == "b")

        let again = RecoveredRun(
            start: start("b", restartOf: "a"), document: [], state: .planning, planning: nil, plan: nil, shards: [],
            holders: [:], sealedAt: nil, commitRecord: nil, version: nil, failure: nil,
            changedAt: "2026-11-26T00:01:00Z")
        let open = state([again], [summary("a", .aborted)])
        #expect(open.run("a")?.restartedAs == "b")
    }
}
