internal import Model

/// The sink with a position: bytes go out in order, and offsets in the footer are counted here.
final class ParquetOutput {
    private let sink: CheckedSink
    private(set) var position: Int64 = 0

    init(sink: any ByteSink) {
        self.sink = CheckedSink(
            sink,
            failure: FormatError(
                .sinkFailed, reason: "the sink of a Parquet part refused bytes",
                remedy: "check space and permissions where the part is staged"))
    }

    /// Throws `sinkFailed`, now and from then on.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        try unsafe sink.write(bytes)
        position += Int64(bytes.count)
    }

    func write(_ bytes: [UInt8]) throws(FormatError) {
        try sink.write(bytes)
        position += Int64(bytes.count)
    }
}
