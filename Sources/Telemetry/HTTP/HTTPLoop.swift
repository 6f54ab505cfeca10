internal import Glibc
internal import Model

/// What a port's thread does: takes clients in and moves each one on as far as its socket permits. It waits in `poll`
/// alone.
struct HTTPLoop {
    private let listener: CInt
    private let patience: Duration
    private let answer: @Sendable (HTTPPort.Path) -> HTTPPort.Answer
    /// The oldest first.
    private var clients: [HTTPClient] = []
    private var restsUntil: SuspendingClock.Instant?

    init(listener: CInt, patience: Duration, answer: @escaping @Sendable (HTTPPort.Path) -> HTTPPort.Answer) {
        self.listener = listener
        self.patience = patience
        self.answer = answer
    }

    /// Until the listener is shut, which it then closes with all connections.
    mutating func run() {
        defer {
            clients = []
            close(listener)
        }
        while true {
            let now = SuspendingClock.now
            clients.removeAll { $0.deadline <= now }
            if let end = restsUntil, end <= now { restsUntil = nil }
            var polled = clients.map { pollfd(fd: $0.descriptor, events: $0.awaits, revents: 0) }
            polled.append(pollfd(fd: listener, events: restsUntil == nil ? CShort(POLLIN) : 0, revents: 0))
            guard unsafe poll(&polled, nfds_t(polled.count), milliseconds(after: now)) >= 0 else {
                if errno != EINTR { usleep(10_000) }
                continue
            }
            // First those who are here: a newcomer may take the place of one who has just sent its request.
            let isOver = zip(clients, polled).map { $1.revents != 0 && !$0.advance(answer) }
            clients = zip(clients, isOver).filter { !$1 }.map(\.0)
            let arrivals = CInt(polled[polled.count - 1].revents)
            if arrivals & (POLLHUP | POLLNVAL) != 0 { return }
            if arrivals & POLLIN != 0 { admit(SuspendingClock.now) }
        }
    }

    private mutating func admit(_ now: SuspendingClock.Instant) {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else {
            // Out of descriptors or memory: the client stays in the queue, and asking again at once would spin.
            if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) { restsUntil = now + .milliseconds(100) }
            return
        }
        if clients.count >= Limits.probeConnections { clients.removeFirst() }
        clients.append(HTTPClient(descriptor, until: now + patience))
    }

    /// How long `poll` may wait; rounded up, so that what it waits for is due afterwards.
    private func milliseconds(after now: SuspendingClock.Instant) -> CInt {
        guard let next = (clients.map(\.deadline) + [restsUntil].compactMap { $0 }).min() else { return -1 }
        return CInt(max(0, now.duration(to: next) / .milliseconds(1)).rounded(.up))
    }
}
