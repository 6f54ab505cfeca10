internal import Model

/// The sink of a writer: bytes go out in order, and after the first refusal none do.
final class CheckedSink {
    private let sink: any ByteSink
    private let failure: FormatError
    private var isBroken = false

    /// - Parameter failure: what a refusal is told as, `.sinkFailed`.
    init(_ sink: any ByteSink, failure: FormatError) {
        self.sink = sink
        self.failure = failure
    }

    /// Of an export.
    static func export(_ sink: any ByteSink) -> CheckedSink {
        CheckedSink(
            sink,
            failure: FormatError(
                .sinkFailed, reason: "the target of an export refused bytes",
                remedy: "check where the rows are written to"))
    }

    /// Throws `sinkFailed`, now and from then on. What the sink said stays behind: it may name more than we may.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        guard !isBroken else { throw failure }
        do {
            try unsafe sink.write(bytes)
        } catch {
            isBroken = true
            throw failure
        }
    }

    func write(_ bytes: [UInt8]) throws(FormatError) {
        try unsafe bytes.span.bytes.withUnsafeBytes { (pointer) throws(FormatError) in try unsafe write(pointer) }
    }
}
