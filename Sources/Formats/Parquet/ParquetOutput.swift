internal import Model

/// The sink with a position: bytes go out in order, and offsets in the footer are counted here.
final class ParquetOutput {
    private let sink: any ByteSink
    private(set) var position: Int64 = 0
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
        position += Int64(bytes.count)
    }

    func write(_ bytes: [UInt8]) throws(FormatError) {
        try unsafe bytes.span.bytes.withUnsafeBytes { (pointer) throws(FormatError) in try unsafe write(pointer) }
    }

    private static let failure = FormatError(
        .sinkFailed, reason: "the sink of a Parquet part refused bytes",
        remedy: "check space and permissions where the part is staged")
}
