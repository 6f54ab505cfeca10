import Cluster
import Model

@testable import Scheduling

/// What goes wrong at a time that a scenario names.
extension Simulation {
    func inject(_ fault: Scenario.Fault) {
        note("fault \(fault.kind) \(fault.who) \(fault.to) \(fault.seconds)")
        let until = min(now + Self.nanoseconds(fault.seconds), calmAt)
        switch fault.kind {
        case .kill: process(fault.who).map { kill($0, for: fault.seconds) }
        case .killAfterWrite:
            guard let coordinator = process(fault.who) as? CoordinatorProcess else { return }
            coordinator.diesAfterWrite = true
            coordinator.fatalRecord = fault.to
            coordinator.deathSeconds = fault.seconds
        case .pause: process(fault.who).map { pause($0, until: until) }
        case .cut:
            let who = process(fault.who)?.label ?? fault.who
            let to = process(fault.to)?.label ?? fault.to
            cuts.append(Cut(from: who, to: to, until: until))
            if to.isEmpty { cuts.append(Cut(from: "", to: who, until: until)) }
        case .ledgerDown: ledgerDownUntil = until
        case .drain:
            if let node = process(fault.who) as? NodeProcess, node.pausedUntil <= now { feed(.drain, to: node) }
        case .cancel: cancel(fault.who)
        case .foreignVersion:
            let number = store.head(of: fault.who) + 1
            _ = store.create(
                ModelStore.Commit(
                    module: fault.who, version: number, attempt: "foreign-\(newID())", receipts: [], sealedAt: ""))
        case .stranger: forge()
        }
    }

    /// From now on nothing goes wrong; what is late is still under way.
    func calmDown() {
        note("calm")
        cuts = []
        ledgerDownUntil = 0
        for process in (coordinators as [SimulatedProcess]) + nodes where process.pausedUntil > now {
            process.pausedUntil = now
        }
        for coordinator in coordinators { coordinator.diesAfterWrite = false }
    }

    private func process(_ name: String) -> SimulatedProcess? {
        if name == "leader" {
            return coordinators.filter { $0.leader != nil }.max { $0.leader!.epoch < $1.leader!.epoch }
                ?? coordinators[0]
        }
        return (coordinators as [SimulatedProcess] + nodes).first { $0.label == name }
    }

    /// The process is gone at once; another takes its place.
    func kill(_ process: SimulatedProcess, for seconds: Double) {
        guard process.isUp else { return }
        note("\(process.label) is gone")
        process.isUp = false
        process.generation += 1
        process.pausedUntil = 0
        switch process {
        case let coordinator as CoordinatorProcess:
            coordinator.leader = nil
            coordinator.diesAfterWrite = false
        case let node as NodeProcess:
            for (id, hold) in snapshots where hold.process === node { snapshots[id] = nil }
        default: break
        }
        after(max(seconds, 0.1), on: nil) { [self] in
            process.isUp = true
            switch process {
            case let coordinator as CoordinatorProcess: start(coordinator)
            case let node as NodeProcess: start(node)
            default: break
            }
        }
    }

    private func pause(_ process: SimulatedProcess, until: Int64) {
        process.pausedUntil = max(process.pausedUntil, until)
        (process as? NodeProcess)?.awakeSince = max(process.pausedUntil, now)
    }

    /// A process that stands still here sends later what it has decided now.
    func stall(_ process: SimulatedProcess) {
        guard chance(scenario.rates.coordinatorStall) else { return }
        note("\(process.label) stalls")
        pause(process, until: min(calmAt, now + Self.nanoseconds(between(0.5, 8))))
    }

    private func cancel(_ number: String) {
        guard let index = Int(number), let name = submitters[index].name else { return }
        for place in coordinators.indices {
            let call = Call(node: "people", credential: "operator", request: .cancel(run: name))
            self.call(call, id: newID(), from: "people", process: nil, to: place) { _ in }
        }
    }

    /// Somebody heard a node's name and its tokens, and has the credential of another cluster.
    private func forge() {
        for node in nodes where node.isUp {
            for grant in node.tasks.values.map(\.grant).sorted(by: { $0.token < $1.token }) {
                var requests: [Request] = [
                    .release(run: grant.run, token: grant.token),
                    .fail(
                        run: grant.run, token: grant.token,
                        failure: TaskFailure(kind: .document, disposition: .failRun, message: "forged")),
                ]
                if case .shard(_, let index) = grant.task {
                    let receipt = PartReceipt(
                        table: "t", shard: index, epoch: grant.epoch, stagedPath: "forged", byteCount: 1,
                        sha256: "forged",
                        rows: RowAccount(), rules: [])
                    requests.insert(.complete(run: grant.run, token: grant.token, result: .part(receipt)), at: 0)
                }
                for request in requests {
                    let call = Call(
                        node: node.name, credential: NodeCredential(secret: [1]).text(for: node.name), request: request)
                    for place in coordinators.indices {
                        self.call(call, id: newID(), from: "stranger", process: nil, to: place) { [self] reply in
                            switch reply {
                            case .unknownNode, .notLeader: break
                            default: violate("a stranger was answered")
                            }
                        }
                    }
                }
            }
        }
    }
}
