package import Model

/// A part that is kept as rows of a table beside its digest. Its bytes are written as to any part, and only measured.
package protocol TablePart: StagedPart {
    /// Makes the table. Called once, before any row.
    func begin(columns: [OutputColumn], codec: TargetSpec.Codec) throws(StoreError)
    /// Bytes of a binary COPY stream, header and trailer included, cut anywhere.
    func writeRows(_ bytes: UnsafeRawBufferPointer) throws(StoreError)
}

/// Makes a part's file again from its rows: byte for byte the file whose digest was committed.
package protocol PartRenderer: Sendable {
    /// What the bytes depend on beside the rows: versions of the codecs. Kept with each part.
    var maker: String { get }

    /// - Parameter next: the next message of a binary COPY stream, good until the call after; nil at its end.
    func render(
        columns: [OutputColumn], codec: TargetSpec.Codec, from next: () throws -> UnsafeRawBufferPointer?,
        to sink: any ByteSink) throws
}
