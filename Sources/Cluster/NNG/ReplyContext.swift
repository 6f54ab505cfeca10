internal import CNNG
internal import Model
internal import Synchronization

/// One of a server's contexts: takes a request, waits for its answer, sends it, takes the next.
///
/// - One asynchronous operation at a time, started by whoever ended the one before: libnng before 1.7 breaks on two.
/// - nng's threads run `operationEnded` and block nowhere: bytes are copied, put into the inbox, and the next operation
///   starts.
@safe final class ReplyContext: @unchecked Sendable {
    // Unchecked: `aio` is set once, before the first operation; everything else that changes is behind the mutex.
    private enum Operation { case none, receiving, sending }
    private struct State {
        var operation = Operation.none
        var isClosed = false
    }

    private let state = Mutex(State())
    private let context: nng_ctx
    private var aio: OpaquePointer?
    private let inbox: Inbox
    private let pipes: PipeTable

    init(of socket: nng_socket, inbox: Inbox, pipes: PipeTable) throws(ClusterError) {
        self.inbox = inbox
        self.pipes = pipes
        var opened = nng_ctx()
        unsafe try check(nng_ctx_open(&opened, socket), .badAddress)
        context = opened
        // nng holds on to this until `stop`; one that never stops stays for ever, with its memory.
        let own = unsafe Unmanaged.passRetained(self)
        let result = unsafe nng_aio_alloc(
            &aio,
            { argument in
                guard let argument = unsafe argument else { return }
                unsafe Unmanaged<ReplyContext>.fromOpaque(argument).takeUnretainedValue().operationEnded()
            }, own.toOpaque())
        if result != 0 { unsafe own.release() }
        try check(result, .badAddress)
    }

    deinit { unsafe nng_aio_free(aio) }

    /// Begins to take requests.
    func start() { receive() }

    /// Sends the answer to the request in hand. Does nothing when the server is closed.
    func answer(_ frame: [UInt8]) {
        guard let message = unsafe makeMessage(frame) else { return receive() }
        guard begin(.sending) else { return unsafe nng_msg_free(message) }
        unsafe nng_aio_set_msg(aio, message)
        unsafe nng_aio_set_timeout(aio, nng_duration(Limits.requestTimeout.inMilliseconds))
        unsafe nng_ctx_send(context, aio)
    }

    /// No operation begins after this.
    func close() {
        state.withLock { $0.isClosed = true }
        nng_ctx_close(context)
    }

    /// Waits until nng is done with it. On a thread that may block for ever, after `close`.
    func stop() {
        unsafe nng_aio_stop(aio)
        unsafe Unmanaged.passUnretained(self).release()
    }

    private func receive() {
        guard begin(.receiving) else { return }
        unsafe nng_aio_set_timeout(aio, NNG_DURATION_INFINITE)
        unsafe nng_ctx_recv(context, aio)
    }

    private func begin(_ operation: Operation) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.operation == .none else { return false }
            state.operation = operation
            return true
        }
    }

    private func operationEnded() {
        let ended = state.withLock { state in
            defer { state.operation = .none }
            return state.operation
        }
        let result = unsafe nng_aio_result(aio)
        switch ended {
        case .none: return
        case .receiving where result == 0: return arrived()
        case .receiving: break
        case .sending:
            // A message that could not be sent is ours again.
            if result != 0, let message = unsafe nng_aio_get_msg(aio) { unsafe nng_msg_free(message) }
        }
        let isOver = result == NNG_ECLOSED.code || result == NNG_ECANCELED.code
        if ended == .sending || !isOver { receive() }
    }

    private func arrived() {
        guard let message = unsafe nng_aio_get_msg(aio) else { return receive() }
        let pipe = unsafe UInt32(bitPattern: nng_pipe_id(nng_msg_get_pipe(message)))
        pipes.heard(pipe)
        inbox.put(Inbound(frame: unsafe takeBytes(message), pipe: pipe, context: self))
    }
}
