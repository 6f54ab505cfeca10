package import Cluster
package import Model

/// The coordinator's one loop: an event in, the state decides, the ledger is written, the answer goes out.
///
/// One thread, one request in hand at a time. What the state decides is durable before anyone hears of it.
package final class CoordinatorService {
    /// What the loop needs of the world beside the socket.
    package struct Duties {
        /// Writes records durably, or throws and the run fails.
        package var record: ([SchedulerState.Record]) throws -> Void
        /// Publishes the manifest as a version; may take long and is called once.
        package var publish: (RunPlan, [PartReceipt]) -> Result<Int, TaskFailure>
        /// Called a few times a second.
        package var report: (SchedulerState.Progress, SchedulerState.Phase) -> Void
        /// What happened outside since the last call: a wish to drain, processes that ended.
        package var outside: () -> [SchedulerState.Event]
        /// The operator wants to stop at once.
        package var mustStop: () -> Bool

        package init(
            record: @escaping ([SchedulerState.Record]) throws -> Void,
            publish: @escaping (RunPlan, [PartReceipt]) -> Result<Int, TaskFailure>,
            report: @escaping (SchedulerState.Progress, SchedulerState.Phase) -> Void,
            outside: @escaping () -> [SchedulerState.Event], mustStop: @escaping () -> Bool
        ) {
            self.record = record
            self.publish = publish
            self.report = report
            self.outside = outside
            self.mustStop = mustStop
        }
    }

    package enum Outcome: Sendable {
        case published(version: Int)
        case failed(TaskFailure)
        /// Drained before the run was whole.
        case drained
        case stopped
    }

    package private(set) var state: SchedulerState
    private let socket: ReplySocket
    private let duties: Duties
    /// Answers to the newest requests: a request that is repeated because its answer was lost gets the same answer again.
    private var answered: [WireFormat.RequestID: Reply] = [:]
    private var answeredOrder: [WireFormat.RequestID] = []

    package init(state: SchedulerState, socket: ReplySocket, duties: Duties) {
        self.state = state
        self.socket = socket
        self.duties = duties
    }

    /// Runs until the run is over and its processes have taken leave, or have had `Limits.leaveTime` to do so.
    package func run() -> Outcome {
        var overSince: Instant?
        while true {
            // A run that is over has its outcome, and stopping at once does not take it back: a version that is there, or a
            // commit without an answer, whose files must stay.
            if duties.mustStop() { return state.isOver ? outcome : .stopped }
            for event in duties.outside() { handle(event) }
            handle(.tick)
            serveOne()
            duties.report(state.progress, state.phase)
            guard state.isOver else { continue }
            let since = overSince ?? NodeClock.now
            overSince = since
            if state.isQuiet || NodeClock.now - since > Limits.leaveTime { return outcome }
        }
    }

    private var outcome: Outcome {
        switch state.phase {
        case .published(let version): .published(version: version)
        case .failed(let failure): .failed(failure)
        case .planning, .extracting, .sealed: .drained
        }
    }

    private func serveOne() {
        guard let frame = try? socket.receive(timeout: .milliseconds(100)),
            let id = WireFormat.requestID(of: frame)
        else { return }
        if let earlier = answered[id] {
            socket.answer(earlier, id: id)
            return
        }
        do throws(WireFormat.Failure) {
            let (_, request) = try WireFormat.request(from: frame)
            let reply = handle(.request(request)) ?? .refused(reason: "no answer")
            // A slice is the same whenever it is asked for; remembering it would only cost memory.
            if case .slice = reply {} else { remember(reply, for: id) }
            socket.answer(reply, id: id)
        } catch {
            socket.answer(.refused(reason: "this coordinator speaks protocol \(WireFormat.version)"), id: id)
        }
    }

    /// Lets the state decide, writes what it decided, then acts on it.
    @discardableResult
    private func handle(_ event: SchedulerState.Event) -> Reply? {
        let step = state.handle(event, now: NodeClock.now)
        guard record(step.records) else { return .refused(reason: "the ledger cannot be written") }
        if step.publishes, let plan = state.plan {
            switch duties.publish(plan, state.manifest) {
            case .success(let version): handle(.published(version: version))
            case .failure(let failure): handle(.publishingFailed(failure))
            }
        }
        return step.reply
    }

    private func record(_ records: [SchedulerState.Record]) -> Bool {
        guard !records.isEmpty else { return true }
        do { try duties.record(records) } catch {
            _ = state.handle(
                .publishingFailed(
                    TaskFailure(kind: .target, disposition: .failRun, message: "the ledger cannot be written")),
                now: NodeClock.now)
            return false
        }
        return true
    }

    private func remember(_ reply: Reply, for id: WireFormat.RequestID) {
        answered[id] = reply
        answeredOrder.append(id)
        if answeredOrder.count > Limits.rememberedAnswers {
            answered[answeredOrder.removeFirst()] = nil
        }
    }
}
