internal import Cluster
internal import Model
internal import Synchronization

/// Where the threads of a node meet: its state behind a lock, and what each voice is to do next.
final class NodeBoard: Sendable {
    enum Next {
        case ask(Request)
        case perform(Grant)
        /// Nothing now: look again soon.
        case wait
        case over
    }

    private struct Shared {
        var state: NodeState
        var jobs: [NodeState.Voice: Next] = [:]
        var failure: ClusterError?
        var random = SystemRandomNumberGenerator()
        /// Of the tasks under way, as last told.
        var progress: [Int64: (rows: Int64, bytes: Int64)] = [:]
        var amountRead: (rows: Int64, bytes: Int64) = (0, 0)
    }

    let name: String
    private let joinToken: @Sendable () -> String?
    private let letGo: @Sendable (_ run: String) -> Void
    private let shared: Mutex<Shared>

    init(
        _ state: NodeState, name: String, joinToken: @escaping @Sendable () -> String?,
        letGo: @escaping @Sendable (_ run: String) -> Void
    ) {
        self.name = name
        self.joinToken = joinToken
        self.letGo = letGo
        shared = Mutex(Shared(state: state))
    }

    func apply(_ event: NodeState.Event) {
        let released = shared.withLock { Self.apply(event, &$0) }
        for run in released { letGo(run) }
    }

    /// What the voice is to do; taken once.
    func next(for voice: NodeState.Voice) -> Next {
        let (next, released) = shared.withLock { shared in
            let released = Self.apply(.tick, &shared)
            if shared.state.outcome != nil || shared.failure != nil { return (Next.over, released) }
            return (shared.jobs.removeValue(forKey: voice) ?? .wait, released)
        }
        for run in released { letGo(run) }
        return next
    }

    var amountRead: (rows: Int64, bytes: Int64) { shared.withLock { $0.amountRead } }

    private static func count(_ event: NodeState.Event, _ shared: inout Shared) {
        switch event {
        case .progressed(let token, let rows, let bytes):
            let before = shared.progress[token] ?? (0, 0)
            shared.amountRead.rows += max(0, rows - before.rows)
            shared.amountRead.bytes += max(0, bytes - before.bytes)
            shared.progress[token] = (rows, bytes)
        case .ended(let token, _): shared.progress[token] = nil
        default: break
        }
    }

    /// - Returns: the runs to let go, outside the lock.
    private static func apply(_ event: NodeState.Event, _ shared: inout Shared) -> [String] {
        count(event, &shared)
        var released: [String] = []
        for action in shared.state.handle(event, at: NodeClock.now, using: &shared.random) {
            switch action {
            case .ask(let voice, let request): shared.jobs[voice] = .ask(request)
            case .perform(let slot, let grant): shared.jobs[.slot(slot)] = .perform(grant)
            case .letGo(let run): released.append(run)
            // Read by whom they concern, with `isCancelled` and `outcome`.
            case .cancel, .end: break
            }
        }
        return released
    }

    /// The request under this node's name and right; nil when the join token cannot be read now.
    func call(_ request: Request) -> Call? {
        if case .join = request { return joinToken().map { Call(node: name, credential: $0, request: request) } }
        return credential.map { Call(node: name, credential: $0, request: request) }
    }

    var credential: String? { shared.withLock { $0.state.credential } }
    var isOver: Bool { shared.withLock { $0.state.outcome != nil || $0.failure != nil } }
    var outcome: NodeState.Outcome? { shared.withLock { $0.state.outcome } }
    var hasJoined: Bool { shared.withLock { $0.state.hasJoined } }

    func isCancelled(token: Int64) -> Bool { shared.withLock { $0.state.isCancelled(token: token) } }

    /// The control plane cannot be used at all: the node ends.
    func fail(_ error: ClusterError) { shared.withLock { $0.failure = $0.failure ?? error } }
    var failure: ClusterError? { shared.withLock { $0.failure } }
}
