internal import CNNG
internal import Model
internal import Synchronization

/// The answering side: one REP socket that listens at one or several addresses, with many requests in hand at a time.
///
/// - One thread receives and answers, in any order. A request that nobody answers frees its place when it is let go.
/// - A request never waits for work here: whoever has nothing to give says so at once, because a server whose contexts
///   are all in hand hears nothing, heartbeats included.
/// - `tls+tcp://` lets in nobody without a certificate of the authority; plain `tcp://` is kept to loopback by
///   `NetworkRules`.
package final class ReplyServer: Sendable {
    private struct Listening {
        var address: NetworkAddress
        var listener: nng_listener
        /// The one in use and the one before, which nng may be about to use for the connection that it awaits.
        var configurations: [TLSConfiguration]
    }

    /// The addresses that others dial, with the ports that the system chose.
    package let addresses: [String]
    private let socket: nng_socket
    private let contexts: [ReplyContext]
    private let inbox = Inbox()
    private let pipes: PipeTable
    private let tls: TLSFiles?
    private let listening: Mutex<[Listening]>
    private let isClosed = Mutex(false)

    /// - `addresses`: `tcp://127.0.0.1:0` lets the system choose a port.
    /// - Throws: `badAddress`, also when the port is taken; `notAllowed`, naming the rule or the file.
    package init(
        listeningOn addresses: [String], tls: TLSFiles? = nil, contexts count: Int = Limits.contextsPerServer,
        maximumConnections: Int = Limits.connectionsPerServer, insecure: Bool = false
    ) throws(ClusterError) {
        for address in addresses { try NetworkRules.check(address, tls: tls, insecure: insecure) }
        self.tls = tls
        pipes = PipeTable(maximum: maximumConnections)
        var opened = nng_socket()
        unsafe try check(nng_rep0_open(&opened), .badAddress)
        socket = opened
        do throws(ClusterError) {
            unsafe try check(nng_socket_set_size(opened, NNG_OPT_RECVMAXSZ, Limits.bytesPerMessage), .badAddress)
            try pipes.follow(opened)
            var contexts: [ReplyContext] = []
            for _ in 0..<count { contexts.append(try ReplyContext(of: opened, inbox: inbox, pipes: pipes)) }
            self.contexts = contexts
            var listening: [Listening] = []
            for address in addresses { listening.append(try Self.listen(opened, at: address, tls)) }
            self.addresses = listening.map { $0.address.with(port: $0.address.port) }
            self.listening = Mutex(listening)
        } catch {
            let socket = opened
            _ = Deadline.run(Limits.listenerCloseTime) { nng_close(socket) }
            throw error
        }
        for context in contexts { context.start() }
    }

    deinit { close() }

    /// The next frames, oldest first; none when none came within `timeout` or the server is closed. For one thread.
    package func receive(atMost count: Int, timeout: Duration) -> [Inbound] {
        inbox.take(atMost: count, timeout: timeout)
    }

    /// Connections that are open, as far as nng tells. One that grows while nodes leave is libnng's old disease.
    package var pipeCount: Int { pipes.count }

    /// Connections that ended since the last call, as far as nng tells: a hint that their process did.
    package func takeClosedPipes() -> [UInt32] { pipes.takeClosed() }

    /// Closes connections of which no frame came for so long: the other side may have gone without a word.
    @discardableResult
    package func closePipes(silentFor time: Duration) -> Int {
        let silent = pipes.silent(for: time)
        for pipe in silent { nng_pipe_close(nng_pipe(id: pipe)) }
        return silent.count
    }

    /// Ends within `Limits.listenerCloseTime`, whatever nng does: what does not end is left behind.
    package func close() {
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        inbox.close()
        let (socket, contexts, pipes) = (socket, contexts, pipes)
        _ = Deadline.run(Limits.listenerCloseTime) {
            for context in contexts { context.close() }
            nng_close(socket)
            for context in contexts { context.stop() }
            pipes.release()
        }
    }

    // MARK: TLS

    /// Reads the files of the certificates again, for connections from now on; those that are open stay as they are.
    ///
    /// nng fixes a configuration at its first use, but takes a new one for a listener that runs. When a file cannot be
    /// used, it throws and the old configuration stays.
    package func reload() throws(ClusterError) {
        guard let tls else { return }
        do {
            try listening.withLock { listening in
                for index in listening.indices where listening[index].address.isTLS {
                    let fresh = try TLSConfiguration(.listener, tls)
                    try Self.use(fresh, for: listening[index].listener)
                    listening[index].configurations = [fresh] + listening[index].configurations.prefix(1)
                }
            }
        } catch let error as ClusterError { throw error } catch { throw ClusterError(.notAllowed, reason: "no TLS") }
        // nng awaits its next connection with the configuration before: the first check uses it up.
        try refusesAnonymous()
        try refusesAnonymous()
    }

    /// Dials each TLS address without a certificate and throws `notAllowed` if that gets in.
    ///
    /// - Throws: `unanswered` when an address could not be dialled at all.
    package func refusesAnonymous() throws(ClusterError) {
        for address in listening.withLock({ $0.map(\.address) }) where address.isTLS {
            try Self.refusesAnonymous(at: address.dialledLocally)
        }
    }

    static func refusesAnonymous(at address: String) throws(ClusterError) {
        let configuration = try TLSConfiguration(anonymous: ())
        // A dial ends when both sides have introduced themselves, so behind the listener's look at the certificate.
        let result = Deadline.run(Limits.dialTime) { () -> CInt in
            var socket = nng_socket()
            guard unsafe nng_req0_open(&socket) == 0 else { return NNG_ENOMEM.code }
            defer { nng_close(socket) }
            var dialer = nng_dialer()
            let created = unsafe nng_dialer_create(&dialer, socket, address)
            guard created == 0 else { return created }
            let pointer = unsafe UnsafeMutableRawPointer(configuration.pointer)
            let accepted = unsafe nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, pointer)
            return accepted == 0 ? nng_dialer_start(dialer, 0) : accepted
        }
        guard let result else { throw ClusterError(.unanswered, reason: "\(address) could not be checked: no answer") }
        guard result != 0 else {
            throw ClusterError(.notAllowed, reason: "\(address) lets in who shows no certificate")
        }
        let refusals = [NNG_ECRYPTO, NNG_EPEERAUTH, NNG_ECLOSED, NNG_ECONNRESET, NNG_ECONNABORTED, NNG_ECONNSHUT]
        guard refusals.contains(where: { $0.code == result }) else {
            throw ClusterError(.unanswered, reason: "\(address) could not be checked: \(errorText(result))")
        }
    }

    // MARK: -

    private static func listen(_ socket: nng_socket, at text: String, _ tls: TLSFiles?) throws(ClusterError)
        -> Listening
    {
        let address = try NetworkAddress(text)
        var listener = nng_listener()
        unsafe try check(nng_listener_create(&listener, socket, text), .badAddress)
        let keepalive = unsafe nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true)
        if keepalive != NNG_ENOTSUP.code { try check(keepalive, .badAddress) }
        var configurations: [TLSConfiguration] = []
        if address.isTLS, let tls {
            configurations = [try TLSConfiguration(.listener, tls)]
            try use(configurations[0], for: listener)
        }
        let result = nng_listener_start(listener, 0)
        guard result == 0 else { throw ClusterError(.badAddress, reason: "\(text): \(errorText(result))") }
        return Listening(
            address: try NetworkAddress(address.with(port: boundPort(listener) ?? address.port)), listener: listener,
            configurations: configurations)
    }

    private static func use(_ configuration: TLSConfiguration, for listener: nng_listener) throws(ClusterError) {
        unsafe try check(
            nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, UnsafeMutableRawPointer(configuration.pointer)),
            .notAllowed)
    }

    private static func boundPort(_ listener: nng_listener) -> UInt16? {
        var port: CInt = 0
        guard unsafe nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0 else { return nil }
        return UInt16(exactly: port)
    }
}
