internal import Glibc
internal import Synchronization

/// Where a process says what it does: lines on standard error, from any thread, handed around as a value.
///
/// - Whole lines: each is one `write`, under a lock that all copies of a log share. What cannot be written is dropped:
///   a full disk, or a reader that left a process which ignores SIGPIPE, does not stop a run. A full pipe makes the
///   caller wait.
/// - Keys: words of the code, `at`, `level` and `message` excepted. A later pair replaces an earlier one of its key.
package struct Log: Sendable {
    private let format: LogLine.Format
    private let minimum: LogLine.Level
    private let standing: [(key: StaticString, value: LogValue)]
    private let writer: LineWriter
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - minimum: what is below is not written.
    ///   - descriptor: an open file; the log does not close it.
    ///   - now: milliseconds of Unix time.
    package init(
        _ format: LogLine.Format, from minimum: LogLine.Level = .info, descriptor: CInt = STDERR_FILENO,
        now: @escaping @Sendable () -> Int64 = Log.systemTime
    ) {
        self.init(format, minimum, [], LineWriter(descriptor), now)
    }

    private init(
        _ format: LogLine.Format, _ minimum: LogLine.Level, _ standing: [(key: StaticString, value: LogValue)],
        _ writer: LineWriter, _ now: @escaping @Sendable () -> Int64
    ) {
        self.format = format
        self.minimum = minimum
        self.standing = standing
        self.writer = writer
        self.now = now
    }

    /// The same log, with these pairs in each of its lines.
    package func with(_ metadata: KeyValuePairs<StaticString, LogValue>) -> Log {
        Log(format, minimum, merged(metadata), writer, now)
    }

    package func debug(
        _ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        if minimum <= .debug { write(.debug, message, metadata()) }
    }

    package func info(_ message: StaticString, _ metadata: KeyValuePairs<StaticString, LogValue> = [:]) {
        write(.info, message, metadata)
    }

    package func warning(_ message: StaticString, _ metadata: KeyValuePairs<StaticString, LogValue> = [:]) {
        write(.warning, message, metadata)
    }

    /// Only where someone must act.
    package func error(_ message: StaticString, _ metadata: KeyValuePairs<StaticString, LogValue> = [:]) {
        write(.error, message, metadata)
    }

    private func write(
        _ level: LogLine.Level, _ message: StaticString, _ metadata: KeyValuePairs<StaticString, LogValue>
    ) {
        guard level >= minimum else { return }
        let line = LogLine(level: level, message: message, metadata: merged(metadata), milliseconds: now())
        writer.write(line.text(format))
    }

    private func merged(_ added: KeyValuePairs<StaticString, LogValue>) -> [(key: StaticString, value: LogValue)] {
        var merged = standing
        for pair in added {
            let key = "\(pair.key)"
            precondition(pair.key.isWord && !["at", "level", "message"].contains(key), "a key")
            if let place = merged.firstIndex(where: { "\($0.key)" == key }) { merged.remove(at: place) }
            merged.append(pair)
        }
        return merged
    }

    package static let systemTime: @Sendable () -> Int64 = {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

private final class LineWriter: Sendable {
    private let descriptor: Mutex<CInt>

    init(_ descriptor: CInt) { self.descriptor = Mutex(descriptor) }

    func write(_ line: String) {
        let bytes = Array(line.utf8)
        descriptor.withLock { descriptor in
            var done = 0
            while done < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { all in
                    unsafe Glibc.write(descriptor, all.baseAddress! + done, all.count - done)
                }
                if count > 0 { done += count } else if errno != EINTR { return }
            }
        }
    }
}
