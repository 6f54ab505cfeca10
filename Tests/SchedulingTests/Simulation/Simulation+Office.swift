import Cluster
import Model

@testable import Scheduling

/// What a coordinator does beside its loop: opens documents, publishes, discards. `RunOffice`, step by step.
///
/// A thread goes on when its coordinator has lost the lead, and ends with its process.
extension Simulation {
    func perform(_ action: ClusterState.Action, _ process: CoordinatorProcess, _ leader: Leader) {
        let pause = between(0.001, 0.05)
        switch action {
        case .open(let id, _, let document, let restarts):
            after(pause, on: process) { [self] in open(document, id, restarts, process, leader) }
        case .restart(let start, let document):
            if start.restartOf != nil { violate("\(start.run) begins anew twice") }
            after(pause, on: process) { [self] in restart(start, document, process, leader) }
        case .publish(let run):
            guard let schedule = leader.state.runs[run] else { return }
            let job = PublishingJob(
                start: schedule.start, manifest: schedule.manifest, sealedAt: leader.sealedAt[run], process: process,
                leader: leader)
            after(pause, on: process) { [self] in publish(job) }
        case .discard(let start, _):
            after(between(0.001, 0.5), on: process) { [self] in
                note("discards \(start.run)")
                if store.version(of: start.attempt, module: start.module) != nil {
                    violate("the files of \(start.run) are removed although it is published")
                }
                store.discard(start.attempt)
            }
        }
    }

    // MARK: Opening

    private func open(
        _ document: [UInt8], _ id: String, _ restarts: Bool, _ process: CoordinatorProcess, _ leader: Leader
    ) {
        atLedger(process, { $0.run(ofSubmission: id) }) { [self] result in
            switch result {
            case .success(let known?) where known.state.isOpen:
                post(.opened(known.start, document: document), process, leader)
            case .success(let known?): post(.known(submission: id, run: known.start.run), process, leader)
            case .success(nil): begin(newRun(document, id, restarts), document, process, leader)
            // Whether it began is not known: the submitter asks again.
            case .failure: post(.openingFailed(id: id), process, leader)
            }
        }
    }

    private func newRun(_ document: [UInt8], _ submission: String?, _ restarts: Bool, restartOf: String? = nil)
        -> RunStart
    {
        let name = "run-\(newID())"
        return RunStart(
            run: name, module: Submitter.run(of: document, in: scenario).module, attempt: name, documentDigest: "",
            startedAt: "",
            actor: "", submission: submission, restartsOnSnapshotLoss: restarts, restartOf: restartOf)
    }

    private func begin(_ start: RunStart, _ document: [UInt8], _ process: CoordinatorProcess, _ leader: Leader) {
        atLedger(
            process, { (ledger) throws(ModelLedger.Fault) in try ledger.begin(start, document, epoch: leader.epoch) }
        ) { [self] result in
            switch result {
            case .success: begun(start, document, process, leader)
            case .failure:
                if let submission = start.submission { post(.openingFailed(id: submission), process, leader) }
            }
        }
    }

    private func begun(_ start: RunStart, _ document: [UInt8], _ process: CoordinatorProcess, _ leader: Leader) {
        note("\(start.run) begins, of \(start.module)")
        post(.opened(start, document: document), process, leader)
    }

    /// The same entry again until it is known to be there: nobody else asks for it as long as this coordinator leads.
    private func restart(_ start: RunStart, _ document: [UInt8], _ process: CoordinatorProcess, _ leader: Leader) {
        let next = newRun(document, nil, true, restartOf: start.run)
        func attempt() {
            atLedger(
                process,
                { (ledger) throws(ModelLedger.Fault) in
                    if ledger.runs[next.run] == nil { try ledger.begin(next, document, epoch: leader.epoch) }
                }
            ) { [self] result in
                switch result {
                case .success:
                    note("begins anew \(start.run)")
                    begun(next, document, process, leader)
                case .failure(.unreachable): after(0.3, on: process) { attempt() }
                // Another leads: it has found the run to be due.
                case .failure(.fenced): break
                case .failure(.refused(let reason)): violate("the ledger refused a restart: \(reason)")
                }
            }
        }
        attempt()
    }
}

/// A run that is made a version.
struct PublishingJob {
    let start: RunStart
    let manifest: [PartReceipt]
    var sealedAt: String?
    let process: CoordinatorProcess
    let leader: Leader
}

extension Simulation {
    private func fail(
        _ job: PublishingJob, _ message: String, code: String? = nil, proof: NoVersion = .unsent
    ) {
        post(
            .failed(
                run: job.start.run, TaskFailure(kind: .target, disposition: .failRun, message: message, code: code),
                proof: proof),
            job.process, job.leader)
    }

    /// Another coordinator may have sealed the run and begun to commit: the ledger knows. It is asked until it answers, for
    /// a run that may be published must not be given up.
    func publish(_ job: PublishingJob) {
        guard job.sealedAt == nil else { return describe(job) }
        read(job) { [self] run in
            var job = job
            job.sealedAt = run.sealedAt
            if let text = run.commitRecord { commit(job, store.known[text]!, isFirst: false) } else { describe(job) }
        }
    }

    private func read(_ job: PublishingJob, _ done: @escaping (LedgerRun) -> Void) {
        atLedger(job.process, { $0.runs[job.start.run] }) { [self] result in
            if case .success(let run?) = result { return done(run) }
            after(0.3, on: job.process) { [self] in read(job, done) }
        }
    }

    /// `Publisher.publish`.
    private func describe(_ job: PublishingJob) {
        after(between(0.005, 0.1), on: job.process) { [self] in
            if let earlier = store.version(of: job.start.attempt, module: job.start.module) {
                return finish(job, earlier)
            }
            guard store.holds(job.manifest) else { return fail(job, "parts are missing") }
            let seconds = chance(scenario.rates.commitLate) ? between(0.5, 3) : between(0.005, 0.2)
            after(seconds, on: job.process) { [self] in
                let commit = ModelStore.Commit(
                    module: job.start.module, version: store.head(of: job.start.module) + 1, attempt: job.start.attempt,
                    receipts: job.manifest, sealedAt: job.sealedAt ?? "")
                store.known[commit.text] = commit
                write(job, .committing(version: commit.version, record: commit.text)) { [self] result in
                    switch result {
                    case .success: self.commit(job, commit, isFirst: true)
                    case .failure: fail(job, "the ledger does not take the commit record")
                    }
                }
            }
        }
    }

    private func write(
        _ job: PublishingJob, _ record: LedgerRecord, _ done: @escaping (Result<Void, ModelLedger.Fault>) -> Void
    ) {
        append(
            [ClusterState.Record(run: job.start.run, record: record)], epoch: job.leader.epoch, at: "", by: job.process,
            done)
    }

    /// Sends the record, the same bytes again until an answer is final.
    private func commit(_ job: PublishingJob, _ commit: ModelStore.Commit, isFirst: Bool) {
        stall(job.process)
        after(between(0.005, 0.1), on: job.process) { [self] in
            func unknown() {
                after(between(0.2, 1), on: job.process) { [self] in
                    guard isFirst else { return self.commit(job, commit, isFirst: false) }
                    // What the ledger keeps is what is sent again.
                    read(job) { [self] run in
                        if let text = run.commitRecord { self.commit(job, store.known[text]!, isFirst: false) }
                    }
                }
            }
            if chance(scenario.rates.commitLost) { return unknown() }
            if chance(scenario.rates.commitLate) {
                after(between(0.2, 8), on: nil) { [self] in _ = create(commit) }
                return unknown()
            }
            let creation = create(commit)
            if chance(scenario.rates.commitUnanswered) { return unknown() }
            after(between(0.001, 0.05), on: job.process) { [self] in
                switch creation {
                case .created, .wasThere: finish(job, commit)
                case .taken:
                    fail(
                        job, "another run published this version first", code: "conflict",
                        proof: .taken(commitSHA256: ""))
                }
            }
        }
    }

    /// The version is there, whatever the ledger says of it; it is told until it has heard.
    private func finish(_ job: PublishingJob, _ commit: ModelStore.Commit) {
        if ledger.runs[job.start.run]?.state == .published {
            return post(.published(run: job.start.run, version: commit.version), job.process, job.leader)
        }
        write(job, .published(version: commit.version, commitSHA256: "")) { [self] result in
            switch result {
            case .success: post(.published(run: job.start.run, version: commit.version), job.process, job.leader)
            case .failure(.unreachable): after(0.3, on: job.process) { [self] in finish(job, commit) }
            case .failure: break
            }
        }
    }
}
