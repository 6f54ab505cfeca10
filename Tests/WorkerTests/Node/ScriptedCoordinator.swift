import Cluster
import Foundation
import Model
import Synchronization

@testable import Worker

/// A coordinator of a test, without sockets: it answers as it is told to, and remembers what it was asked.
final class ScriptedCoordinator: Sendable {
    struct Memory: Sendable {
        var calls: [Call] = []
        /// What it accepts of those who have joined; a change is a coordinator that knows nobody.
        var credential = "first"
        var grants: [Grant] = []
        /// Run → text.
        var documents: [String: String] = [:]
        var plans: [String: [UInt8]] = [:]
        var revoked: [Int64] = []
        var letGo: [String] = []
        /// Answers to polls when no grant is left.
        var otherwise = Reply.noWork(retryAfterMilliseconds: 5, isIdle: false)
        /// Fetches of plans wait, so that a task is under way for as long as a test wants.
        var holdsPlans = false
        var isSilent = false
        var uploaded: [UInt8] = []
        /// Pieces of a plan to refuse as those of an upload that it never saw begin.
        var forgets = 0
    }

    private let memory = Mutex(Memory())

    func change(_ body: (inout Memory) -> Void) { memory.withLock { body(&$0) } }
    func look<Value: Sendable>(_ body: (Memory) -> Value) -> Value { memory.withLock { body($0) } }

    /// The requests so far, heartbeats and fetches left out.
    var requests: [Request] {
        look { $0.calls.map(\.request) }.filter {
            switch $0 {
            case .heartbeat, .fetch, .upload, .poll: false
            default: true
            }
        }
    }

    var heartbeats: [(tasks: [Int64], holding: [String])] {
        look { $0.calls }.compactMap {
            if case .heartbeat(let tasks, let holding) = $0.request { (tasks.map(\.token), holding) } else { nil }
        }
    }

    /// Waits until it is so, or ten seconds.
    @discardableResult
    func wait(_ isSo: (Memory) -> Bool) -> Bool {
        for _ in 0..<2000 {
            if isSo(look { $0 }) { return true }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return false
    }

    func answer(_ call: Call) throws(ClusterError) -> Reply {
        memory.withLock { $0.calls.append(call) }
        if look({ $0.isSilent }) { throw ClusterError(.unanswered, reason: "script") }
        if case .join = call.request {
            return call.credential == "token" ? .welcome(credential: look { $0.credential }) : .refused(reason: "token")
        }
        guard call.credential == look({ $0.credential }) else { return .unknownNode }
        switch call.request {
        case .poll:
            return memory.withLock { $0.grants.isEmpty ? $0.otherwise : .grant($0.grants.removeFirst()) }
        case .heartbeat: return look { .alive(revoked: $0.revoked, letGo: $0.letGo, isDraining: false) }
        case .fetch(let run, .document, let offset): return slice(Array(look { $0.documents[run] ?? "" }.utf8), offset)
        case .fetch(let run, .plan, let offset):
            wait { !$0.holdsPlans }
            // The credential may be another by now.
            return call.credential == look { $0.credential }
                ? slice(look { $0.plans[run] ?? [] }, offset) : .unknownNode
        case .upload(_, _, let offset, let total, let bytes):
            return memory.withLock { memory in
                if offset > 0, memory.forgets > 0 {
                    memory.forgets -= 1
                    memory.uploaded = []
                }
                if offset == 0 { memory.uploaded = [] }
                guard offset == memory.uploaded.count, offset < total else {
                    return .refused(reason: "a piece is missing")
                }
                memory.uploaded += Base64.decode(bytes) ?? []
                return .accepted
            }
        default: return .accepted
        }
    }

    private func slice(_ bytes: [UInt8], _ offset: Int) -> Reply {
        let end = min(bytes.count, offset + Limits.bytesPerFetchedSlice)
        return .slice(bytes: Base64.encode(bytes[min(offset, end)..<end]), total: bytes.count)
    }

    private final class Line: Asking {
        let coordinator: ScriptedCoordinator
        init(_ coordinator: ScriptedCoordinator) { self.coordinator = coordinator }
        func ask(_ call: Call, patience: Duration) throws(ClusterError) -> Reply { try coordinator.answer(call) }
        func close() {}
    }

    /// A node of this coordinator, running on a thread of its own.
    final class Node: Sendable {
        let service: WorkerService
        private let ending = Mutex<Result<WorkerService.Outcome, ClusterError>?>(nil)

        init(_ service: WorkerService) {
            self.service = service
            let thread = Thread { [self] in
                let result: Result<WorkerService.Outcome, ClusterError>
                do throws(ClusterError) { result = .success(try service.run()) } catch { result = .failure(error) }
                ending.withLock { $0 = result }
            }
            thread.start()
        }

        /// The outcome, within ten seconds; nil: it did not end.
        func outcome() throws -> WorkerService.Outcome? {
            for _ in 0..<2000 {
                if let result = ending.withLock({ $0 }) { return try result.get() }
                Thread.sleep(forTimeInterval: 0.005)
            }
            return nil
        }
    }

    func node(
        _ role: Join.Role = .worker, slots: Int = 1, token: String = "token", grace: Duration = .seconds(20),
        leavesWhenIdle: Bool = false, environment: [String: String] = [:], baseDirectory: String? = nil
    ) throws -> Node {
        var timing = NodeTiming()
        timing.heartbeatInterval = .milliseconds(20)
        timing.idleLeaveTime = .milliseconds(50)
        timing.coordinatorPatience = .milliseconds(1500)
        timing.joinPatience = .milliseconds(1500)
        let configuration = WorkerService.Configuration(
            place: CoordinatorPlace(addresses: []), joinToken: { token }, role: role, slots: slots,
            environment: environment,
            bounds: baseDirectory.map { DocumentBounds(baseDirectory: $0, targetDirectories: [$0]) }, grace: grace,
            leavesWhenIdle: leavesWhenIdle,
            timing: timing)
        return Node(
            try WorkerService(
                configuration, makeAsker: { () throws(ClusterError) -> any Asking in Line(self) }, log: { _ in }))
    }
}
