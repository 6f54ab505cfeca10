internal import CKernels
package import Columnar
package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Chunks into a binary COPY stream: `header`, the rows of every chunk in order, `trailer`. What it writes,
/// `PostgresCopyDecoder` reads back as the same values.
///
/// - Nulls: stay. NaN of any kind, -0.0 and empty texts stay what they are.
/// - Errors: a text with a zero byte and a date outside the years 1 to 9999, by column and row; never the value.
/// - Cost: one call of a kernel a buffer; one buffer, which grows to the largest row and is used again.
@safe package final class PostgresCopyEncoder {
    /// Signature, flags, and an extension of no bytes.
    package static let header: [UInt8] = [
        0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    package static let trailer: [UInt8] = [0xff, 0xff]

    private let columns: [OutputColumn]
    private var capacity = 256 << 10
    private var buffer: UnsafeMutablePointer<UInt8>
    /// One a column; the second half holds the elements of those that are lists.
    private let sources: UnsafeMutablePointer<kernel_pgcopy_source>

    /// - Precondition: every column's type has a `postgresName`.
    package init(columns: [OutputColumn]) {
        precondition(
            columns.allSatisfy { $0.type.postgresName != nil }, "the plan refuses types that have no counterpart")
        self.columns = columns
        unsafe buffer = allocate(capacity).assumingMemoryBound(to: UInt8.self)
        unsafe sources = UnsafeMutablePointer.allocate(capacity: 2 * max(1, columns.count))
        unsafe sources.initialize(repeating: kernel_pgcopy_source(), count: 2 * max(1, columns.count))
    }

    deinit {
        unsafe free(buffer)
        unsafe sources.deallocate()
    }

    /// Hands the chunk's rows to `write`, in pieces that are good for the call.
    package func encode(_ chunk: Chunk, to write: (UnsafeRawBufferPointer) throws -> Void) throws {
        precondition(chunk.columns.map(\.type) == columns.map(\.type), "a chunk has the part's columns")
        for (index, column) in chunk.columns.enumerated() {
            unsafe sources[index] = source(column)
            if case .list(_, let elements) = column.storage {
                unsafe sources[columns.count + index] = source(elements)
                unsafe sources[index].elements = UnsafePointer(sources + columns.count + index)
            }
        }
        // The sources point into the chunk's buffers.
        try withExtendedLifetime(chunk) {
            var row = 0
            while row < chunk.rowCount {
                var (used, needed, failed) = (0, 0, 0)
                let result = unsafe kernel_pgcopy_encode(
                    sources, columns.count, &row, chunk.rowCount, buffer, capacity, &used, &needed, &failed)
                switch Int(result) {
                case KERNEL_PGCOPY_OK: try unsafe write(UnsafeRawBufferPointer(start: buffer, count: used))
                case KERNEL_PGCOPY_FULL: grow(to: needed)
                default: throw refusal(Int(result), columns[failed].name, chunk.firstRow + Int64(row))
                }
            }
        }
    }

    private func grow(to byteCount: Int) {
        capacity = byteCount
        unsafe buffer = reallocate(buffer, byteCount).assumingMemoryBound(to: UInt8.self)
    }

    private func source(_ column: Column) -> kernel_pgcopy_source {
        let (kind, scale, _) = column.type.postgresEncoding
        var source = unsafe kernel_pgcopy_source()
        unsafe source.kind = kind
        unsafe source.scale = scale
        unsafe source.validity = column.validity.map {
            unsafe UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self))
        }
        switch column.storage {
        case .fixed(let values):
            unsafe source.values = UnsafePointer(values.base.assumingMemoryBound(to: UInt8.self))
        case .variable(let offsets, let bytes):
            unsafe source.offsets = UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self))
            unsafe source.bytes = UnsafePointer(bytes.base.assumingMemoryBound(to: UInt8.self))
        case .list(let offsets, _):
            unsafe source.offsets = UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self))
            if case .list(let element) = column.type { unsafe source.element_type = element.postgresEncoding.oid }
        case .structure: preconditionFailure("the plan refuses structures for PostgreSQL")
        }
        return unsafe source
    }

    private func refusal(_ result: Int, _ column: String, _ row: Int64) -> FormatError {
        switch result {
        case KERNEL_PGCOPY_NUL:
            FormatError(
                .specialValue, column: column, row: row,
                reason: "the text holds the character U+0000, which PostgreSQL cannot keep",
                remedy: "use {replace: {pattern: '\\x00', with: ''}}, drop the column, or publish to a folder or S3")
        case KERNEL_PGCOPY_YEAR:
            FormatError(
                .specialValue, column: column, row: row,
                reason: "a year before 1 or after 9999 is not kept in PostgreSQL", remedy: "cast the column to text")
        default: preconditionFailure("a kernel was given a kind that it does not encode")
        }
    }
}
