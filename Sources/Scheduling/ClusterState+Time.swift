internal import Cluster
internal import Model

/// Silence and death.
extension ClusterState {
    mutating func expire(now: Instant, _ step: inout Step) {
        // One that waited for its turn until then is told before it is planned, not after it was read.
        for id in order where runs[id]!.deadline <= now && runs[id]!.phase != .publishing { fail(id, .tooOld, &step) }
        for name in names(where: { now - $0.lastHeard > policy.leaseTime }) {
            lose(name, countsAsCrash: true, reason: "silent", now: now, &step)
        }
        // Their submitters are gone.
        for (id, submission) in submissions {
            if case .incomplete(_, let since) = submission, now - since > Limits.submissionPatience {
                forgetSubmission(id)
            }
        }
        // A process that died has its connections closed by its system long before its lease ends. A keeper is given the whole
        // term: with it a snapshot is lost.
        let isGone = { (node: Node) in
            node.role == .worker && node.disconnectedSince.map { now - $0 > Limits.disconnectedTime } ?? false
        }
        for name in names(where: isGone) {
            lose(name, countsAsCrash: true, reason: "connection closed", now: now, &step)
        }
        // A node that is alive and does not name a lease never got it, or has dropped it: nobody died of it.
        let isOver = { (state: ClusterState, token: Int64, place: (run: String, spec: TaskSpec)) in
            state.lease(token, place.run, place.spec).map { $0.until < now } ?? false
        }
        for token in leases.filter({ isOver(self, $0.key, $0.value) }).keys.sorted() {
            // The end of one may have been the end of its run, with all leases of it.
            guard let (id, spec) = leases[token], isOver(self, token, (id, spec)) else { continue }
            step.notes.append(.leaseExpired(run: id, spec))
            forget(token)
            giveBack(id, spec, token: token, countsAsCrash: false, now: now, &step)
        }
    }

    private func names(where isSuch: (Node) -> Bool) -> [String] { nodes.filter { isSuch($0.value) }.keys.sorted() }

    private func lease(_ token: Int64, _ id: String, _ spec: TaskSpec) -> TaskLease? {
        guard let run = runs[id] else { return nil }
        switch spec {
        case .plan: return run.planning.lease(token)
        case .hold: return run.holding
        case .shard: return run.position(of: spec).flatMap { run.shards[$0].lease(token) }
        }
    }

    mutating func lose(_ name: String, countsAsCrash: Bool, reason: String, now: Instant, _ step: inout Step) {
        guard let node = nodes.removeValue(forKey: name) else { return }
        step.notes.append(.lost(node: name, reason: reason))
        for token in node.tokens.sorted() {
            workers[token] = nil
            guard let (id, spec) = leases.removeValue(forKey: token) else { continue }
            giveBack(id, spec, token: token, countsAsCrash: countsAsCrash, now: now, &step)
        }
        for id in order where runs[id]?.holders[name] != nil { loseHolder(name, of: id, &step) }
    }

    /// Ends a lease that came to nothing.
    mutating func giveBack(
        _ id: String, _ spec: TaskSpec, token: Int64, countsAsCrash: Bool, now: Instant, _ step: inout Step
    ) {
        guard runs[id] != nil else { return }
        step.notes.append(.released(run: id, spec))
        switch spec {
        case .plan:
            runs[id]!.planning.leases = []
            runs[id]!.upload = []
            if countsAsCrash { runs[id]!.planning.crashes += 1 }
            if runs[id]!.planning.crashes >= Limits.crashesPerShard { fail(id, .poison(spec), &step) }
        case .hold: runs[id]!.holding = nil
        case .shard(let table, let index):
            guard let position = runs[id]!.position(of: spec), let lease = runs[id]!.shards[position].lease(token)
            else { return }
            step.records.append(Record(run: id, record: .released(table: table, shard: index, epoch: lease.epoch)))
            connections[runs[id]!.sources[position], default: 0] -= 1
            runs[id]!.endLease(position, token: token, readyFrom: now, countsAs: countsAsCrash ? .crash : .nothing)
            if runs[id]!.shards[position].crashes >= Limits.crashesPerShard { fail(id, .poison(spec), &step) }
        }
    }

    /// The snapshots live as long as one of their holders does. With the last one they are gone: a fresh one would be
    /// another state of the source.
    mutating func loseHolder(_ name: String, of id: String, _ step: inout Step) {
        guard runs[id]?.holders.removeValue(forKey: name) != nil else { return }
        // When nothing is read any more nobody needs the snapshots, and the ledger may know already that the run is over.
        guard runs[id]!.phase == .extracting else { return }
        step.records.append(Record(run: id, record: .letGo(worker: name)))
        guard runs[id]!.holders.isEmpty, !isDraining || !leases.isEmpty else { return }
        fail(
            id,
            TaskFailure(
                kind: .snapshotLost, disposition: .failRun,
                message: "the keeper of the sources' snapshots is gone; shards of two snapshots are never mixed"), &step
        )
    }

    /// A lease that is worth nothing any more, whoever has it.
    mutating func forget(_ token: Int64) {
        leases[token] = nil
        if let name = workers.removeValue(forKey: token) { nodes[name]?.tokens.remove(token) }
    }
}

extension TaskFailure {
    /// Of a run that no coordinator can carry on with.
    static func unfit(_ reason: String) -> TaskFailure {
        TaskFailure(
            kind: .worker, disposition: .failRun,
            message: "the run's plan cannot be carried out: \(reason.shown(limit: Limits.charactersPerFailure))")
    }

    fileprivate static let tooOld = TaskFailure(
        kind: .worker, disposition: .failRun,
        message: "the run began more than three days ago, and is not published any more; submit its document again")

    fileprivate static func poison(_ spec: TaskSpec) -> TaskFailure {
        TaskFailure(
            kind: .worker, disposition: .failRun,
            message: "\(spec.words): three workers died on it; it is not tried on a fourth")
    }
}
