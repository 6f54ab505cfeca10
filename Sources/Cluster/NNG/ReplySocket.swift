internal import CNNG
internal import Model

/// The answering side: one REP socket that listens. Blocking; owned by the coordinator's one loop, which answers every
/// request at once, so one request is in hand at a time.
package final class ReplySocket {
    private var socket = nng_socket()
    /// The address that others dial, with the port that the system chose.
    package let address: String

    /// `address`: `tcp://127.0.0.1:0` lets the system choose a port.
    package init(listeningOn address: String) throws(ClusterError) {
        unsafe try check(nng_rep0_open(&socket), .badAddress)
        unsafe try check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, Limits.bytesPerMessage), .badAddress)
        unsafe try check(nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, nng_duration(Limits.requestTimeout.inMilliseconds)), .badAddress)
        var listener = nng_listener()
        unsafe try check(nng_listen(socket, address, &listener, 0), .badAddress)
        var port: CInt = 0
        if address.hasSuffix(":0"), unsafe nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0 {
            self.address = String(address.dropLast(1)) + String(port)
        } else {
            self.address = address
        }
    }

    /// The next frame, or nil when none came within `timeout`.
    package func receive(timeout: Duration) throws(ClusterError) -> [UInt8]? {
        unsafe try check(
            nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, nng_duration(max(1, timeout.inMilliseconds))), .badAddress)
        do { return try receiveMessage(on: socket) } catch { return nil }
    }

    /// Answers the frame received last. An asker that went away is no error: it will ask again.
    package func answer(_ reply: Reply, id: WireFormat.RequestID) {
        guard let frame = try? WireFormat.frame(reply, id: id) else { return }
        try? sendMessage(frame, on: socket)
    }

    package func close() { nng_close(socket) }
}
