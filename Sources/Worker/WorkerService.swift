package import Cluster
internal import Extract
internal import Foundation
internal import Model

/// A worker or keeper: joins, asks for work, does one task at a time, leaves. Keeps no state between runs.
package final class WorkerService {
    package struct Configuration: Sendable {
        package var address: String
        package var secret: String
        package var role: Join.Role
        package var environment: [String: String]

        package init(address: String, secret: String, role: Join.Role, environment: [String: String]) {
            self.address = address
            self.secret = secret
            self.role = role
            self.environment = environment
        }
    }

    private let configuration: Configuration
    private let asker: Asker
    private let pulse = Pulse()
    private let log: @Sendable (String) -> Void
    private var worker = ""
    private var session: RunSession?
    private var lastKept = NodeClock.now

    /// - `log`: takes fixed sentences with names and counts, never a value.
    package init(_ configuration: Configuration, log: @escaping @Sendable (String) -> Void) throws(ClusterError) {
        self.configuration = configuration
        self.log = log
        asker = try Asker(address: configuration.address)
    }

    /// From another thread: finish or hand back what runs, then leave.
    package var drain: @Sendable () -> Void { { [pulse] in pulse.drain() } }

    /// Serves until the coordinator says that no work will come, or cannot be reached.
    package func run() throws(ClusterError) {
        let documentPath = try join()
        try pulse.start(address: configuration.address, worker: worker)
        defer { pulse.stop() }
        while true {
            if pulse.isDraining, configuration.role == .worker { break }
            let reply = try ask(.poll(worker: worker))
            switch reply {
            case .grant(let grant): try perform(grant, documentPath: documentPath)
            case .noWork(let milliseconds):
                keepSnapshots()
                Thread.sleep(forTimeInterval: Double(milliseconds) / 1000)
            case .drain:
                try leave()
                return
            default:
                throw ClusterError(.refused, reason: "the coordinator no longer knows this worker")
            }
        }
        try leave()
    }

    /// A lost snapshot is noticed by the readers: they cannot go on with it either.
    private func keepSnapshots() {
        guard configuration.role == .keeper, NodeClock.now - lastKept > Limits.snapshotKeepAlive else { return }
        lastKept = NodeClock.now
        do { try session?.keepAlive() } catch { log("\(worker): \(error.reason)") }
    }

    private func join() throws(ClusterError) -> String {
        let reply = try asker.ask(
            .join(
                Join(
                    secret: configuration.secret, role: configuration.role,
                    processID: ProcessInfo.processInfo.processIdentifier, host: ProcessInfo.processInfo.hostName,
                    build: ProductVersion.text)), patience: Limits.joinPatience)
        switch reply {
        case .welcome(let name, _, let documentPath):
            worker = name
            return documentPath
        case .refused(let reason): throw ClusterError(.refused, reason: reason)
        default: throw ClusterError(.refused, reason: "an answer that does not fit")
        }
    }

    private func leave() throws(ClusterError) {
        session?.close()
        session = nil
        _ = try? asker.ask(.leave(worker: worker), patience: Limits.requestTimeout)
        asker.close()
    }

    private func perform(_ grant: Grant, documentPath: String) throws(ClusterError) {
        pulse.begin(token: grant.token)
        defer { pulse.end() }
        do {
            let result = try work(on: grant, documentPath: documentPath)
            if case .fenced = try ask(.complete(worker: worker, token: grant.token, result: result)) {
                log("\(worker): \(grant.task.words) was granted to another meanwhile; its part stays unused")
            }
        } catch let error as ClusterError {
            throw error
        } catch is Cancelled {
            log("\(worker): \(grant.task.words) is no longer ours; dropped")
        } catch {
            var table: String?
            if case .shard(let name, _) = grant.task { table = name }
            let failure = TaskFailure.of(error, table: table).fittingAMessage
            // A source's connection that failed once is not used again.
            session?.close()
            session = nil
            _ = try ask(.fail(worker: worker, token: grant.token, failure: failure))
        }
    }

    private func work(on grant: Grant, documentPath: String) throws -> TaskResult {
        let session = try session ?? openSession(documentPath: documentPath)
        self.session = session
        switch grant.task {
        case .plan:
            let plan = try session.makePlan()
            try uploadPlan(plan, token: grant.token)
            return .plan
        case .shard(let table, let index):
            if session.plan == nil { session.plan = try fetchPlan() }
            let receipt = try session.run(
                table: table, shard: index, attempt: grant.attempt, epoch: grant.epoch
            ) { [pulse] rows, bytes in
                try pulse.advance(rows: rows, bytes: bytes)
            }
            return .part(receipt)
        }
    }

    private func openSession(documentPath: String) throws -> RunSession {
        let bytes = try fetch(.document)
        return try RunSession(
            document: String(decoding: bytes, as: UTF8.self), path: documentPath,
            environment: configuration.environment)
    }

    private func uploadPlan(_ plan: RunPlan, token: Int64) throws(ClusterError) {
        let bytes = PlanCodec().encode(plan)
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + Limits.bytesPerFetchedSlice)
            let reply = try ask(
                .upload(
                    worker: worker, token: token, offset: offset, total: bytes.count,
                    bytes: Base64.encode(bytes[offset..<end])))
            guard reply == .accepted else { throw ClusterError(.refused, reason: "the plan was not taken") }
            offset = end
        }
    }

    private func fetchPlan() throws -> RunPlan {
        guard let plan = PlanCodec().decode(try fetch(.plan)) else {
            throw ClusterError(.refused, reason: "an unreadable plan")
        }
        return plan
    }

    private func fetch(_ text: SharedText) throws(ClusterError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            guard case .slice(let slice, let total) = try ask(.fetch(worker: worker, text: text, offset: bytes.count)),
                let piece = Base64.decode(slice)
            else { throw ClusterError(.refused, reason: "the \(text.rawValue) cannot be had") }
            bytes += piece
            if bytes.count >= total { return bytes }
            if piece.isEmpty { throw ClusterError(.refused, reason: "the \(text.rawValue) ends early") }
        }
    }

    private func ask(_ request: Request) throws(ClusterError) -> Reply {
        try asker.ask(request, patience: Limits.coordinatorPatience)
    }
}

extension TaskFailure {
    /// As many of the problems as a message holds; the first ones are the most useful anyway.
    fileprivate var fittingAMessage: TaskFailure {
        var fitting = self
        fitting.problems = problems.map { problem in
            Problem(
                problem.severity, file: problem.file, position: problem.position, found: problem.found.shown(limit: 1000),
                expected: problem.expected.shown(limit: 1000), remedy: problem.remedy?.shown(limit: 1000))
        }
        while fitting.problems.reduce(0, { $0 + $1.description.utf8.count + 256 }) > Limits.bytesPerMessage / 2 {
            fitting.problems.removeLast(max(1, fitting.problems.count / 4))
        }
        let left = problems.count - fitting.problems.count
        if left > 0 {
            fitting.problems.append(
                Problem(
                    file: problems[0].file, position: nil, found: "\(left) more problems, \(problems.count) in all",
                    expected: "", remedy: "`etlx plan` tells every one"))
        }
        return fitting
    }
}
