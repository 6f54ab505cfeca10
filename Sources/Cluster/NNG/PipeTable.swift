internal import CNNG
internal import Model
internal import Synchronization

/// The connections of a server, each with the time of its last frame.
///
/// nng tells of a connection only after it has introduced itself, TLS included; before that nothing can be limited here.
/// Its callbacks run under its locks, so they look at this table and close the one connection too many, nothing else.
final class PipeTable: Sendable {
    private let lastHeard = Mutex<[UInt32: Instant]>([:])
    private let closed = Mutex<[UInt32]>([])
    private let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    var count: Int { lastHeard.withLock { $0.count } }

    func heard(_ pipe: UInt32) {
        let now = NodeClock.now
        // One that was closed meanwhile does not come back.
        lastHeard.withLock { if $0[pipe] != nil { $0[pipe] = now } }
    }

    /// Connections that ended since the last call.
    func takeClosed() -> [UInt32] {
        closed.withLock { closed in
            defer { closed = [] }
            return closed
        }
    }

    func silent(for time: Duration) -> [UInt32] {
        let now = NodeClock.now
        return lastHeard.withLock { $0.filter { now - $0.value > time }.map(\.key) }
    }

    /// Follows a socket's connections. The socket holds on to this until `release`.
    func follow(_ socket: nng_socket) throws(ClusterError) {
        let own = unsafe Unmanaged.passRetained(self).toOpaque()
        for event in [NNG_PIPE_EV_ADD_PRE, NNG_PIPE_EV_REM_POST] {
            let result = unsafe nng_pipe_notify(
                socket, event,
                { pipe, event, argument in
                    guard let argument = unsafe argument else { return }
                    unsafe Unmanaged<PipeTable>.fromOpaque(argument).takeUnretainedValue().happened(event, pipe)
                }, own)
            try check(result, .badAddress)
        }
    }

    /// After the socket is closed for sure.
    func release() { unsafe Unmanaged.passUnretained(self).release() }

    private func happened(_ event: nng_pipe_ev, _ pipe: nng_pipe) {
        let id = UInt32(bitPattern: nng_pipe_id(pipe))
        let now = NodeClock.now
        let isTooMany = lastHeard.withLock { pipes in
            guard event == NNG_PIPE_EV_ADD_PRE else {
                pipes[id] = nil
                return false
            }
            guard pipes.count < maximum else { return true }
            pipes[id] = now
            return false
        }
        if isTooMany { nng_pipe_close(pipe) }
        if event == NNG_PIPE_EV_REM_POST { closed.withLock { $0.append(id) } }
    }
}
