internal import Model

/// The sink of an export: bytes go out in order.
final class ExportOutput {
    private let sink: any ByteSink
    private var isBroken = false

    init(sink: any ByteSink) { self.sink = sink }

    /// Throws `sinkFailed`, now and from then on. What the sink said stays behind: it may name more than we may.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        guard !isBroken else { throw Self.failure }
        do {
            try unsafe sink.write(bytes)
        } catch {
            isBroken = true
            throw Self.failure
        }
    }

    func write(_ bytes: [UInt8]) throws(FormatError) {
        try unsafe bytes.span.bytes.withUnsafeBytes { (pointer) throws(FormatError) in try unsafe write(pointer) }
    }

    private static let failure = FormatError(
        .sinkFailed, reason: "the target of an export refused bytes", remedy: "check where the rows are written to")
}
