import Cluster
import Coordinator
import Foundation
import Model
import ModuleStore
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
        do { store = try Store(pipeline.target, renderer: ParquetRendition()) } catch { throw Stop(.unreachable, error.description) }
        let module = pipeline.about.module
        let attempt: String
        do { attempt = try store.beginAttempt(module: module) } catch {
            throw Stop(.unreachable, "the store at \(store.location): \(error.description)")
        }
        var isOver = false
        // An attempt that comes to nothing leaves nothing: no reader ever refers to it.
        defer { if !isOver { try? store.discard(module: module, attempt: attempt) } }

        let ledger: RunLedger
        do {
            ledger = try RunLedger(
                store: store, module: module, attempt: attempt, documentDigest: pipeline.about.documentDigest,
                actor: NSUserName())
        } catch {
            // An earlier commit without an answer: nothing may be removed, not even what this attempt has made.
            isOver = error.code == StoreError.Code.unknown.rawValue
            return .failed(error)
        }
        if !common.quiet { for sentence in ledger.settled { Console.note(sentence) } }
        let signals = Signals()
        let secret = Self.makeSecret()
        let socket: ReplySocket
        do { socket = try ReplySocket(listeningOn: "tcp://127.0.0.1:0") } catch {
            return .failed(TaskFailure(kind: .worker, disposition: .failRun, message: "no loopback port: \(error.reason)"))
        }
        let processes = ChildProcesses()
        defer { processes.stopAll(grace: .seconds(2)) }
        do {
            for role in ["keeper"] + Array(repeating: "worker", count: workers) {
                try processes.start(
                    role: role, address: socket.address, secret: secret, logsToStandardError: isVerbose)
            }
        } catch {
            return .failed(TaskFailure(kind: .worker, disposition: .failRun, message: "a worker process cannot be started"))
        }

        let display = ProgressDisplay(common)
        let publishing = Publishing(
            store: store, module: module, attempt: attempt, ledger: ledger, iceberg: pipeline.target.iceberg)
        let supervisor = Supervisor(processes: processes, signals: signals, replacements: workers * 4 + 8) { role in
            try processes.start(
                role: role, address: socket.address, secret: secret, logsToStandardError: isVerbose)
        }
        let service = CoordinatorService(
            state: SchedulerState(
                run: attempt, secret: secret, document: document, documentPath: documentPath, codec: PlanCodec(),
                now: NodeClock.now),
            socket: socket,
            duties: .init(
                record: { try ledger.append($0) },
                publish: { plan, receipts in publishing.publish(plan, receipts) },
                report: { display.show($0, $1) },
                outside: { supervisor.events() },
                mustStop: { signals.received >= 2 }))
        let outcome = service.run()
        display.finish()
        switch outcome {
        case .published:
            isOver = true
            guard let record = publishing.record else { return .interrupted }
            return .published(record, folder: store.folder(record))
        case .failed(let failure):
            isOver = failure.code == StoreError.Code.unknown.rawValue
            return signals.received > 0 && failure.kind == .worker ? .interrupted : .failed(failure)
        case .drained, .stopped:
            ledger.noteInterrupted()
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
    private var replacements: Int
    private let start: (String) throws -> Void
    private var hasDrained = false

    init(
        processes: ChildProcesses, signals: Signals, replacements: Int, start: @escaping (String) throws -> Void
    ) {
        self.processes = processes
        self.signals = signals
        self.replacements = replacements
        self.start = start
    }

    func events() -> [SchedulerState.Event] {
        var events: [SchedulerState.Event] = []
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
                .publishingFailed(
                    TaskFailure(
                        kind: .worker, disposition: .failRun,
                        message: "workers end as soon as they start; see why with --verbose")))
        }
        return events
    }
}
