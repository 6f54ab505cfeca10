import Cluster
import Model

@testable import Scheduling

/// What must hold after each event. Nothing here relies on a check of the product or of the models.
extension Simulation {
    // MARK: The ledger

    func checkDurable(_ records: [ClusterState.Record], before: ModelLedger, after: ModelLedger, epoch: Int64) {
        if epoch != after.epoch { violate("epoch \(epoch) changed the ledger of epoch \(after.epoch)") }
        for item in records {
            guard let old = before.runs[item.run], let new = after.runs[item.run] else { continue }
            note("durable \(item.run) \(item.record.word)")
            if !new.state.isOpen { overSince[item.run] = overSince[item.run] ?? now }
            switch item.record {
            case .accepted(let receipt): checkAccepted(receipt, old, new)
            case .sealed:
                if !new.shards.allSatisfy({ $0.receipt != nil }) { violate("\(item.run) is sealed with a hole") }
            case .published(let version, _):
                let commits = store.versions[new.start.module] ?? []
                if version > commits.count || commits[version - 1].attempt != new.start.attempt {
                    violate("\(item.run) is called published, and is not version \(version)")
                }
            case .aborted(let failure, _):
                if store.version(of: new.start.attempt, module: new.start.module) != nil {
                    violate("\(item.run) is published and was given up: \(failure.message)")
                }
            default: break
            }
            for (index, shard) in old.shards.enumerated() where shard.receipt != nil {
                if new.shards[index].receipt != shard.receipt { violate("an accepted receipt of \(item.run) changed") }
            }
        }
        let leases = after.order.compactMap { after.runs[$0] }.filter { run in
            guard run.state.isOpen, case .postgres? = run.plan?.sources.first else { return false }
            return true
        }.reduce(0) { $0 + $1.shards.reduce(0) { $0 + $1.leases.count } }
        if leases > Self.connectionsPerSource { violate("\(leases) shards of one source are granted") }
    }

    private func checkAccepted(_ receipt: PartReceipt, _ old: LedgerRun, _ new: LedgerRun) {
        let place = "\(new.start.run), shard \(receipt.shard)"
        if old.shards[receipt.shard].receipt != nil { violate("\(place) is accepted twice") }
        if !receipt.rows.isBalanced { violate("\(place) is accepted although its rows do not add up") }
        let lease = old.shards[receipt.shard].leases.first { $0.epoch == receipt.epoch }
        guard let part = store.parts[receipt.stagedPath] else { return violate("\(place) has no part") }
        if part.token != lease?.token { violate("\(place): the part is of attempt \(part.token)") }
        if let plan = new.plan, part.sourceState != PlanFacts(plan).sourceState {
            violate("\(place) is of another snapshot")
        }
    }

    // MARK: The store

    /// A commit record reaches the store, whoever sent it and however long ago.
    func create(_ commit: ModelStore.Commit) -> ModelStore.Creation {
        let before = store.versions[commit.module] ?? []
        let creation = store.create(commit)
        note("commit \(commit.attempt) as \(commit.module) \(commit.version): \(creation)")
        let after = store.versions[commit.module] ?? []
        if Array(after.prefix(before.count)) != before { violate("a published version was replaced") }
        guard creation == .created else { return creation }
        if before.contains(where: { $0.attempt == commit.attempt }) { violate("\(commit.attempt) is published twice") }
        guard let run = ledger.runs[commit.attempt] else {
            violate("a version of no run")
            return creation
        }
        if run.state != .committing { violate("\(commit.attempt) is \(run.state) and becomes a version") }
        if run.commitRecord != commit.text {
            violate("\(commit.attempt) is published under a record that the ledger does not hold")
        }
        if commit.receipts != run.shards.compactMap(\.receipt) || commit.receipts.count != run.shards.count {
            violate("\(commit.attempt): the manifest is not what was accepted")
        }
        if !store.holds(commit.receipts) { violate("\(commit.attempt) is published without its parts") }
        if Set(commit.receipts.compactMap { store.parts[$0.stagedPath]?.sourceState }).count > 1 {
            violate("\(commit.attempt) mixes two snapshots")
        }
        return creation
    }

    // MARK: What coordinators say

    func check(_ note: ClusterState.Note, by process: CoordinatorProcess, _ leader: Leader) {
        switch note {
        case .runOver(let run, .published):
            guard let start = ledger.runs[run]?.start, store.version(of: start.attempt, module: start.module) != nil
            else {
                return violate("\(run) is reported published, and is not")
            }
        case .granted(let run, let spec, let epoch, _, let isCopy):
            self.note("\(process.label) grants \(run) \(spec.words) \(epoch)\(isCopy ? ", a copy" : "")")
            if !isCopy, leader.epoch == ledger.epoch { checkAlone(run, spec) }
            checkModule(of: run, leader)
        default: self.note("\(process.label): \(note)")
        }
    }

    /// A task is granted anew only when nobody works on it: whoever lost it has noticed by its own clock.
    private func checkAlone(_ run: String, _ spec: TaskSpec) {
        guard case .shard = spec else { return }
        for node in nodes where node.isUp && node.pausedUntil <= now && now - node.awakeSince > 500_000_000 {
            for task in node.tasks.values where task.grant.run == run && task.grant.task == spec && !task.isStopping {
                violate("\(node.label) works on \(run), \(spec.words), which is granted to another")
            }
        }
    }

    /// Runs of a module come one after the other.
    private func checkModule(of run: String, _ leader: Leader) {
        guard let module = leader.state.runs[run]?.start.module else { return }
        let active = leader.state.runs.values.filter { $0.start.module == module && $0.phase != .queued }
        if active.count > 1 { violate("\(active.count) runs of \(module) are under way at once") }
    }

    /// Nobody works for a run that is over, once the word has had time to get round.
    func checkIdle() {
        guard isCalm else { return }
        for node in nodes where node.isUp {
            for task in node.tasks.values where !task.isStopping {
                guard let over = overSince[task.grant.run] else { continue }
                if now - max(over, calmAt, node.awakeSince) > Self.nanoseconds(3 + selfFenceTime) {
                    violate("\(node.label) works for \(task.grant.run), which is over")
                }
            }
        }
    }

    /// What goes wrong meanwhile is no excuse.
    func checkInTime() {
        guard let limit = scenario.overBy, now > Self.nanoseconds(limit) else { return }
        for name in ledger.order where ledger.runs[name]!.state.isOpen {
            violate("\(name) is still \(ledger.runs[name]!.state)")
        }
    }

    // MARK: The end

    var isOver: Bool {
        submitters.allSatisfy(\.isDone) && ledger.runs.values.allSatisfy { !$0.state.isOpen && $0.restart != .due }
            && nodes.allSatisfy { $0.tasks.values.allSatisfy(\.isStopping) }
    }

    func checkEnd() {
        guard violations.isEmpty else { return }
        for submitter in submitters where !submitter.isDone { violate("submission \(submitter.index) has no run") }
        for name in ledger.order where ledger.runs[name]!.state.isOpen {
            violate("\(name) is \(ledger.runs[name]!.state) for ever")
        }
        // One whose submitter let it begin anew does so, once, whoever led when its snapshots were lost.
        for run in ledger.runs.values {
            let count = ledger.runs.values.count { $0.start.restartOf == run.start.run }
            let isDue =
                run.failure?.kind == .snapshotLost && run.start.restartsOnSnapshotLoss == true
                && run.start.restartOf == nil
            if count != (isDue ? 1 : 0) { violate("\(run.start.run) began anew \(count) times") }
        }
        for submitter in submitters {
            let count = ledger.order.count {
                ledger.runs[$0]!.start.submission == "submission-\(submitter.index)"
                    && ledger.runs[$0]!.start.restartOf == nil
            }
            if count > 1 { violate("submission \(submitter.index) is \(count) runs") }
        }
        for (submitter, wanted) in zip(submitters, scenario.outcomes ?? []) where !wanted.isEmpty {
            let restart = ledger.order.last { ledger.runs[$0]!.start.restartOf == submitter.name }
            let state = (restart ?? submitter.name).map { ledger.runs[$0]!.state.rawValue } ?? "nothing"
            if state != wanted { violate("submission \(submitter.index) came to \(state), not \(wanted)") }
        }
    }
}
