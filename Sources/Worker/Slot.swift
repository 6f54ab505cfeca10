internal import Cluster
internal import Extract
internal import Foundation
internal import Model

/// One slot: does one task at a time, with connections and compiled rules of its own for each of the newest runs.
/// Owned by its thread.
final class Slot {
    private struct Open {
        let key: String
        let session: RunSession
        var lastUsed: Instant
    }

    private let configuration: WorkerService.Configuration
    private let board: NodeBoard
    private let asker: any Asking
    private let holds: SnapshotHolds
    private let log: @Sendable (String) -> Void
    /// The one used last at the end.
    private var sessions: [Open] = []

    init(
        _ configuration: WorkerService.Configuration, board: NodeBoard, asker: any Asking, holds: SnapshotHolds,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.board = board
        self.asker = asker
        self.holds = holds
        self.log = log
    }

    func perform(_ grant: Grant) -> NodeState.TaskEnd {
        do {
            let result = try work(on: grant)
            if case .part(let receipt) = result,
                !fits(.complete(run: grant.run, token: grant.token, result: result))
            {
                return .done(try uploaded(receipt, grant))
            }
            return .done(result)
        } catch is Cancelled {
            log("\(board.name): \(grant.task.words) is dropped or handed back")
            close(grant)
            return .cancelled
        } catch {
            var table: String?
            if case .shard(let name, _) = grant.task { table = name }
            // A source's connection that failed once is not used again.
            close(grant)
            return .failed(TaskFailure.of(error, table: table).fittingAMessage)
        }
    }

    /// Ends sessions that were not used for a while; without a run, all.
    func rest(isIdle: Bool) {
        let now = NodeClock.now
        for open in sessions where isIdle || now - open.lastUsed > Limits.sessionIdleTime { open.session.close() }
        sessions.removeAll { isIdle || now - $0.lastUsed > Limits.sessionIdleTime }
    }

    // MARK: Tasks

    private func work(on grant: Grant) throws -> TaskResult {
        let session = try session(for: grant)
        session.offer(grant.snapshots)
        switch grant.task {
        case .plan:
            // It is there when only its upload was lost.
            let plan: RunPlan
            if let made = session.plan {
                plan = made
            } else {
                plan = try session.makePlan(filesAtATime: configuration.slots)
                holds.keep(session.takeKeepers(), of: grant.run)
            }
            try upload(plan, grant)
            return .plan
        case .hold:
            if session.plan == nil { try session.adopt(try fetchPlan(grant)) }
            let held = try session.hold()
            holds.keep(session.takeKeepers(), of: grant.run)
            return .held(held)
        case .shard(let table, let index):
            if session.plan == nil { try session.adopt(try fetchPlan(grant)) }
            let receipt = try session.run(
                table: table, shard: index, described: grant.shard, attempt: grant.attempt, epoch: grant.epoch
            ) { [board] rows, bytes in
                board.apply(.progressed(token: grant.token, rows: rows, bytes: bytes))
                if board.isCancelled(token: grant.token) { throw Cancelled() }
            }
            return .part(receipt)
        }
    }

    private func key(_ grant: Grant) -> String { "\(grant.run) \(grant.attempt)" }

    private func session(for grant: Grant) throws -> RunSession {
        rest(isIdle: false)
        if let index = sessions.firstIndex(where: { $0.key == key(grant) }) {
            var open = sessions.remove(at: index)
            open.lastUsed = NodeClock.now
            sessions.append(open)
            return open.session
        }
        let text = String(decoding: try fetch(.document, grant), as: UTF8.self)
        let session = try RunSession(
            document: text, path: grant.documentPath, bounds: configuration.bounds,
            environment: configuration.environment)
        while sessions.count >= Limits.sessionsPerSlot { sessions.removeFirst().session.close() }
        sessions.append(Open(key: key(grant), session: session, lastUsed: NodeClock.now))
        return session
    }

    private func close(_ grant: Grant) {
        for open in sessions where open.key == key(grant) { open.session.close() }
        sessions.removeAll { $0.key == key(grant) }
    }

    // MARK: Texts

    /// A coordinator that was started anew has lost the pieces that came before, and refuses the next: from the start again.
    private func upload(_ plan: RunPlan, _ grant: Grant) throws {
        let bytes = PlanCodec().encode(plan)
        for _ in 0..<Limits.uploadsPerPlan where try upload(bytes, grant) { return }
        throw ClusterError(.refused, reason: "the plan was not taken")
    }

    private func uploaded(_ receipt: PartReceipt, _ grant: Grant) throws -> TaskResult {
        let bytes = LongReceipt.bytes(of: receipt)
        for _ in 0..<Limits.uploadsPerPlan where try upload(bytes, grant) {
            return .uploaded(table: receipt.table, shard: receipt.shard, sha256: SHA256.hexadecimal(bytes))
        }
        throw ClusterError(.refused, reason: "\(grant.task.words): the receipt was not taken")
    }

    /// - Returns: whether every piece was taken.
    private func upload(_ bytes: [UInt8], _ grant: Grant) throws -> Bool {
        for offset in stride(from: 0, to: bytes.count, by: Limits.bytesPerFetchedSlice) {
            let piece = bytes[offset..<min(bytes.count, offset + Limits.bytesPerFetchedSlice)]
            let reply = try ask(
                .upload(
                    run: grant.run, token: grant.token, offset: offset, total: bytes.count, bytes: Base64.encode(piece)),
                for: grant)
            if reply == .fenced { throw Cancelled() }
            guard reply == .accepted else { return false }
        }
        return true
    }

    private func fetchPlan(_ grant: Grant) throws -> RunPlan {
        guard let plan = PlanCodec().decode(try fetch(.plan, grant)) else {
            throw ClusterError(.refused, reason: "an unreadable plan")
        }
        return plan
    }

    private func fetch(_ text: SharedText, _ grant: Grant) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            guard
                case .slice(let slice, let total) = try ask(
                    .fetch(run: grant.run, text: text, offset: bytes.count), for: grant),
                let piece = Base64.decode(slice)
            else { throw ClusterError(.refused, reason: "the \(text.rawValue) cannot be had") }
            bytes += piece
            if bytes.count >= total { return bytes }
            if piece.isEmpty { throw ClusterError(.refused, reason: "the \(text.rawValue) ends early") }
        }
    }

    /// A question in the middle of a task: repeated, over a change of coordinators too, while the task is ours.
    private func ask(_ request: Request, for grant: Grant) throws -> Reply {
        let deadline = NodeClock.now + Limits.coordinatorPatience
        var last = ClusterError(.unanswered, reason: "no coordinator leads")
        while NodeClock.now < deadline {
            if board.isCancelled(token: grant.token) { throw Cancelled() }
            if let call = board.call(request) {
                do throws(ClusterError) {
                    let reply = try asker.ask(call, patience: Limits.requestTimeout)
                    switch reply {
                    case .unknownNode: board.apply(.unknown(credential: call.credential))
                    case .notLeader: break
                    default: return reply
                    }
                } catch {
                    guard error.code == .unanswered else { throw error }
                    last = error
                }
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw last
    }

    private func fits(_ request: Request) -> Bool {
        let call = Call(node: board.name, credential: board.credential ?? "", request: request)
        // A credential of another coordinator may be longer.
        return ((try? WireFormat.frame(call, id: .random()).count) ?? .max) <= Limits.bytesPerMessage - 1024
    }
}

/// The task is no longer ours, or is handed back: drop the work.
struct Cancelled: Error {}
