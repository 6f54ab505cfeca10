internal import CNNG
internal import Model

/// The asking side: one REQ socket that dials one coordinator. Blocking; owned by one thread.
///
/// - Re-sending by nng is off: nng would repeat a request behind our back when a connection closes. We repeat ourselves,
///   with the same request id, and count the outcome as unknown until an answer comes.
/// - libnng before 1.10 can stop redialling for good when a peer dies under load, so after `Limits.watchdogTime` without
///   a round trip the socket is abandoned for a new one. It is not closed: closing is what hangs.
package final class RequestSocket {
    private let address: String
    private var socket = nng_socket()
    private var lastRoundTrip = NodeClock.now
    private var renewals: [Instant] = []

    package init(address: String) throws(ClusterError) {
        self.address = address
        try open()
    }

    /// Times that the socket was abandoned within the last minute; at three the process should end.
    package var recentRenewals: Int {
        let now = NodeClock.now
        return renewals.filter { now - $0 < .seconds(60) }.count
    }

    /// Asks once. `unanswered` means that the coordinator may or may not have acted.
    package func ask(_ call: Call, id: WireFormat.RequestID) throws(ClusterError) -> Reply {
        let frame: [UInt8]
        do { frame = try WireFormat.frame(call, id: id) } catch {
            throw ClusterError(.tooLong, reason: "the request cannot be encoded")
        }
        guard frame.count <= Limits.bytesPerMessage else {
            throw ClusterError(.tooLong, reason: "a message of \(frame.count) bytes")
        }
        do throws(ClusterError) {
            try sendMessage(frame, on: socket)
            while true {
                let (answered, reply) = try read()
                // A late answer to an earlier question is not the answer to this one.
                guard answered == id else { continue }
                lastRoundTrip = NodeClock.now
                return reply
            }
        } catch {
            renewIfWedged()
            throw error
        }
    }

    private func read() throws(ClusterError) -> (WireFormat.RequestID, Reply) {
        let bytes = try receiveMessage(on: socket)
        do { return try WireFormat.reply(from: bytes) } catch {
            throw ClusterError(.refused, reason: "an answer of another protocol")
        }
    }

    private func renewIfWedged() {
        let now = NodeClock.now
        guard now - lastRoundTrip > Limits.watchdogTime else { return }
        renewals.append(now)
        lastRoundTrip = now
        try? open()
    }

    private func open() throws(ClusterError) {
        var fresh = nng_socket()
        unsafe try check(nng_req0_open(&fresh), .badAddress)
        let timeout = nng_duration(Limits.requestTimeout.inMilliseconds)
        for (option, value) in [
            (NNG_OPT_REQ_RESENDTIME, nng_duration(-1)), (NNG_OPT_SENDTIMEO, timeout), (NNG_OPT_RECVTIMEO, timeout),
            (NNG_OPT_RECONNMINT, nng_duration(100)), (NNG_OPT_RECONNMAXT, nng_duration(5000)),
        ] {
            unsafe try check(nng_socket_set_ms(fresh, option, value), .badAddress)
        }
        unsafe try check(nng_socket_set_size(fresh, NNG_OPT_RECVMAXSZ, Limits.bytesPerMessage), .badAddress)
        unsafe try check(nng_dial(fresh, address, nil, CInt(NNG_FLAG_NONBLOCK)), .badAddress)
        socket = fresh
    }

    /// For an orderly end only: on a wedged socket this may block.
    package func close() { nng_close(socket) }
}
