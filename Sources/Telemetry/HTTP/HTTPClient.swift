internal import Glibc
internal import Model

/// One connection, from its arrival to its end: reads a head, writes an answer, waits for the other side to leave.
/// Its descriptor is closed when it is let go.
final class HTTPClient {
    private enum Phase { case asking, answering, leaving }

    let descriptor: CInt
    let deadline: SuspendingClock.Instant
    private var phase = Phase.asking
    /// The head so far, then the answer.
    private var bytes: [UInt8] = []
    /// How much of the answer was sent.
    private var sentCount = 0
    /// How much was read behind the head.
    private var ignoredCount = 0

    init(_ descriptor: CInt, until deadline: SuspendingClock.Instant) {
        // In two steps, as Swift sees no accept4: a child that is started in between may inherit the descriptor. Its
        // peer is told the end by `shutdown` all the same.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.descriptor = descriptor
        self.deadline = deadline
    }

    deinit { close(descriptor) }

    var awaits: CShort { CShort(phase == .answering ? POLLOUT : POLLIN) }

    /// One step, without waiting; false when the connection is over.
    func advance(_ answer: (HTTPPort.Path) -> HTTPPort.Answer) -> Bool {
        switch phase {
        case .asking:
            guard let piece = receive() else { return mayContinue }
            bytes += piece
            if bytes.isEmpty { return false }
            guard let request = HTTPRequest(bytes, newCount: piece.count) else { return true }
            bytes = request.response(answer)
            phase = .answering
            return send()
        case .answering:
            return send()
        case .leaving:
            guard let piece = receive() else { return mayContinue }
            ignoredCount += piece.count
            return !piece.isEmpty && ignoredCount < 32 * Limits.bytesPerRequestHead
        }
    }

    private func send() -> Bool {
        let count = unsafe bytes.withUnsafeBytes { all in
            unsafe Glibc.send(
                descriptor, all.baseAddress! + sentCount, all.count - sentCount, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        guard count >= 0 else { return mayContinue }
        sentCount += count
        if sentCount == bytes.count {
            // Half closed, then read until the other side has closed too: closing over bytes that nobody read would
            // reset the connection, and the reset can overtake the answer.
            shutdown(descriptor, CInt(SHUT_WR))
            phase = .leaving
        }
        return true
    }

    /// What there is; empty at the end of the stream, nil after an error.
    private func receive() -> ArraySlice<UInt8>? {
        var piece = [UInt8](repeating: 0, count: Limits.bytesPerRequestHead)
        let count = unsafe recv(descriptor, &piece, piece.count, CInt(MSG_DONTWAIT))
        return count >= 0 ? piece[..<count] : nil
    }

    private var mayContinue: Bool { [EAGAIN, EINTR].contains(errno) }
}
