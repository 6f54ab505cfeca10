internal import Cluster
internal import Foundation
internal import Model
internal import Synchronization

/// The heartbeat of a process: a thread of its own with a socket of its own, so that a busy task cannot make it silent.
///
/// Keeps the current task's lease, and fences the process by itself: when no heartbeat that was sent within
/// `Limits.selfFenceTime` has been answered, the task is cancelled before the coordinator can grant it to another.
final class Pulse: Sendable {
    private struct Shared {
        var progress: TaskProgress?
        var isCancelled = false
        var isDraining = false
        var hasEnded = false
        /// When the newest answered heartbeat was sent, not when its answer came.
        var lastHeld: Instant
    }

    private let shared: Mutex<Shared>

    init() {
        shared = Mutex(Shared(lastHeld: NodeClock.now))
    }

    /// - Throws: the address cannot be used.
    func start(address: String, worker: String) throws(ClusterError) {
        // Tried here once, so that a bad address is an error and not a silent thread.
        try Asker(address: address).close()
        let thread = Thread { [self] in
            guard let asker = try? Asker(address: address) else { return }
            while beat(asker, worker) { Thread.sleep(forTimeInterval: Limits.heartbeatInterval.inSeconds) }
            asker.close()
        }
        thread.name = "heartbeat"
        thread.start()
    }

    /// One heartbeat; false when the process is ending.
    private func beat(_ asker: Asker, _ worker: String) -> Bool {
        let (hasEnded, progress) = shared.withLock { ($0.hasEnded, $0.progress) }
        if hasEnded { return false }
        let sent = NodeClock.now
        let reply = try? asker.ask(
            .heartbeat(worker: worker, tasks: progress.map { [$0] } ?? []), patience: Limits.requestTimeout)
        shared.withLock { shared in
            if case .alive(let revoked, let isDraining) = reply {
                shared.lastHeld = sent
                shared.isDraining = shared.isDraining || isDraining
                if let token = shared.progress?.token, revoked.contains(token) { shared.isCancelled = true }
            } else if NodeClock.now - shared.lastHeld > Limits.selfFenceTime {
                shared.isCancelled = true
            }
        }
        return true
    }

    func begin(token: Int64) {
        shared.withLock {
            $0.progress = TaskProgress(token: token, rows: 0, bytes: 0)
            $0.isCancelled = false
        }
    }

    func end() { shared.withLock { $0.progress = nil } }

    /// Called once a chunk. Throws when the task is no longer ours.
    func advance(rows: Int64, bytes: Int64) throws(Cancelled) {
        let isCancelled = shared.withLock { shared in
            shared.progress?.rows = rows
            shared.progress?.bytes = bytes
            return shared.isCancelled
        }
        if isCancelled { throw Cancelled() }
    }

    var isDraining: Bool { shared.withLock { $0.isDraining } }

    /// The process itself was asked to drain.
    func drain() { shared.withLock { $0.isDraining = true } }

    /// Ends the thread after its next beat.
    func stop() { shared.withLock { $0.hasEnded = true } }
}

/// The task's lease is gone or the process must stop: drop the work, tell nobody.
struct Cancelled: Error {}
