import CNNG

@testable import Cluster

/// A REQ socket that sends any bytes: what a stranger could do who speaks nng.
final class RawRequester {
    private var socket = nng_socket()

    init?(_ address: String, timeoutMilliseconds: Int32 = 5000) {
        guard unsafe nng_req0_open(&socket) == 0 else { return nil }
        unsafe nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, -1)
        unsafe nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, timeoutMilliseconds)
        unsafe nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, timeoutMilliseconds)
        guard unsafe nng_dial(socket, address, nil, 0) == 0 else { return nil }
    }

    /// The answer; nil when there was none.
    func exchange(_ bytes: [UInt8]) -> [UInt8]? {
        guard (try? sendMessage(bytes, on: socket)) != nil else { return nil }
        return try? receiveMessage(on: socket)
    }

    func close() { nng_close(socket) }
}
