package import Cluster
package import Metadata
internal import Model
package import Scheduling

/// The coordinator's one loop: events in, the state decides, the ledger is written, the answers go out.
///
/// One thread owns the state. What came in meanwhile is decided together and made durable by one append, so a slow disk
/// costs latency, not throughput. A coordinator that cannot write, or has lost the lead, answers nothing more: its state is
/// dropped, and whoever leads next goes on from the ledger.
package final class CoordinatorService {
    /// What the loop needs of the world beside the sockets.
    package struct Duties {
        /// Writes records durably, or throws: then the coordinator has stopped leading.
        package var record: ([ClusterState.Record]) throws(LedgerError) -> Void
        /// Begins what takes long, on another thread; its outcome comes back through `outside`.
        package var perform: (ClusterState.Action, ClusterState) -> Void
        /// What happened outside since the last call.
        package var outside: () -> [ClusterState.Event]
        /// Why a process is not admitted, or nil.
        package var refusal: (Call, Join.Role) -> String?
        /// Whether a person's question may be answered.
        package var admitsPeople: (Call) -> Bool
        /// Called after each step with something to tell, and ten times a second.
        package var observe: (ClusterState, [ClusterState.Note]) -> Void
        /// The operator wants to stop at once.
        package var mustStop: () -> Bool
        /// Whether this coordinator still leads.
        package var leads: () -> Bool

        package init(
            record: @escaping ([ClusterState.Record]) throws(LedgerError) -> Void,
            perform: @escaping (ClusterState.Action, ClusterState) -> Void,
            outside: @escaping () -> [ClusterState.Event], refusal: @escaping (Call, Join.Role) -> String?,
            admitsPeople: @escaping (Call) -> Bool = { _ in false },
            observe: @escaping (ClusterState, [ClusterState.Note]) -> Void = { _, _ in },
            mustStop: @escaping () -> Bool = { false }, leads: @escaping () -> Bool = { true }
        ) {
            self.record = record
            self.perform = perform
            self.outside = outside
            self.refusal = refusal
            self.admitsPeople = admitsPeople
            self.observe = observe
            self.mustStop = mustStop
            self.leads = leads
        }
    }

    package enum Ending: Sendable {
        /// The one run is over and its processes have left, or have had `Limits.leaveTime` to do so.
        case over
        /// At once. A run that was being published goes on without the loop: see `RunOffice.giveUp`.
        case stopped
        /// Another leads, or the ledger cannot be written.
        case deposed(LedgerError?)
    }

    package private(set) var state: ClusterState
    private let server: ReplyServer
    private let duties: Duties
    private let endsWhenOver: Bool
    /// Grants by the request that they answered: a poll that is repeated because its answer was lost gets the same again.
    private var grants: [WireFormat.RequestID: Reply] = [:]
    /// Their ids, the oldest at `oldestGrant` once there are `Limits.rememberedAnswers` of them.
    private var grantOrder: [WireFormat.RequestID] = []
    private var oldestGrant = 0
    private var connections = NodeConnections()
    private var lastTick = Instant(nanoseconds: .min / 2)
    private var lastTurn = NodeClock.now
    private var lastSweep = NodeClock.now

    /// - Parameter endsWhenOver: The coordinator of one run ends with it.
    package init(state: ClusterState, server: ReplyServer, duties: Duties, endsWhenOver: Bool) {
        self.state = state
        self.server = server
        self.duties = duties
        self.endsWhenOver = endsWhenOver
    }

    package func run() -> Ending {
        for action in state.pendingActions { duties.perform(action, state) }
        var overSince: Instant?
        while true {
            // A run that is over has its outcome, and stopping at once does not take it back: a version that is there, or a
            // commit without an answer, whose files must stay. Of what is still being published the ledger decides.
            if duties.mustStop() { return endsWhenOver && state.isOver ? .over : .stopped }
            guard duties.leads() else { return .deposed(nil) }
            do throws(LedgerError) { try turn() } catch { return .deposed(error) }
            guard endsWhenOver, state.isOver else { continue }
            let since = overSince ?? NodeClock.now
            overSince = since
            if state.isQuiet || NodeClock.now - since > Limits.leaveTime { return .over }
        }
    }

    /// One batch: decide, write, answer, act.
    private func turn() throws(LedgerError) {
        var batch = Batch()
        // What happens outside the sockets is seen between two waits.
        let inbound = server.receive(
            atMost: Limits.requestsPerBatch, timeout: endsWhenOver ? Limits.pollIntervalOfOneRun : Limits.tickInterval)
        for event in duties.outside() { decide(event, &batch) }
        for node in connections.remove(server.takeClosedPipes()) { decide(.disconnected(node: node), &batch) }
        let now = NodeClock.now
        for request in inbound { serve(request, &batch) }
        // What was said while the loop stood still waits behind its sockets: it is heard before anyone counts as silent.
        let hasStalled = now - lastTurn > Limits.leadRenewalInterval
        lastTurn = now
        if hasStalled { lastTick = now + .seconds(1) }
        let isTime = now - lastTick >= Limits.tickInterval
        if isTime {
            lastTick = now
            decide(.tick, &batch)
        }
        if !batch.records.isEmpty { try duties.record(batch.records) }
        for (request, reply, id) in batch.answers { request.answer(reply, id: id) }
        for action in batch.actions { duties.perform(action, state) }
        if isTime || !batch.notes.isEmpty { duties.observe(state, batch.notes) }
        if now - lastSweep > Limits.leaseTime {
            lastSweep = now
            server.closePipes(silentFor: Limits.silentPipeTime)
        }
    }

    private struct Batch {
        var records: [ClusterState.Record] = []
        var answers: [(Inbound, Reply, WireFormat.RequestID)] = []
        var actions: [ClusterState.Action] = []
        var notes: [ClusterState.Note] = []
    }

    @discardableResult
    private func decide(_ event: ClusterState.Event, _ batch: inout Batch) -> Reply? {
        let step = state.handle(event, now: NodeClock.now)
        batch.records += step.records
        batch.actions += step.actions
        batch.notes += step.notes
        return step.reply
    }

    private func serve(_ request: Inbound, _ batch: inout Batch) {
        // What is too short to be answered is dropped.
        guard let id = WireFormat.requestID(of: request.frame) else { return }
        if let earlier = grants[id] {
            batch.answers.append((request, earlier, id))
            return
        }
        let call: Call
        do throws(WireFormat.Failure) { (_, call) = try WireFormat.call(from: request.frame) } catch {
            guard case .unknownVersion = error else { return }
            batch.answers.append(
                (request, .refused(reason: "this coordinator speaks protocol \(WireFormat.version)"), id))
            return
        }
        let reply = refusal(of: call) ?? decide(.call(call), &batch) ?? .refused(reason: "no answer")
        if Self.proves(call, answered: reply) { connections.add(request.pipe, of: call.node) }
        if case .grant = reply { remember(reply, for: id) }
        batch.answers.append((request, reply, id))
    }

    /// Whether the asker has shown that its name is its own: only then is this one of the node's connections.
    private static func proves(_ call: Call, answered reply: Reply) -> Bool {
        switch call.request {
        case .submit, .status, .cancel: false
        case .join: if case .welcome = reply { true } else { false }
        default: reply != .unknownNode
        }
    }

    /// Who may ask at all: processes join by a token, people show one with each question.
    private func refusal(of call: Call) -> Reply? {
        switch call.request {
        case .join(let join): duties.refusal(call, join.role).map { .refused(reason: $0) }
        case .submit, .status, .cancel: duties.admitsPeople(call) ? nil : .refused(reason: "no operator's token")
        default: nil
        }
    }

    private func remember(_ reply: Reply, for id: WireFormat.RequestID) {
        grants[id] = reply
        guard grantOrder.count == Limits.rememberedAnswers else { return grantOrder.append(id) }
        grants[grantOrder[oldestGrant]] = nil
        grantOrder[oldestGrant] = id
        oldestGrant = (oldestGrant + 1) % grantOrder.count
    }
}
