import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// SIGINT and SIGTERM as a count: the first asks to drain, the second to stop at once.
///
/// `@unchecked Sendable`: the sources are only touched by `init`; the count is behind its lock.
final class Signals: @unchecked Sendable {
    private let count = Mutex(0)
    private var sources: [any DispatchSourceSignal] = []

    /// Starts counting instead of ending the process. `isDeaf`: SIGINT is ignored (a terminal sends it to the whole
    /// process group, and the parent decides what its workers do).
    init(isDeafToInterrupt: Bool = false, onFirst: @escaping @Sendable () -> Void = {}) {
        if isDeafToInterrupt { signal(SIGINT, SIG_IGN) }
        for number in isDeafToInterrupt ? [SIGTERM] : [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                guard let self else { return }
                let seen = count.withLock { count in
                    count += 1
                    return count
                }
                if seen == 1 { onFirst() }
            }
            source.resume()
            sources.append(source)
        }
    }

    var received: Int { count.withLock { $0 } }

    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
