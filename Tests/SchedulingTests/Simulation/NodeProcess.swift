import Cluster
import Model

@testable import Scheduling

/// A worker's or keeper's process, decided by the product's `NodeState`.
final class NodeProcess: SimulatedProcess {
    struct Ask {
        let id: Int
        let request: Request
        let credential: String
        let sent: Instant
    }

    let role: Join.Role
    let slots: Int
    var name = ""
    var state: NodeState?
    var asks: [NodeState.Voice: Ask] = [:]
    var tasks: [Int64: NodeTask] = [:]
    /// Plans that were made here, by their grant: they may have to be uploaded again.
    var plans: [Int64: [UInt8]] = [:]
    /// Plans that were fetched, by their run.
    var fetched: [String: PlanFacts] = [:]
    /// Which coordinator is asked.
    var target = 0
    /// Since when it runs without having stood still.
    var awakeSince: Int64 = 0

    init(label: String, role: Join.Role, slots: Int) {
        self.role = role
        self.slots = slots
        super.init(label: label)
    }

    static let timing: NodeTiming = {
        var timing = NodeTiming()
        timing.heartbeatInterval = .seconds(Simulation.Times.heartbeat)
        timing.joinPatience = .seconds(7.5)
        timing.coordinatorPatience = .seconds(15)
        timing.holderPatience = .seconds(60)
        timing.leaveTime = .seconds(2.5)
        timing.longestPause = .seconds(1)
        return timing
    }()
}

extension Simulation {
    func start(_ node: NodeProcess) {
        setClock(of: node)
        node.name = NodeName.choose(node.role, using: &random)
        node.asks = [:]
        node.tasks = [:]
        node.plans = [:]
        node.fetched = [:]
        node.target = Int.random(in: 0...1, using: &random)
        node.awakeSince = now
        var timing = NodeProcess.timing
        timing.selfFenceTime = .seconds(selfFenceTime)
        node.state = NodeState(
            join: Join(role: node.role, slots: node.slots, processID: 1, host: "", build: ProductVersion.text),
            grace: .seconds(1.5), leavesWhenIdle: false, timing: timing, now: clock(of: node))
        note("\(node.label) is \(node.name)")
        tick(node)
    }

    private func tick(_ node: NodeProcess) {
        feed(.tick, to: node)
        after(Times.tick, on: node) { [self] in tick(node) }
    }

    func feed(_ event: NodeState.Event, to node: NodeProcess) {
        guard node.isUp, let actions = node.state?.handle(event, at: clock(of: node), using: &random) else { return }
        for action in actions {
            switch action {
            case .ask(let voice, let request): ask(voice, request, node)
            case .perform(_, let grant): perform(grant, node)
            case .cancel(let token): cancel(token, node)
            case .letGo(let run):
                for (id, hold) in snapshots where hold.process === node && hold.run == run { snapshots[id] = nil }
            case .end(let outcome):
                note("\(node.label) ends: \(outcome)")
                kill(node, for: between(0.3, 1.5))
            }
        }
    }

    private func cancel(_ token: Int64, _ node: NodeProcess) {
        guard let task = node.tasks[token] else { return }
        task.isStopping = true
        after(between(0.01, 0.2), on: node) { [self] in
            if node.tasks[token] === task { end(task, .cancelled, node) }
        }
    }

    // MARK: Asking

    private func ask(_ voice: NodeState.Voice, _ request: Request, _ node: NodeProcess) {
        var credential = node.state?.credential ?? ""
        if case .join = request { credential = "join token" }
        let ask = NodeProcess.Ask(id: newID(), request: request, credential: credential, sent: clock(of: node))
        node.asks[voice] = ask
        put(ask, voice, node, tries: 3)
    }

    /// The same id each time, then it counts as unanswered.
    private func put(_ ask: NodeProcess.Ask, _ voice: NodeState.Voice, _ node: NodeProcess, tries: Int) {
        guard node.asks[voice]?.id == ask.id else { return }
        guard tries > 0 else {
            node.asks[voice] = nil
            node.target = 1 - node.target
            return feed(.unanswered(voice), to: node)
        }
        let call = Call(node: node.name, credential: ask.credential, request: ask.request)
        let generation = node.generation
        self.call(call, id: ask.id, from: node.label, process: node, to: node.target) { [self] reply in
            guard node.generation == generation, node.asks[voice]?.id == ask.id else { return }
            node.asks[voice] = nil
            if case .notLeader = reply { node.target = 1 - node.target }
            feed(.answered(voice, reply, sent: ask.sent), to: node)
        }
        after(Times.request, on: node) { [self] in put(ask, voice, node, tries: tries - 1) }
    }

    /// What a task asks by itself, until it is answered or dropped.
    func ask(_ request: Request, for task: NodeTask, _ node: NodeProcess, _ heard: @escaping (Reply) -> Void) {
        guard node.tasks[task.grant.token] === task, !task.isStopping else { return }
        let (id, credential, generation) = (newID(), node.state?.credential ?? "", node.generation)
        var isAnswered = false
        let call = Call(node: node.name, credential: credential, request: request)
        self.call(call, id: id, from: node.label, process: node, to: node.target) { [self] reply in
            guard node.generation == generation, !isAnswered else { return }
            isAnswered = true
            switch reply {
            case .notLeader:
                node.target = 1 - node.target
                again(0.1)
            case .unknownNode:
                feed(.unknown(credential: credential), to: node)
                again(0.2)
            default: if node.tasks[task.grant.token] === task { heard(reply) }
            }
        }
        after(Times.request, on: node) { if !isAnswered { again(0) } }
        func again(_ pause: Double) {
            isAnswered = true
            after(pause, on: node) { [self] in ask(request, for: task, node, heard) }
        }
    }
}
