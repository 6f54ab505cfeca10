internal import Dispatch
internal import Foundation
internal import Glibc
internal import Model
internal import Synchronization

/// The door of a process for probes and scrapes: `GET /livez`, `/readyz` and `/metrics` over HTTP/1.1, nothing else.
///
/// One thread owns all connections and waits for none of them: a slow or silent client costs the others nothing. Each
/// connection gets one answer and is closed; one that takes longer than `Limits.probeTime` is closed without. Of more
/// than `Limits.probeConnections` at once the oldest is closed: a probe that comes while silent clients hold all places
/// is answered.
///
/// - Answers: 200, or 503 for what is not well; 404 with the list of paths; 405 for another method; 400 for what is no
///   HTTP; 414 and 431 for a request line or headers beyond `Limits.bytesPerRequestHead`. A query is ignored.
/// - Private: bodies are fixed sentences and numbers. Nothing a client sends is repeated.
package final class HTTPPort: Sendable {
    package enum Path: String, CaseIterable, Sendable {
        case livez = "/livez"
        case readyz = "/readyz"
        case metrics = "/metrics"
    }

    package enum Answer: Sendable {
        case well
        case unwell(StaticString)
        case metrics(Metrics)
    }

    /// The address listened on, with the port that the system chose: `127.0.0.1:9090`, `[::]:9090`.
    package let address: String
    private let listener: CInt
    private let isOpen = Atomic(true)
    private let thread = DispatchGroup()

    /// Listens from here on.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`; the host is a number, in brackets for IPv6; port 0 lets the system choose. `[::]`
    ///     takes IPv4 too.
    ///   - answer: called on the port's thread. It looks at values in memory and must not wait: while it does, no other
    ///     probe is answered.
    /// - Throws: the address is none, or taken.
    package convenience init(
        listeningOn address: String, answer: @escaping @Sendable (Path) -> Answer
    ) throws(TelemetryError) {
        try self.init(listeningOn: address, patience: Limits.probeTime, answer: answer)
    }

    init(
        listeningOn text: String, patience: Duration, answer: @escaping @Sendable (Path) -> Answer
    ) throws(TelemetryError) {
        let (listener, address) = try HTTPListener.open(text)
        self.listener = listener
        self.address = address
        thread.enter()
        let loop = Thread { [thread] in
            Thread.current.name = HTTPPort.threadName(address)  // only here the system learns it
            var loop = HTTPLoop(listener: listener, patience: patience, answer: answer)
            loop.run()
            thread.leave()
        }
        loop.start()
    }

    /// Ends the port, its connections and its thread; returns when they are gone. A second call is harmless.
    package func close() {
        // `poll` reports a shut listener, and nothing else shuts it: this is the thread's word to leave. The thread
        // closes the descriptor, so that its number cannot be another file's while the thread still looks at it.
        if isOpen.exchange(false, ordering: .relaxed) { shutdown(listener, CInt(SHUT_RDWR)) }
        // Bounded, for the sake of an answer that waits although it must not.
        _ = thread.wait(timeout: .now() + 5)
    }

    deinit { close() }

    /// At most 15 bytes, as the system shows them.
    static func threadName(_ address: String) -> String { "probes " + (address.split(separator: ":").last ?? "") }
}
