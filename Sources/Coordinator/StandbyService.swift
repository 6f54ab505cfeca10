package import Cluster
internal import Model

/// A coordinator that does not lead: it says so to whoever asks, and tries for the lead every few seconds.
package struct StandbyService {
    let server: ReplyServer
    /// The new epoch, or nil while another leads; throws nothing: a ledger that cannot be reached is asked again.
    let acquire: () -> Int64?
    /// The address of the one that leads, if it is known.
    let leader: () -> String?
    let mustStop: () -> Bool
    /// Called several times a second.
    let beat: () -> Void

    package init(
        server: ReplyServer, acquire: @escaping () -> Int64?, leader: @escaping () -> String?,
        mustStop: @escaping () -> Bool, beat: @escaping () -> Void
    ) {
        self.server = server
        self.acquire = acquire
        self.leader = leader
        self.mustStop = mustStop
        self.beat = beat
    }

    /// - Returns: the epoch in which this coordinator leads; nil when it is to stop.
    package func run() -> Int64? {
        var lastTry: Instant?
        var hint: String?
        while !mustStop() {
            beat()
            if lastTry.map({ NodeClock.now - $0 > Limits.standbyInterval }) ?? true {
                if let epoch = acquire() { return epoch }
                lastTry = NodeClock.now
                hint = leader()
            }
            for request in server.receive(atMost: Limits.requestsPerBatch, timeout: Limits.tickInterval) {
                guard let id = WireFormat.requestID(of: request.frame) else { continue }
                request.answer(.notLeader(leader: hint), id: id)
            }
        }
        return nil
    }
}
