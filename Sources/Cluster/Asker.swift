internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Asks the coordinator that leads until it is answered or gives up: the same request id each time, so that a coordinator
/// can tell a repetition. Blocking; owned by one thread.
///
/// - One socket for each address: nng would spread the requests of one socket over all its connections.
/// - Answers that mean something to the caller are returned, `refused` and `unknownNode` too. `notLeader` leads to the
///   next address, the one named first.
package final class Asker {
    private let place: CoordinatorPlace
    private let insecure: Bool
    private let watchdogTime: Duration
    private var sockets: [RequestSocket?]
    /// Whom to ask first: who answered last.
    private var leading = 0

    /// Dials nobody yet. Throws `badAddress` or `notAllowed` when an address or a file cannot be used.
    package init(
        _ place: CoordinatorPlace, insecure: Bool = false, watchdogTime: Duration = Limits.watchdogTime
    ) throws(ClusterError) {
        guard !place.addresses.isEmpty else { throw ClusterError(.badAddress, reason: "no address of a coordinator") }
        for address in place.addresses { try NetworkRules.check(address, tls: place.tls, insecure: insecure) }
        self.place = place
        self.insecure = insecure
        self.watchdogTime = watchdogTime
        sockets = place.addresses.map { _ in nil }
    }

    /// - `patience`: how long to repeat; the last question may take `Limits.requestTimeout` longer.
    /// - Throws: `unanswered` after that. `wedged` when new sockets are of no help: end with 75. `untrusted`, `refused`
    ///   and others that no repetition heals, when no address is left that may answer.
    package func ask(_ call: Call, patience: Duration) throws(ClusterError) -> Reply {
        let id = WireFormat.RequestID.random()
        let deadline = NodeClock.now + patience
        var pause = Limits.shortestAskPause
        var hopeless: Set<Int> = []
        var askedCount = 0
        while true {
            let asked = leading
            let failure: ClusterError
            do throws(ClusterError) {
                let reply = try socket(asked).ask(call, id: id)
                guard case .notLeader(let leader) = reply else { return reply }
                failure = ClusterError(.unanswered, reason: "no coordinator leads")
                hopeless.remove(asked)
                turn(to: leader)
            } catch {
                failure = error
                if error.code == .tooLong { throw error }
                if error.code == .unanswered { hopeless.remove(asked) } else { hopeless.insert(asked) }
                turn(to: nil)
                let renewals = sockets[asked]?.recentRenewals ?? 0
                if renewals >= Limits.socketRenewals {
                    throw ClusterError(.wedged, reason: "\(renewals) new sockets within a minute were of no help")
                }
            }
            askedCount += 1
            guard hopeless.count < sockets.count, NodeClock.now < deadline else { throw failure }
            if askedCount.isMultiple(of: sockets.count) { pause = rest(pause, until: deadline) }
        }
    }

    package func close() {
        for socket in sockets { socket?.close() }
        sockets = sockets.map { _ in nil }
    }

    private func socket(_ index: Int) throws(ClusterError) -> RequestSocket {
        if let socket = sockets[index] { return socket }
        let socket = try RequestSocket(
            address: place.addresses[index], tls: place.tls, insecure: insecure, watchdogTime: watchdogTime)
        sockets[index] = socket
        return socket
    }

    private func turn(to leader: String?) {
        let named = leader.flatMap { place.addresses.firstIndex(of: $0) }
        leading = named == nil || named == leading ? (leading + 1) % sockets.count : named ?? 0
    }

    /// Varied by a half, so that nodes that lost the same coordinator do not all ask at once. Returns the next pause.
    private func rest(_ pause: Duration, until deadline: Instant) -> Duration {
        let varied = pause * Double.random(in: 0.5...1.5)
        let left = max(.zero, deadline - NodeClock.now)
        usleep(UInt32(min(varied, left).inNanoseconds / 1000))
        return min(pause * 2, Limits.longestAskPause)
    }
}
