package import Model

/// What planning knows of a file source after it has read all of it once.
package struct DelimitedScan: Sendable {
    package struct File: Sendable, Equatable {
        package let path: String
        /// As read, so on disk.
        package let byteCount: Int64
        package let encoding: DelimitedSpec.Encoding
        package let isCompressed: Bool
        /// All records after the header, malformed ones too.
        package let recordCount: Int64
        package let malformedCount: Int64
    }

    /// In the order of the header.
    package let columns: [InferredColumn]
    /// In the order in which they were scanned.
    package let files: [File]
    /// Of all files, each of about `bytesPerShard` bytes; at least one. A shard of a compressed or UTF-16 file is the
    /// whole file; its piece starts at 0, where the decoder passes the header itself.
    package let shards: [Shard]
    package let malformedCount: Int64
    /// The first of them.
    package let malformed: [MalformedRecord]
    /// `delimiter ",", quote "\"", header, utf-8`.
    package let dialect: String

    package var recordCount: Int64 { files.reduce(0) { $0 + $1.recordCount } }

    package var sourceColumns: [SourceColumn] {
        columns.map { SourceColumn(name: $0.name, native: .delimited(type: $0.type)) }
    }
}
