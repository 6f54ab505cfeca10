internal import CNNG
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The asking side: one REQ socket that dials one coordinator. Blocking; owned by one thread.
///
/// - Re-sending by nng is off: nng would repeat a request behind our back when a connection closes. We repeat ourselves,
///   with the same request id, and count the outcome as unknown until an answer comes.
/// - A socket begins with one blocking dial, because nng tells nobody why its dials in the background fail: a certificate
///   that is refused is `untrusted`. A coordinator that does not listen yet is no error: it is dialled in the background.
/// - libnng can stop redialling for good when a peer dies under load, so after `Limits.watchdogTime` without a round trip
///   the socket is abandoned for a new one. It is not closed: closing is what hangs. Files of certificates are read again.
package final class RequestSocket {
    private let address: String
    private let tls: TLSFiles?
    private let watchdogTime: Duration
    private var socket = nng_socket()
    private var unansweredSince: Instant?
    private var renewals: [Instant] = []
    /// Why the blocking dial failed, until there is a round trip.
    private var dialFailure: ClusterError?

    /// - Throws: `badAddress`, `notAllowed`; `untrusted` when either side refuses the other's certificate.
    package init(
        address: String, tls: TLSFiles? = nil, insecure: Bool = false, watchdogTime: Duration = Limits.watchdogTime
    ) throws(ClusterError) {
        try NetworkRules.check(address, tls: tls, insecure: insecure)
        self.watchdogTime = watchdogTime
        self.address = address
        self.tls = tls
        try open()
        if let dialFailure, dialFailure.code == .untrusted {
            close()
            throw dialFailure
        }
    }

    /// Times within the last minute that a new socket was of no help; at `Limits.socketRenewals` the process should end.
    package var recentRenewals: Int {
        let now = NodeClock.now
        return renewals.filter { now - $0 < Limits.renewalWindow }.count
    }

    /// Asks once.
    ///
    /// - Throws: `unanswered`: the coordinator may or may not have acted. `untrusted`: as far as the last blocking dial
    ///   tells. `refused`: the answer is of another protocol. `tooLong`: nothing was sent.
    package func ask(_ call: Call, id: WireFormat.RequestID) throws(ClusterError) -> Reply {
        let frame: [UInt8]
        do { frame = try WireFormat.frame(call, id: id) } catch {
            throw ClusterError(.tooLong, reason: "the request cannot be encoded")
        }
        guard frame.count <= Limits.bytesPerMessage else {
            throw ClusterError(.tooLong, reason: "a message of \(frame.count) bytes")
        }
        let start = NodeClock.now
        do throws(ClusterError) {
            try sendMessage(frame, on: socket)
            while true {
                let (answered, reply) = try read()
                // A late answer to an earlier question is not the answer to this one.
                guard answered == id else { continue }
                unansweredSince = nil
                dialFailure = nil
                return reply
            }
        } catch {
            renewIfWedged(askedAt: start)
            guard error.code == .unanswered, let dialFailure else { throw error }
            throw dialFailure
        }
    }

    private func read() throws(ClusterError) -> (WireFormat.RequestID, Reply) {
        let bytes = try receiveMessage(on: socket)
        guard !bytes.isEmpty else { throw ClusterError(.unanswered, reason: "the coordinator let the question go") }
        do { return try WireFormat.reply(from: bytes) } catch {
            throw ClusterError(.refused, reason: "an answer of another protocol")
        }
    }

    private func renewIfWedged(askedAt start: Instant) {
        let now = NodeClock.now
        let since = unansweredSince ?? start
        unansweredSince = since
        guard now - since > watchdogTime else { return }
        unansweredSince = now
        do throws(ClusterError) { try open() } catch { dialFailure = error }
        // A coordinator that plainly does not listen is no sign of a broken library.
        if dialFailure?.code != .unanswered || dialFailure?.reason != errorText(NNG_ECONNREFUSED.code) {
            renewals = renewals.filter { now - $0 < Limits.renewalWindow } + [now]
        }
    }

    // MARK: Dialling

    private func open() throws(ClusterError) {
        dialFailure = nil
        let (fresh, dialer) = try prepare()
        let isTLS = tls != nil && address.hasPrefix("tls+")
        // A listener that refuses us may close before its reason arrives: one that closes each time does refuse.
        let result = Deadline.run(Limits.dialTime, late: { _ in nng_close(fresh) }) { () -> CInt in
            var result = nng_dialer_start(dialer, 0)
            for _ in 0..<4 where isTLS && Self.isClosure(result) {
                usleep(50_000)
                result = nng_dialer_start(dialer, 0)
            }
            return result
        }
        if let result {
            socket = fresh
            guard result != 0 else { return }
            dialFailure = Self.failure(ofDial: result, isTLS: isTLS)
            try check(nng_dialer_start(dialer, CInt(NNG_FLAG_NONBLOCK)), .badAddress)
        } else {
            dialFailure = ClusterError(.unanswered, reason: errorText(NNG_ETIMEDOUT.code))
            let (other, dialer) = try prepare()
            socket = other
            try check(nng_dialer_start(dialer, CInt(NNG_FLAG_NONBLOCK)), .badAddress)
        }
    }

    /// A socket with its options, and a dialler that has not begun.
    private func prepare() throws(ClusterError) -> (nng_socket, nng_dialer) {
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
        var dialer = nng_dialer()
        unsafe try check(nng_dialer_create(&dialer, fresh, address), .badAddress)
        let keepalive = unsafe nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true)
        if keepalive != NNG_ENOTSUP.code { try check(keepalive, .badAddress) }
        let parsed = try NetworkAddress(address)
        if parsed.isTLS, let tls {
            let configuration = try TLSConfiguration(.dialler(name: tls.serverName ?? parsed.host), tls)
            unsafe try check(
                nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, UnsafeMutableRawPointer(configuration.pointer)),
                .badAddress)
        }
        return (fresh, dialer)
    }

    private static func isClosure(_ result: CInt) -> Bool {
        [NNG_ECLOSED, NNG_ECONNSHUT, NNG_ECONNRESET, NNG_ECONNABORTED].contains { $0.code == result }
    }

    private static func failure(ofDial result: CInt, isTLS: Bool) -> ClusterError {
        let isRefusal = result == NNG_EPEERAUTH.code || result == NNG_ECRYPTO.code || isTLS && isClosure(result)
        guard isRefusal else { return ClusterError(.unanswered, reason: errorText(result)) }
        return ClusterError(
            .untrusted,
            reason: "\(errorText(result)): check the authority, the dates and the names of both sides' certificates")
    }

    /// Does not wait: on a wedged socket, closing may block for ever.
    package func close() {
        let socket = socket
        _ = Deadline.run(Limits.listenerCloseTime) { nng_close(socket) }
    }
}
