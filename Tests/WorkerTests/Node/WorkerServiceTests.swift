import Cluster
import Foundation
import Model
import Testing

@testable import Worker

@Suite("A worker and its coordinator", .serialized)
struct WorkerServiceTests {
    @Test("it joins, reads the shards of several runs, reports each, and leaves when told that no more will come")
    func severalRuns() throws {
        try SmallPipeline.with { pipeline in
            let coordinator = ScriptedCoordinator()
            for run in ["one", "two"] { try pipeline.register(run, at: coordinator) }
            coordinator.change {
                $0.grants = [
                    pipeline.grant(SmallPipeline.shard, token: 1, run: "one"),
                    pipeline.grant(SmallPipeline.shard, token: 2, run: "two"),
                    pipeline.grant(SmallPipeline.shard, token: 3, run: "one"),
                ]
                $0.otherwise = .drain
            }
            let node = try coordinator.node(slots: 2, baseDirectory: pipeline.folder)
            #expect(try node.outcome() == .done)
            #expect(node.service.name.hasPrefix("worker-") && node.service.name.count == 23)
            let calls = coordinator.look { $0.calls }
            #expect(Set(calls.map(\.node)) == [node.service.name])
            var receipts: [Int64: PartReceipt] = [:]
            for case .complete(_, let token, .part(let receipt)) in coordinator.requests { receipts[token] = receipt }
            #expect(receipts.keys.sorted() == [1, 2, 3])
            #expect(receipts.values.allSatisfy { $0.rows.read == 3 && $0.rows.published == 3 })
            #expect(coordinator.requests.last == .leave)
        }
    }

    @Test("a coordinator that knows nobody is joined under the same name, and the running task is reported to it")
    func rejoin() throws {
        try SmallPipeline.with { pipeline in
            let coordinator = ScriptedCoordinator()
            try pipeline.register("run", at: coordinator)
            coordinator.change {
                $0.holdsPlans = true
                $0.grants = [pipeline.grant(SmallPipeline.shard, token: 1)]
            }
            let node = try coordinator.node(baseDirectory: pipeline.folder)
            #expect(
                coordinator.wait { memory in
                    memory.calls.contains { $0.request == .fetch(run: "run", text: .plan, offset: 0) }
                })
            coordinator.change { $0.credential = "second" }
            #expect(coordinator.wait { memory in memory.calls.contains { $0.credential == "second" } })
            let keepsTask = coordinator.wait { memory in
                memory.calls.contains {
                    guard case .heartbeat(let tasks, _) = $0.request else { return false }
                    return $0.credential == "second" && tasks.map(\.token) == [1]
                }
            }
            #expect(keepsTask)
            coordinator.change { $0.holdsPlans = false }
            #expect(
                coordinator.wait { memory in
                    memory.calls.contains {
                        if case .complete(_, 1, .part) = $0.request { $0.credential == "second" } else { false }
                    }
                })
            coordinator.change { $0.otherwise = .drain }
            #expect(try node.outcome() == .done)
            let joins = coordinator.requests.filter { if case .join = $0 { true } else { false } }
            #expect(joins.count == 2)
            #expect(Set(coordinator.look { $0.calls.map(\.node) }).count == 1)
        }
    }

    @Test("a revoked task is dropped without a word, and the next one is done")
    func revoked() throws {
        try SmallPipeline.with { pipeline in
            let coordinator = ScriptedCoordinator()
            try pipeline.register("run", at: coordinator)
            coordinator.change {
                $0.holdsPlans = true
                $0.grants = [
                    pipeline.grant(SmallPipeline.shard, token: 1), pipeline.grant(SmallPipeline.shard, token: 2),
                ]
            }
            let node = try coordinator.node(baseDirectory: pipeline.folder)
            #expect(
                coordinator.wait { memory in
                    memory.calls.contains {
                        if case .heartbeat(let tasks, _) = $0.request { tasks.count == 1 } else { false }
                    }
                })
            coordinator.change { $0.revoked = [1] }
            // A heartbeat without the task was sent: the revocation has been heard.
            let seen = coordinator.heartbeats.count
            #expect(coordinator.wait { _ in coordinator.heartbeats.dropFirst(seen).contains { $0.tasks.isEmpty } })
            coordinator.change {
                $0.holdsPlans = false
                $0.otherwise = .drain
            }
            #expect(try node.outcome() == .done)
            let ends = coordinator.requests.compactMap {
                if case .complete(_, let token, _) = $0 { token } else { nil }
            }
            #expect(ends == [2])
            #expect(!coordinator.requests.contains { if case .fail = $0 { true } else { false } })
        }
    }

    @Test("asked to drain, it finishes a shard that ends within the grace, and hands back one that does not")
    func drain() throws {
        for grace in [Duration.seconds(20), .milliseconds(50)] {
            try SmallPipeline.with { pipeline in
                let coordinator = ScriptedCoordinator()
                try pipeline.register("run", at: coordinator)
                coordinator.change {
                    $0.holdsPlans = true
                    $0.grants = [pipeline.grant(SmallPipeline.shard, token: 1)]
                }
                let node = try coordinator.node(grace: grace, baseDirectory: pipeline.folder)
                #expect(
                    coordinator.wait { memory in
                        memory.calls.contains { $0.request == .fetch(run: "run", text: .plan, offset: 0) }
                    })
                node.service.drain()
                Thread.sleep(forTimeInterval: 0.2)
                coordinator.change { $0.holdsPlans = false }
                #expect(try node.outcome() == .drained)
                let words = coordinator.requests.map {
                    switch $0 {
                    case .join: "join"
                    case .complete(_, 1, .part): "complete"
                    case .release(_, 1): "release"
                    case .leave: "leave"
                    default: "other"
                    }
                }
                #expect(words == ["join", grace > .seconds(1) ? "complete" : "release", "leave"])
            }
        }
    }

    @Test("without an open run it leaves, if it may")
    func idle() throws {
        let coordinator = ScriptedCoordinator()
        coordinator.change { $0.otherwise = .noWork(retryAfterMilliseconds: 5, isIdle: true) }
        let node = try coordinator.node(leavesWhenIdle: true)
        #expect(try node.outcome() == .done)
        #expect(coordinator.requests.last == .leave)
    }

    @Test("a node with another token is refused; one whose coordinator falls silent ends as wedged")
    func ends() throws {
        let coordinator = ScriptedCoordinator()
        let stranger = try coordinator.node(token: "another")
        #expect(throws: ClusterError(.refused, reason: "token")) { try stranger.outcome() }
        let node = try coordinator.node()
        #expect(coordinator.wait { memory in memory.calls.contains { $0.request == .poll } })
        coordinator.change { $0.isSilent = true }
        #expect(try node.outcome() == .wedged)
        let early = try coordinator.node()
        #expect(throws: ClusterError.self) { try early.outcome() }
    }

    @Test("a plan goes up whole though the coordinator lost its pieces; its run is held until it is let go")
    func keeper() throws {
        try SmallPipeline.with(columns: 150) { pipeline in
            let coordinator = ScriptedCoordinator()
            coordinator.change {
                $0.documents["run"] = pipeline.document
                $0.grants = [pipeline.grant(.plan, token: 1)]
                $0.forgets = 2
            }
            let node = try coordinator.node(.keeper, baseDirectory: pipeline.folder)
            #expect(coordinator.wait { _ in coordinator.heartbeats.contains { $0.holding == ["run"] } })
            #expect(coordinator.requests.contains(.complete(run: "run", token: 1, result: .plan)))
            let uploaded = coordinator.look { $0.uploaded }
            #expect(uploaded.count > Limits.bytesPerFetchedSlice)
            #expect(PlanCodec().decode(uploaded) == (try pipeline.plan()))
            let starts = coordinator.look { $0.calls }.filter {
                if case .upload(_, _, 0, _, _) = $0.request { true } else { false }
            }
            #expect(starts.count == 3)
            coordinator.change { $0.letGo = ["run"] }
            let seen = coordinator.heartbeats.count
            #expect(coordinator.wait { _ in coordinator.heartbeats.dropFirst(seen).contains { $0.holding.isEmpty } })
            coordinator.change { $0.otherwise = .drain }
            #expect(try node.outcome() == .done)
        }
    }

    @Test("a shard is refused where the key is another than the run was planned with")
    func otherKey() throws {
        try SmallPipeline.with { pipeline in
            let coordinator = ScriptedCoordinator()
            try pipeline.register("run", at: coordinator)
            try pipeline.writeKey(8)
            coordinator.change {
                $0.grants = [pipeline.grant(SmallPipeline.shard, token: 1)]
                $0.otherwise = .drain
            }
            #expect(try coordinator.node(baseDirectory: pipeline.folder).outcome() == .done)
            let failures = coordinator.requests.compactMap {
                if case .fail(_, 1, let failure) = $0 { failure } else { nil }
            }
            #expect(failures.count == 1 && failures.first?.kind == .document && failures.first?.disposition == .failRun)
            #expect(failures.first?.message.contains("\"people\"") == true)
            let files = try FileManager.default.subpathsOfDirectory(atPath: pipeline.folder)
            #expect(!files.contains { $0.hasSuffix(".parquet") })
        }
    }

    @Test("a receipt that is too long for one message comes in pieces, over a coordinator that lost the first ones")
    func longReceipt() throws {
        try SmallPipeline.with(columns: 1_200) { pipeline in
            let coordinator = ScriptedCoordinator()
            try pipeline.register("run", at: coordinator)
            coordinator.change {
                $0.forgets = 1
                $0.grants = [pipeline.grant(SmallPipeline.shard, token: 1)]
                $0.otherwise = .drain
            }
            let node = try coordinator.node(baseDirectory: pipeline.folder)
            #expect(try node.outcome() == .done)
            let bytes = coordinator.look { $0.uploaded }
            #expect(bytes.count > Limits.bytesPerMessage)
            let receipt = try #require(LongReceipt.receipt(of: bytes))
            #expect(receipt.rows == RowAccount(read: 3, published: 3))
            #expect(receipt.rules.count == 1_201 && receipt.rules.allSatisfy { $0.rowsIn == 3 })
            let ends = coordinator.requests.filter { if case .complete = $0 { true } else { false } }
            #expect(
                ends == [
                    .complete(
                        run: "run", token: 1,
                        result: .uploaded(table: "results", shard: 0, sha256: LongReceipt.digest(of: receipt)))
                ])
        }
    }
}
