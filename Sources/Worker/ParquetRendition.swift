internal import Formats
package import Model
internal import ModuleStore

/// Rows of a published table as the Parquet file that was written when they were published.
///
/// The writer's bytes depend on rows and columns alone, so the same rows in the same order are the same file.
package struct ParquetRendition: PartRenderer {
    package init() {}

    package var maker: String { CodecLibraries.versions }

    package func render(
        columns: [OutputColumn], codec: TargetSpec.Codec, from next: () throws -> UnsafeRawBufferPointer?,
        to sink: any ByteSink
    ) throws {
        var decoder = PostgresCopyDecoder(
            columns: try columns.map { column in
                guard let mapping = PostgresColumnMapping(published: column.type) else {
                    throw FormatError(
                        .wrongType, column: column.name, reason: "its type is not one of a published table")
                }
                return .init(name: column.name, mapping: mapping, nullsSpecials: false)
            })
        let writer = ParquetWriter(columns: columns, codec: codec, sink: sink)
        while let message = unsafe try next() {
            unsafe try decoder.append(row: message)
            if decoder.isFull { try writer.append(decoder.finishChunk()) }
        }
        try decoder.finishStream()
        try writer.append(decoder.finishChunk())
        _ = try writer.finish()
    }
}
