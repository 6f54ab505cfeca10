import Cluster
import Coordinator
import Foundation
import Metadata
import Model
import ModuleStore
import Scheduling
import Worker

/// One embedded run: store, ledger, socket, processes and the coordinator's loop, put together and taken down.
struct RunDriver {
    enum Outcome {
        case published(CommitRecord, folder: String, dropped: [DroppedRows])
        case failed(TaskFailure)
        /// Nothing was published.
        case interrupted
        /// The version may be there or may yet come: the next run of the module finds out, and nothing is removed before.
        case undecided(TaskFailure)

        var mayBeVersion: Bool {
            switch self {
            case .published, .undecided: true
            case .failed, .interrupted: false
            }
        }
    }

    let pipeline: Pipeline
    let documentPath: String
    let signingKey: SigningKey?
    let workers: Int
    let common: CommonOptions
    let isVerbose: Bool

    func run() throws -> Outcome {
        let document = try documentBytes()
        let store: Store
        do { store = try Store(pipeline.target, renderer: ParquetRendition()).signing(with: signingKey) } catch {
            throw Stop(.unreachable, error.description)
        }
        let module = pipeline.about.module
        let attempt: String
        do { attempt = try store.beginAttempt(module: module) } catch {
            throw Stop(.unreachable, "the store at \(store.location): \(error.description)")
        }
        // An attempt that comes to nothing leaves nothing: no reader ever refers to it. One that may be a version stays whole.
        var mayBeVersion = false
        defer { if !mayBeVersion { try? store.discard(module: module, attempt: attempt) } }

        let ledger: Ledger
        let settled: [String]
        do { (ledger, settled) = try ModuleLedger.open(store, module: module) } catch {
            // An earlier commit without an answer: nothing may be removed, not even what this attempt has made.
            mayBeVersion = error.isUnknownCommit
            return .failed(error)
        }
        let start = RunStart(
            run: attempt, module: module, attempt: attempt, documentDigest: pipeline.about.documentDigest,
            startedAt: RunOffice.now, actor: NSUserName(), documentPath: documentPath)
        do { try ledger.begin(start, document: document) } catch { return .failed(error.failure) }
        if !common.quiet { for sentence in settled { Console.note(sentence) } }
        let signals = Signals()
        let secret = Self.makeSecret()
        let server: ReplyServer
        do { server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"], tls: nil) } catch {
            return .failed(
                TaskFailure(kind: .worker, disposition: .failRun, message: "no loopback port: \(error.reason)"))
        }
        let address = server.addresses[0]
        let processes = ChildProcesses()
        defer { processes.stopAll(grace: .seconds(2)) }
        // The keeper, too, keeps no more processors busy than were asked for.
        let spawn: (Join.Role) throws -> Void = { [isVerbose, workers] role in
            try processes.start(
                role: role, slots: role == .keeper ? workers : 1, address: address, secret: secret,
                logsToStandardError: isVerbose)
        }
        do {
            for role in [Join.Role.keeper] + Array(repeating: .worker, count: workers) {
                try spawn(role)
            }
        } catch {
            return .failed(
                TaskFailure(kind: .worker, disposition: .failRun, message: "a worker process cannot be started"))
        }

        let display = ProgressDisplay(common)
        let prepared = RunOffice.Prepared(
            store: store, module: module, documentDigest: pipeline.about.documentDigest,
            iceberg: pipeline.target.iceberg)
        let office = RunOffice(ledger: ledger, actor: start.actor, persists: false) { _, _ in prepared }
        let supervisor = Supervisor(
            processes: processes, signals: signals, run: attempt, replacements: workers * 4 + 8, start: spawn)
        var policy = ClusterState.Policy()
        policy.leavesWhenDone = true
        var state = ClusterState(
            epoch: 1, credential: NodeCredential(secret: Array(secret.utf8)), policy: policy, now: NodeClock.now)
        _ = state.handle(.opened(start, document: document), now: NodeClock.now)
        var hasTold = false
        let service = CoordinatorService(
            state: state, server: server,
            duties: .init(
                record: { records throws(LedgerError) in
                    try office.append(records)
                    for case .planned(let plan) in records.map(\.record) { display.show(plan.warnings) }
                },
                perform: { action, state in
                    // What the run leaves is removed below, when its processes have ended.
                    if case .publish = action { office.perform(action, state) }
                },
                outside: { supervisor.events() + office.takeEvents() },
                refusal: { call, _ in ConstantTime.areEqual(call.credential, secret) ? nil : "wrong join secret" },
                observe: { [common] state, _ in
                    if signals.received == 1, state.isPublishing, !hasTold, !common.quiet {
                        hasTold = true
                        Console.note(
                            "the version is being published: its outcome is waited for, unless you stop once more")
                    }
                    if let run = state.run(attempt) { display.show(run, workers: state.nodeCount(.worker)) }
                },
                mustStop: { signals.received >= 2 }),
            endsWhenOver: true)
        let ending = service.run()
        display.finish()
        let outcome = outcome(
            after: ending, service.state, office, start, store, wasSignalled: signals.received > 0)
        mayBeVersion = outcome.mayBeVersion
        return outcome
    }

    private func outcome(
        after ending: CoordinatorService.Ending, _ state: ClusterState, _ office: RunOffice, _ start: RunStart,
        _ store: Store, wasSignalled: Bool
    ) -> Outcome {
        func published(_ record: CommitRecord) -> Outcome {
            .published(record, folder: store.folder(record), dropped: DropReport.of(record, in: store))
        }
        if let run = state.ended.last {
            if run.phase == .published, let record = office.record(of: start.run) { return published(record) }
            let failure = run.failure ?? TaskFailure(kind: .worker, disposition: .failRun, message: "the run failed")
            if failure.isUnknownCommit { return .undecided(failure) }
            if case .deposed(let error?) = ending { return .failed(error.failure) }
            return wasSignalled && failure.kind == .worker ? .interrupted : .failed(failure)
        }
        // The loop ended before the run did: the operator's second signal, or a ledger that takes nothing.
        let wasPublishing = state.isPublishing
        let ended = office.giveUp(
            start.run,
            TaskFailure(kind: .worker, disposition: .failRun, message: "interrupted by the operator"))
        switch ended {
        case .published(let record): return published(record)
        case .undecided where wasPublishing:
            var failure = TaskFailure.stoppedWhilePublishing
            // A full disk may hold the ledger too.
            if case .deposed(let error?) = ending { failure.message = "\(error.failure.message); \(failure.message)" }
            return .undecided(failure)
        case .nothing, .undecided:
            if case .deposed(let error) = ending {
                return .failed(
                    error?.failure
                        ?? TaskFailure(kind: .target, disposition: .failRun, message: "the ledger cannot be written"))
            }
            return .interrupted
        }
    }

    /// The bytes that were validated: a document that changed since is refused.
    private func documentBytes() throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: documentPath),
            FileDigest.hexadecimal([UInt8](data)) == pipeline.about.documentDigest
        else { throw Stop(.wrongDocument, "\(documentPath) changed while it was read; run again") }
        return [UInt8](data)
    }

    private static func makeSecret() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<4).map { _ in String(random.next() as UInt64, radix: 36) }.joined()
    }
}

extension TaskFailure {
    fileprivate static let stoppedWhilePublishing = TaskFailure(
        kind: .target, disposition: .failRun,
        message:
            "stopped while the version was being published: it may be there or may yet come; nothing was removed, and the next run of the module finds out",
        code: unknownCommit)
}

/// Watches the processes of a run: a worker that ended is reported and replaced, within reason.
final class Supervisor {
    private let processes: ChildProcesses
    private let signals: Signals
    private let run: String
    private var replacements: Int
    private let start: (Join.Role) throws -> Void
    private var hasDrained = false

    init(
        processes: ChildProcesses, signals: Signals, run: String, replacements: Int,
        start: @escaping (Join.Role) throws -> Void
    ) {
        self.processes = processes
        self.signals = signals
        self.run = run
        self.replacements = replacements
        self.start = start
    }

    func events() -> [ClusterState.Event] {
        var events: [ClusterState.Event] = []
        if signals.received > 0, !hasDrained {
            hasDrained = true
            events.append(.drain)
        }
        for ended in processes.takeEnded() {
            events.append(.processEnded(processID: ended.processID))
            // One that left in order was not needed any more.
            guard ended.wasCrash, !hasDrained, replacements > 0 else { continue }
            replacements -= 1
            try? start(ended.role)
        }
        if replacements == 0, processes.runningCount == 0, !hasDrained {
            hasDrained = true
            events.append(
                .abandoned(
                    run: run,
                    TaskFailure(
                        kind: .worker, disposition: .failRun,
                        message: "workers end as soon as they start; see why with --verbose")))
        }
        return events
    }
}
