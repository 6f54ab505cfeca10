internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Asks until it is answered or gives up: the same request id each time, so that the coordinator can tell a repetition.
package final class Asker {
    private let socket: RequestSocket

    package init(_ place: CoordinatorPlace) throws(ClusterError) {
        socket = try RequestSocket(address: place.addresses[0])
    }

    /// - `patience`: how long to repeat. Throws `unanswered` after that, or at the third renewal of the socket in a minute.
    package func ask(_ call: Call, patience: Duration) throws(ClusterError) -> Reply {
        let id = WireFormat.RequestID.random()
        let deadline = NodeClock.now + patience
        var pause: UInt32 = 50_000
        while true {
            do { return try socket.ask(call, id: id) } catch {
                guard error.code == .unanswered, NodeClock.now < deadline, socket.recentRenewals < 3 else { throw error }
                usleep(pause)
                pause = min(2 * pause, 1_000_000)
            }
        }
    }

    package func close() { socket.close() }
}
