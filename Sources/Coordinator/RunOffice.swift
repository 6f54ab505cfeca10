internal import Foundation
package import Metadata
package import Model
package import ModuleStore
package import Scheduling
internal import Synchronization

/// What a coordinator does beside its loop, each on a thread of its own: opens documents, publishes, removes what came to
/// nothing. Outcomes wait until the loop takes them.
///
/// Nothing here decides: a coordinator that no longer leads is refused by the ledger before it can commit anything.
package final class RunOffice: Sendable {
    /// A document as far as a coordinator reads it.
    package struct Prepared: Sendable {
        package let store: Store
        package let module: String
        package let documentDigest: String
        package let iceberg: Bool

        package init(store: Store, module: String, documentDigest: String, iceberg: Bool) {
            self.store = store
            self.module = module
            self.documentDigest = documentDigest
            self.iceberg = iceberg
        }
    }

    package typealias Prepare = @Sendable (_ document: [UInt8], _ path: String) throws(TaskFailure) -> Prepared

    private struct Shared {
        var events: [ClusterState.Event] = []
        /// When runs of this coordinator's time were whole, as the ledger says it.
        var sealedAt: [String: String] = [:]
        var published: [String: CommitRecord] = [:]
        var busy = 0
    }

    private let ledger: Ledger
    private let prepare: Prepare
    private let actor: String
    /// A commit without an answer is sent again until there is one. Otherwise the run ends, and the next one settles it.
    private let persists: Bool
    private let shared = Mutex(Shared())

    package init(ledger: Ledger, actor: String, persists: Bool, prepare: @escaping Prepare) {
        self.ledger = ledger
        self.actor = actor
        self.persists = persists
        self.prepare = prepare
    }

    package static var now: String { Timestamp.text(milliseconds: Store.systemTime()) }

    /// The loop's records, durably.
    package func append(_ records: [ClusterState.Record]) throws(LedgerError) {
        let now = Self.now
        try ledger.append(records.map { LedgerEntry(run: $0.run, record: $0.record, at: now, actor: "coordinator") })
        shared.withLock { shared in
            for record in records where record.record == .sealed { shared.sealedAt[record.run] = now }
        }
    }

    /// Outcomes since the last call.
    package func takeEvents() -> [ClusterState.Event] {
        shared.withLock { shared in
            defer { shared.events = [] }
            return shared.events
        }
    }

    /// The record of a run that was published here.
    package func record(of run: String) -> CommitRecord? { shared.withLock { $0.published[run] } }
    /// How many actions are going on.
    package var busyCount: Int { shared.withLock { $0.busy } }

    package func perform(_ action: ClusterState.Action, _ state: ClusterState) {
        switch action {
        case .open(let id, let path, let document, let restarts):
            inBackground { [self] in
                do {
                    try open(document, path, submission: id, restarts: restarts, restartOf: nil)
                } catch let error as LedgerError where error.code == .unreachable {
                    // Whether the run began is not known: the submitter asks again.
                    post(.openingFailed(id: id))
                } catch { post(.submissionRefused(id: id, reason: TaskFailure.ofPublishing(error).summary)) }
            }
        case .restart(let start, let document):
            inBackground { [self] in
                // What can never be opened again stays failed; its submitter is told of the lost snapshot.
                do { try restart(start, document) } catch { post(.restartFailed(of: start.run, .ofPublishing(error))) }
            }
        case .publish(let run):
            guard let state = state.runs[run], let plan = state.plan else { return }
            // The manifest of many shards takes a while to be put together.
            inBackground { [self] in publish(state.start, state.document, plan, state.manifest) }
        case .discard(let start, let document):
            inBackground { [self] in
                guard let prepared = try? prepare(document, start.documentPath ?? "") else { return }
                try? prepared.store.discard(module: start.module, attempt: start.attempt)
            }
        }
    }

    private func inBackground(_ work: @escaping @Sendable () -> Void) {
        shared.withLock { $0.busy += 1 }
        let thread = Thread { [self] in
            work()
            shared.withLock { $0.busy -= 1 }
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    private func post(_ event: ClusterState.Event) { shared.withLock { $0.events.append(event) } }

    // MARK: Opening

    private func open(
        _ document: [UInt8], _ path: String, submission: String?, restarts: Bool, restartOf: String?
    ) throws {
        let prepared = try prepare(document, path)
        if restartOf == nil, let submission, let known = try ledger.run(ofSubmission: submission) {
            // The coordinator that opened it ended before it could say so.
            let run = try ledger.load(known)
            post(run.state.isOpen ? .opened(run.start, document: document) : .known(submission: submission, run: known))
            return
        }
        let attempt = try prepared.store.beginAttempt(module: prepared.module, isShared: persists)
        let start = RunStart(
            run: attempt, module: prepared.module, attempt: attempt, documentDigest: prepared.documentDigest,
            startedAt: Self.now, actor: actor, documentPath: path, submission: submission,
            restartsOnSnapshotLoss: restarts, restartOf: restartOf)
        if restartOf == nil {
            try ledger.begin(start, document: document)
        } else {
            // Nobody asks for it again: the same entry is repeated until it is known to be there, once.
            try persistently { () throws(LedgerError) in try ledger.begin(start, document: document) }
        }
        post(.opened(start, document: document))
    }

    /// Tries for as long as its store or the ledger may come back. Until it has begun the ledger calls it due, and whoever
    /// leads next begins it.
    private func restart(_ start: RunStart, _ document: [UInt8]) throws {
        var pause = 1.0
        while true {
            do {
                return try open(
                    document, start.documentPath ?? "", submission: nil, restarts: true, restartOf: start.run)
            } catch let error as LedgerError where error.code != .unreachable && error.code != .inUse {
                // Another leads, or has begun it: it is no failure of the run's.
                return
            } catch {
                guard persists, TaskFailure.ofPublishing(error).disposition != .failRun else { throw error }
                Thread.sleep(forTimeInterval: pause)
                pause = min(2 * pause, 30)
            }
        }
    }

    // MARK: Publishing

    /// What became of a run whose loop was stopped at once.
    package enum Ending: Sendable {
        case nothing
        case published(CommitRecord)
        /// It had begun to commit: the next run of the module finds out.
        case undecided
    }

    /// Ends a run whose loop has ended while it was being published. The ledger decides: a run that it takes as aborted
    /// cannot begin to commit any more, and one that has begun is not taken.
    package func giveUp(_ run: String, _ failure: TaskFailure) -> Ending {
        if let record = record(of: run) { return .published(record) }
        do throws(LedgerError) { try ledger.append([.aborted(failure)], run: run, at: Self.now) } catch {
            guard let record = record(of: run) else { return .undecided }
            return .published(record)
        }
        return .nothing
    }

    private func publish(_ start: RunStart, _ document: [UInt8], _ plan: RunPlan, _ manifest: [PartReceipt]) {
        let run = start.run
        do throws(LedgerError) {
            switch try outcome(start, document, plan, manifest) {
            case .published(let record):
                shared.withLock { $0.published[run] = record }
                post(.published(run: run, version: record.version))
            case .failed(let error as LedgerError, _) where error.code == .deposed,
                .undecided(let error as LedgerError) where error.code == .deposed:
                // Whoever leads now publishes it, from where the ledger says that it is.
                break
            case .failed(let error, let proof): post(.failed(run: run, .ofPublishing(error), proof: proof))
            case .undecided(let error): post(.undecided(run: run, TaskFailure.ofPublishing(error).undecided))
            case .open(let error): post(.undecided(run: run, error.failure))
            }
        } catch  where error.code == .deposed {
            // As above.
        } catch { post(.undecided(run: run, TaskFailure.ofPublishing(error).undecided)) }
    }

    /// - Throws: when the ledger does not say how far the run had come under another coordinator.
    private func outcome(
        _ start: RunStart, _ document: [UInt8], _ plan: RunPlan, _ manifest: [PartReceipt]
    ) throws(LedgerError) -> Publishing.Outcome {
        var recovered: RecoveredRun?
        var sealedAt = shared.withLock { $0.sealedAt[start.run] }
        if sealedAt == nil {
            // Another coordinator sealed it, and may have begun to commit.
            recovered = try persistently { () throws(LedgerError) in try ledger.load(start.run) }
            sealedAt = recovered?.sealedAt ?? recovered?.changedAt
        }
        let prepared: Prepared
        do throws(TaskFailure) { prepared = try prepare(document, start.documentPath ?? "") } catch {
            // A commit is not taken back because this coordinator cannot read the document.
            return recovered?.commitRecord == nil ? .failed(error, .unsent) : .undecided(error)
        }
        let publishing = Publishing(
            store: prepared.store, start: start, sealedAt: sealedAt ?? start.startedAt, iceberg: prepared.iceberg,
            note: { [self] record in
                let now = Self.now
                try persistently { () throws(LedgerError) in try ledger.append([record], run: start.run, at: now) }
            })
        if let text = recovered?.commitRecord { return settle(publishing, text) }
        let outcome = publishing.publish(plan, manifest)
        guard persists, case .undecided = outcome else { return outcome }
        let run = try persistently { () throws(LedgerError) in try ledger.load(start.run) }
        return run.commitRecord.map { settle(publishing, $0) } ?? outcome
    }

    /// Asks the ledger until it answers, where that is worth while: what became of the run must not depend on its being away.
    private func persistently<Value>(_ body: () throws(LedgerError) -> Value) throws(LedgerError) -> Value {
        while true {
            do throws(LedgerError) { return try body() } catch {
                // A full one has written nothing, and may be given room.
                guard persists, [.unreachable, .inUse, .noSpace].contains(error.code) else { throw error }
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    /// Where that is worth while, for as long as the store may come back.
    private func settle(_ publishing: Publishing, _ text: String) -> Publishing.Outcome {
        var pause = 1.0
        while true {
            let outcome = publishing.settle(record: text)
            guard persists, case .undecided(let error) = outcome, !(error is LedgerError) else { return outcome }
            let failure = TaskFailure.ofPublishing(error)
            let mayAnswer = failure.isUnknownCommit || failure.disposition != .failRun
            guard mayAnswer else { return outcome }
            Thread.sleep(forTimeInterval: pause)
            pause = min(2 * pause, 30)
        }
    }
}

extension TaskFailure {
    /// The failure with its problems, as one text for the one who submitted.
    var summary: String {
        problems.isEmpty ? message : problems.prefix(20).map(\.description).joined(separator: "\n")
    }
}
