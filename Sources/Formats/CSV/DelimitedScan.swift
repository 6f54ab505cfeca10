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

    /// In the order of the header, as the values of undeclared ones look.
    package let columns: [InferredColumn]
    /// In the order in which they were scanned.
    package let files: [File]
    /// Of all files, each of about `bytesPerShard` bytes; at least one. A shard of a file that is compressed, UTF-16 or
    /// of lone CRs is the whole file; its piece starts at 0, where the decoder passes the header itself.
    package let shards: [Shard]
    package let malformedCount: Int64
    /// The first of them.
    package let malformed: [MalformedRecord]
    /// `delimiter ",", quote "\"", header, utf-8`.
    package let dialect: String

    package var recordCount: Int64 { files.reduce(0) { $0 + $1.recordCount } }

    /// The columns as one table reads them. What is declared stays so.
    ///
    /// - Parameters:
    ///   - identities: columns whose values are used as identities: they are text. A token of `1001` would otherwise be
    ///     another one as soon as one record of some file says `1004.0`.
    ///   - earlier: what columns were read as before: the type of those in which no record has a value.
    package func columns(identities: Set<String>, earlier: [String: DataType] = [:]) -> [InferredColumn] {
        columns.map { column in
            func read(as type: DataType, _ reason: String) -> InferredColumn {
                InferredColumn(
                    name: column.name, type: type, reason: reason, isDeclared: false, hasValues: column.hasValues)
            }
            if column.isDeclared { return column }
            if identities.contains(column.name) {
                return read(as: .text, "read as text: its values are used as identities")
            }
            guard !column.hasValues, let type = earlier[column.name], DelimitedScanner.canRead(type) else {
                return column
            }
            return read(as: type, "no record has a value: as in the newest version")
        }
    }
}
