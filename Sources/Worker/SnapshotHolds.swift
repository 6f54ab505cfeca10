internal import Extract
internal import Synchronization

/// The snapshots that a node holds, of many runs. Slots add to them, one thread keeps them alive and closes them.
final class SnapshotHolds: Sendable {
    private struct Shared {
        var keepers: [String: [SnapshotKeeper]] = [:]
        var leaving: [SnapshotKeeper] = []
    }

    private let shared = Mutex(Shared())

    /// Of a run that was planned again the newest are held.
    func keep(_ keepers: [SnapshotKeeper], of run: String) {
        shared.withLock { $0.leaving += $0.keepers.updateValue(keepers, forKey: run) ?? [] }
    }

    /// Waits for nothing; `sweep` closes them.
    func letGo(_ run: String) {
        shared.withLock { $0.leaving += $0.keepers.removeValue(forKey: run) ?? [] }
    }

    /// Closes what was let go. May wait for a server.
    func sweep() {
        let leaving = shared.withLock { shared in
            defer { shared.leaving = [] }
            return shared.leaving
        }
        for keeper in leaving { keeper.close() }
    }

    /// Says a word on every connection, and lets go of runs of which a snapshot was lost.
    /// - Returns: these runs.
    func keepAlive() -> [String] {
        let runs = shared.withLock { $0.keepers }
        var lost: [String] = []
        for (run, keepers) in runs {
            do throws(ExtractError) {
                for keeper in keepers { try keeper.keepAlive() }
            } catch {
                // Unless it was planned anew meanwhile.
                let isLost = shared.withLock { shared in
                    guard shared.keepers[run]?.first === keepers.first else { return false }
                    shared.leaving += shared.keepers.removeValue(forKey: run) ?? []
                    return true
                }
                if isLost { lost.append(run) }
            }
        }
        return lost.sorted()
    }

    func closeAll() {
        shared.withLock { shared in
            shared.leaving += shared.keepers.values.joined()
            shared.keepers = [:]
        }
        sweep()
    }
}
