import Cluster
import Foundation
import Model
import TestKit
import Testing

@testable import Scheduling

/// Joined nodes and operators that say whatever the protocol lets them say: no message ends the coordinator, none of them
/// makes it grow, and a run beside them goes on.
@Suite("Hostile messages")
struct HostileTests {
    private func adopted(_ change: (inout RunPlan) -> Void) throws -> (Fixture, ClusterState.Step) {
        var fixture = Fixture()
        fixture.open("run-1", module: "bad")
        let keeper = fixture.join("keeper-1")
        let grant = try fixture.granted(keeper)
        var plan = Fixture.plan(sizes: [1, 1], isDatabase: false, module: "bad")
        change(&plan)
        let bytes = PlanCodec().encode(plan)
        fixture.send(
            keeper,
            .upload(run: grant.run, token: grant.token, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
        let step = fixture.send(keeper, .complete(run: grant.run, token: grant.token, result: .plan))
        return (fixture, step)
    }

    private static let overflows: [@Sendable (inout RunPlan) -> Void] = [
        { for index in $0.tables[0].shards.indices { $0.tables[0].shards[index].estimatedBytes = .max } },
        { $0.tables[0].shards[0].estimatedBytes = .min },
        {
            $0.tables[0].estimatedRows = .max
            var other = $0.tables[0]
            other.name = "u"
            $0.tables.append(other)
        },
        { $0.tables[0].estimatedBytes = .min },
    ]

    @Test("a plan whose estimates overflow ends its run, and the coordinator goes on")
    func estimates() throws {
        for change in Self.overflows {
            var (fixture, step) = try adopted(change)
            #expect(step.aborts && fixture.ended()?.phase == .failed && fixture.ended()?.failure?.kind == .worker)
            _ = fixture.state.status(of: nil, now: fixture.now)
            fixture.planned(sizes: [1], run: "run-2", keeper: "keeper-2")
            let worker = fixture.join("worker-1")
            #expect(fixture.complete(worker, try fixture.granted(worker)).publishes)
        }
    }

    @Test("a ledger that holds such a plan already costs that run, not the leader")
    func recovery() throws {
        for change in Self.overflows {
            var plan = Fixture.plan(sizes: [1, 1], isDatabase: false)
            change(&plan)
            let shards = (0..<2).map {
                ShardState(
                    table: "t", shard: $0, phase: .ready, highestEpoch: 1, leases: [], worker: nil, failures: 0,
                    receipt: nil)
            }
            func recovered(_ name: String, _ plan: RunPlan, _ state: RunState) -> RecoveredRun {
                RecoveredRun(
                    start: Fixture.start(name, module: name), document: [7], state: state, planning: nil, plan: plan,
                    shards: shards, holders: [:], sealedAt: nil, commitRecord: nil, version: nil, failure: nil,
                    changedAt: "")
            }
            var fixture = Fixture(
                epoch: 2,
                recovered: [
                    recovered("bad", plan, .running),
                    recovered("good", Fixture.plan(sizes: [1, 1], isDatabase: false), .running),
                    recovered("late", plan, .committing),
                ])
            let worker = fixture.join("worker-1")
            _ = fixture.state.status(of: nil, now: fixture.now)
            let step = fixture.tell(.tick)
            #expect(step.records.map(\.run) == ["bad"] && step.aborts && fixture.ended("bad")?.phase == .failed)
            // What may be a version already is over by its outcome alone.
            #expect(
                fixture.phase("late") == .publishing
                    && fixture.state.status(of: "late", now: fixture.now).runs.count == 1)
            fixture.complete(worker, try fixture.granted(worker))
            #expect(fixture.complete(worker, try fixture.granted(worker)).publishes)
        }
    }

    @Test("a worker's failure can neither be taken for a commit without an answer nor fill an operator's answer")
    func failures() throws {
        var fixture = Fixture()
        for number in 0..<50 {
            fixture.planned(sizes: [1], run: "run-\(number)", module: "m\(number)", keeper: "keeper-\(number)")
            let worker = fixture.join("worker-1")
            let grant = try fixture.granted(worker)
            let failure = TaskFailure(
                kind: .target, disposition: .failRun, message: String(repeating: "\u{1}", count: 10_000),
                code: TaskFailure.unknownCommit,
                problems: (0..<200).map { Problem(file: nil, position: nil, found: "\($0)", expected: "") })
            let step = fixture.send(worker, .fail(run: grant.run, token: grant.token, failure: failure))
            #expect(step.aborts, "the ledger hears of the end")
        }
        for run in [nil, "run-49"] {
            let status = fixture.state.status(of: run, now: fixture.now)
            #expect(!status.runs.isEmpty)
            #expect(try WireFormat.frame(.status(status), id: .random()).count <= Limits.bytesPerMessage)
        }
    }

    @Test("submissions are remembered up to a bound, and so many documents at a time are opened")
    func submissions() {
        var fixture = Fixture()
        var opened = 0
        for number in 0..<5000 {
            let step = fixture.send("operator-1", .submit(Self.submission("s\(number)")))
            for case .open(let id, _, let document, _) in step.actions {
                opened += 1
                switch number % 3 {
                case 0: fixture.tell(.submissionRefused(id: id, reason: "no"))
                case 1: fixture.tell(.openingFailed(id: id))
                default:
                    fixture.tell(
                        .opened(Fixture.start("r\(number)", module: "m\(number)", submission: id), document: document))
                    fixture.send("operator-1", .cancel(run: "r\(number)"))
                }
            }
        }
        #expect(opened == 5000 && fixture.state.submissions.count <= Limits.submissionsRemembered)
        #expect(fixture.send("operator-1", .submit(Self.submission("s4998"))).reply == .refused(reason: "no"))
        #expect(fixture.send("operator-1", .submit(Self.submission("s4999"))).reply != nil)
        var slow = Fixture()
        let replies = (0..<100).map { slow.send("operator-1", .submit(Self.submission("s\($0)"))).reply }
        #expect(replies.count { $0 == .accepted } == Limits.submissionsAtOnce)
        #expect(replies.count { $0 == .refused(reason: Submission.crowd) } == 100 - Limits.submissionsAtOnce)
    }

    static func submission(_ id: String, bytes: [UInt8] = [7]) -> Submission {
        Submission(
            id: id, documentPath: "d.yaml", restartsOnSnapshotLoss: false, offset: 0, total: bytes.count,
            bytes: Base64.encode(bytes))
    }

    @Test("no more nodes join than there may be connections, and none under a name that is no plain word")
    func nodes() {
        var fixture = Fixture()
        for number in 0..<Limits.nodesPerCluster + 100 { _ = fixture.join("worker-\(number)") }
        #expect(fixture.state.nodeCount == Limits.nodesPerCluster)
        guard case .welcome = fixture.send("worker-1", Self.join(.worker)).reply else {
            Issue.record("one that is there joins again")
            return
        }
        #expect(fixture.send("worker-late", .poll).reply == .unknownNode)
        var other = Fixture()
        for name in ["worker-\0", "worker-a b", "worker-\u{202e}", "worker-" + String(repeating: "x", count: 60_000)] {
            guard case .refused = other.send(name, Self.join(.worker)).reply else {
                Issue.record("joined as \(name.prefix(20))")
                continue
            }
            #expect(other.send(name, .poll).reply == .unknownNode)
        }
        #expect(other.state.nodeCount == 0)
    }

    static func join(_ role: Join.Role) -> Request {
        .join(Join(role: role, slots: .max, processID: .min, host: "h", build: ProductVersion.text))
    }

    @Test("whatever joined nodes and operators send, nothing traps, nothing grows, and the run beside them publishes")
    func storm() throws {
        // A million by night; by day as many as take some seconds.
        for seed in [1, 2, 3, 4] as [UInt64] {
            var storm = HostileStorm(seed: seed)
            try storm.run(messages: Night.isAsked ? 250_000 : 25_000)
            #expect(storm.hasPublished, "seed \(seed): the good run")
            #expect(storm.ended > 20, "seed \(seed): runs that the storm began are over")
        }
    }
}
