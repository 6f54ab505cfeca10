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
        case published(CommitRecord, folder: String)
        case failed(TaskFailure)
        case interrupted
    }

    let pipeline: Pipeline
    let documentPath: String
    let workers: Int
    let common: CommonOptions
    let isVerbose: Bool

    func run() throws -> Outcome {
        let document = try documentBytes()
        let store: Store
        do { store = try Store(pipeline.target, renderer: ParquetRendition()) } catch {
            throw Stop(.unreachable, error.description)
        }
        let module = pipeline.about.module
        let attempt: String
        do { attempt = try store.beginAttempt(module: module) } catch {
            throw Stop(.unreachable, "the store at \(store.location): \(error.description)")
        }
        var isOver = false
        // An attempt that comes to nothing leaves nothing: no reader ever refers to it.
        defer { if !isOver { try? store.discard(module: module, attempt: attempt) } }

        let ledger: Ledger
        let settled: [String]
        do { (ledger, settled) = try ModuleLedger.open(store, module: module) } catch {
            // An earlier commit without an answer: nothing may be removed, not even what this attempt has made.
            isOver = error.isUnknownCommit
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
        let service = CoordinatorService(
            state: state, server: server,
            duties: .init(
                record: { records throws(LedgerError) in try office.append(records) },
                perform: { action, state in
                    // What the run leaves is removed below, when its processes have ended.
                    if case .publish = action { office.perform(action, state) }
                },
                outside: { supervisor.events() + office.takeEvents() },
                refusal: { call, _ in ConstantTime.areEqual(call.credential, secret) ? nil : "wrong join secret" },
                observe: { state, _ in
                    if let run = state.run(attempt) { display.show(run, workers: state.nodeCount(.worker)) }
                },
                mustStop: { signals.received >= 2 }),
            endsWhenOver: true)
        let ending = service.run()
        display.finish()
        if case .deposed(let error) = ending {
            return .failed(
                error?.failure
                    ?? TaskFailure(kind: .target, disposition: .failRun, message: "the ledger cannot be written"))
        }
        switch service.state.ended.last {
        case let run? where run.phase == .published:
            isOver = true
            guard let record = office.record(of: attempt) else { return .interrupted }
            return .published(record, folder: store.folder(record))
        case let run?:
            let failure = run.failure ?? TaskFailure(kind: .worker, disposition: .failRun, message: "the run failed")
            isOver = failure.isUnknownCommit
            return signals.received > 0 && failure.kind == .worker ? .interrupted : .failed(failure)
        case nil:
            // The operator ended the run; the version before it stays the last.
            let failure = TaskFailure(kind: .worker, disposition: .failRun, message: "interrupted by the operator")
            try? ledger.append([.aborted(failure)], run: attempt, at: RunOffice.now)
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
                .failed(
                    run: run,
                    TaskFailure(
                        kind: .worker, disposition: .failRun,
                        message: "workers end as soon as they start; see why with --verbose")))
        }
        return events
    }
}
