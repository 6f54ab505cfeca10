import Cluster
import Model

@testable import Scheduling

/// A task that a node is at.
final class NodeTask {
    let grant: Grant
    var isStopping = false

    init(grant: Grant) { self.grant = grant }
}

/// An exported snapshot: it lives as long as the process that holds it.
struct Snapshot {
    let state: Int
    let process: NodeProcess
    let run: String
}

/// What a worker needs of a plan.
struct PlanFacts {
    /// Which state of the source it was made for; zero for files.
    let sourceState: Int
    let snapshots: [String]

    init(_ plan: RunPlan) {
        if case .postgres(let identity)? = plan.sources.first {
            sourceState = Int(identity.snapshotText) ?? -1
            snapshots = identity.snapshots
        } else {
            sourceState = 0
            snapshots = []
        }
    }
}

extension Simulation {
    static let connectionsPerSource = 3

    func perform(_ grant: Grant, _ node: NodeProcess) {
        let task = NodeTask(grant: grant)
        node.tasks[grant.token] = task
        switch grant.task {
        case .plan: after(between(0.02, 0.3), on: node) { [self] in plan(task, node) }
        case .hold: withPlan(task, node) { [self] facts in hold(task, facts, node) }
        case .shard(_, let index): withPlan(task, node) { [self] facts in read(index, task, facts, node) }
        }
    }

    func end(_ task: NodeTask, _ end: NodeState.TaskEnd, _ node: NodeProcess) {
        guard node.tasks[task.grant.token] === task else { return }
        node.tasks[task.grant.token] = nil
        feed(.ended(token: task.grant.token, end), to: node)
    }

    private func failure(_ kind: TaskFailure.Kind, _ disposition: Disposition) -> NodeState.TaskEnd {
        .failed(TaskFailure(kind: kind, disposition: disposition, message: "simulated"))
    }

    // MARK: Keepers

    private func plan(_ task: NodeTask, _ node: NodeProcess) {
        if let made = node.plans[task.grant.token] { return upload(made, 0, task, node) }
        ask(.fetch(run: task.grant.run, text: .document, offset: 0), for: task, node) { [self] reply in
            guard case .slice(let text, _) = reply, let document = Base64.decode(text) else {
                return end(task, .cancelled, node)
            }
            let run = Submitter.run(of: document, in: scenario)
            if chance(scenario.rates.taskBreaks) { return kill(node, for: 0.5) }
            if chance(scenario.rates.taskFails / 4) { return end(task, failure(.source, .failRun), node) }
            var ids: [String] = []
            if run.isDatabase {
                // Between any two snapshots somebody has changed the source.
                sourceStates += 1
                ids = [export(sourceStates, of: task.grant.run, node)]
            }
            let plan = Fixture.plan(
                sizes: (0..<run.shards).map { Int64($0 + 1) }, isDatabase: run.isDatabase, module: run.module,
                snapshots: ids, snapshotText: "\(sourceStates)")
            let bytes = PlanCodec().encode(plan)
            node.plans[task.grant.token] = bytes
            after(between(0.02, 0.4), on: node) { [self] in upload(bytes, 0, task, node) }
        }
    }

    private func export(_ state: Int, of run: String, _ node: NodeProcess) -> String {
        let id = "snapshot-\(newID())"
        snapshots[id] = Snapshot(state: state, process: node, run: run)
        return id
    }

    /// In two pieces. A coordinator that does not know the first one refuses the second: the answer to the end says so.
    private func upload(_ bytes: [UInt8], _ offset: Int, _ task: NodeTask, _ node: NodeProcess) {
        guard offset < bytes.count else { return end(task, .done(.plan), node) }
        let piece = bytes[offset..<min(bytes.count, offset + bytes.count / 2 + 1)]
        let request = Request.upload(
            run: task.grant.run, token: task.grant.token, offset: offset, total: bytes.count,
            bytes: Base64.encode(piece))
        ask(request, for: task, node) { [self] reply in
            switch reply {
            case .accepted, .refused: upload(bytes, offset + piece.count, task, node)
            default: end(task, .cancelled, node)
            }
        }
    }

    private func hold(_ task: NodeTask, _ facts: PlanFacts, _ node: NodeProcess) {
        after(between(0.02, 0.3), on: node) { [self] in
            guard isReadable(facts, task.grant) else { return end(task, failure(.snapshotLost, .retry), node) }
            let id = export(facts.sourceState, of: task.grant.run, node)
            end(task, .done(.held([SnapshotHold(source: "source", snapshot: id)])), node)
        }
    }

    /// Whether any id of the run's snapshot can still be imported.
    private func isReadable(_ facts: PlanFacts, _ grant: Grant) -> Bool {
        guard facts.sourceState != 0 else { return true }
        return (facts.snapshots + grant.snapshots.map(\.snapshot)).contains {
            snapshots[$0]?.state == facts.sourceState
        }
    }

    // MARK: Workers

    private func withPlan(_ task: NodeTask, _ node: NodeProcess, _ body: @escaping (PlanFacts) -> Void) {
        if let known = node.fetched[task.grant.run] { return body(known) }
        ask(.fetch(run: task.grant.run, text: .plan, offset: 0), for: task, node) { [self] reply in
            guard case .slice(let text, let total) = reply, let bytes = Base64.decode(text), bytes.count == total,
                let plan = PlanCodec().decode(bytes)
            else { return end(task, .cancelled, node) }
            let facts = PlanFacts(plan)
            node.fetched[task.grant.run] = facts
            body(facts)
        }
    }

    private func read(_ index: Int, _ task: NodeTask, _ facts: PlanFacts, _ node: NodeProcess) {
        let rates = scenario.rates
        guard isReadable(facts, task.grant) else { return end(task, failure(.snapshotLost, .failRun), node) }
        let run = ledger.runs[task.grant.run].map { Submitter.run(of: $0.document, in: scenario) }
        if run?.poison == index || chance(rates.taskBreaks) {
            return after(0.1, on: node) { [self] in kill(node, for: between(0.2, 1)) }
        }
        if chance(rates.taskFailsHere) { return end(task, failure(.target, .retryElsewhere), node) }
        if chance(rates.taskFails) { return end(task, failure(.source, .retry), node) }
        let seconds = chance(rates.slow) ? between(3, 15) : between(0.1, 1.2)
        after(seconds / 2, on: node) { [self] in
            if node.tasks[task.grant.token] === task {
                feed(.progressed(token: task.grant.token, rows: 5, bytes: 50), to: node)
            }
        }
        after(seconds, on: node) { [self] in
            guard node.tasks[task.grant.token] === task else { return }
            write(index, task, facts, node)
        }
    }

    /// The part lies in the store before anyone hears of it.
    private func write(_ index: Int, _ task: NodeTask, _ facts: PlanFacts, _ node: NodeProcess) {
        let grant = task.grant
        let path = "\(grant.attempt)/t/\(index)-\(grant.epoch)"
        // The same rows give the same bytes, whoever reads them.
        let part = ModelStore.Part(
            token: grant.token, sourceState: facts.sourceState,
            sha256: SHA256.hexadecimal("\(facts.sourceState)-\(index)"))
        if let other = store.write(part, at: path) {
            violate("\(path) is written by the attempts \(other.token) and \(grant.token)")
        }
        var receipt = PartReceipt(
            table: "t", shard: index, epoch: grant.epoch, stagedPath: path, byteCount: 1, sha256: part.sha256,
            rows: RowAccount(read: 10, published: 9, filtered: 1), rules: [])
        if chance(scenario.rates.unbalanced) { receipt.rows.published = 8 }
        after(between(0.001, 0.05), on: node) { [self] in end(task, .done(.part(receipt)), node) }
    }
}
