internal import CKernels
package import Columnar
internal import Model

/// Binary COPY bytes of one shard into chunks.
///
/// The stream: 11 bytes of signature, int32 flags, int32 length of an extension and its bytes; then tuples
/// (`kernel_pgcopy.h`), then the trailer, int16 -1. It is fed message by message as the server cuts it: a message holds
/// whole tuples, the first may start with the header, the last is the trailer.
///
/// - Nulls: stay. Special values stop the stream, or become NULL and are counted where the column says so.
/// - Errors: after one the decoder is of no further use.
/// - Cost: one call of a kernel a row; memory of the chunk being built and nothing else.
package struct PostgresCopyDecoder: ~Copyable {
    package struct Input: Sendable {
        package let name: String
        package let mapping: PostgresColumnMapping
        package let nullsSpecials: Bool

        package init(name: String, mapping: PostgresColumnMapping, nullsSpecials: Bool) {
            self.name = name
            self.mapping = mapping
            self.nullsSpecials = nullsSpecials
        }
    }

    private enum Stage { case header, tuples, complete }

    private let inputs: [Input]
    private let columns: PostgresColumnBuffers
    private var stage = Stage.header
    private var byteCount = 0
    /// Rows of the chunk being built.
    package private(set) var rowCount = 0
    /// Rows of the chunks before it.
    private var firstRow: Int64 = 0

    /// - Parameter takesMessages: Every message is in memory of malloc's and nobody reads it again: large cells are moved
    ///   out of it page by page, so that a cell of 64 MiB is not in memory twice. Zeros stay in their place.
    package init(columns inputs: [Input], takesMessages: Bool = false) {
        self.inputs = inputs
        columns = PostgresColumnBuffers(inputs, takesMessages: takesMessages)
    }

    /// The chunk holds as much as one may; take it before the next row.
    package var isFull: Bool { rowCount >= Limits.rowsPerChunk || byteCount >= Limits.bytesPerChunk }

    /// The trailer was seen: nothing is missing.
    package var isComplete: Bool { stage == .complete }

    /// Values of each column that became NULL because the published type cannot hold them.
    package var nulledSpecials: [Int64] { columns.specials }

    /// Takes one message of the stream.
    package mutating func append(row message: UnsafeRawBufferPointer) throws(FormatError) {
        var rest = unsafe message
        if stage == .header { unsafe rest = try afterHeader(rest) }
        while unsafe !rest.isEmpty {
            guard stage == .tuples else { throw broken("bytes after the end of the stream") }
            if unsafe rest.count == 2 && rest[0] == 0xff && rest[1] == 0xff {
                stage = .complete
                return
            }
            let used = unsafe try appendTuple(rest)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[used...])
        }
    }

    /// Checks that the stream came to its end.
    package func finishStream() throws(FormatError) {
        guard stage == .complete else { throw broken("the stream ends before its trailer") }
    }

    /// The rows so far as a chunk; the next row starts another. `rowCount` may be zero.
    package mutating func finishChunk() -> Chunk {
        let chunk = Chunk(columns: columns.take(), rowCount: rowCount, firstRow: firstRow)
        firstRow += Int64(rowCount)
        rowCount = 0
        byteCount = 0
        return chunk
    }

    // MARK: Pieces of the stream

    private static let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00]

    private mutating func afterHeader(_ message: UnsafeRawBufferPointer) throws(FormatError) -> UnsafeRawBufferPointer {
        let signature = Self.signature
        guard unsafe message.count >= 19 && message.starts(with: signature) else {
            throw broken("the stream does not start with the signature of binary COPY")
        }
        let flags = unsafe UInt32(bigEndian: message.loadUnaligned(fromByteOffset: 11, as: UInt32.self))
        let extra = unsafe Int(UInt32(bigEndian: message.loadUnaligned(fromByteOffset: 15, as: UInt32.self)))
        // The upper half of the flags are critical ones; none is defined that servers of our versions set.
        guard flags == 0, extra <= message.count - 19 else {
            throw broken("the stream's header is not one that is known")
        }
        stage = .tuples
        return unsafe UnsafeRawBufferPointer(rebasing: message[(19 + extra)...])
    }

    private mutating func appendTuple(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> Int {
        var used = 0
        var failedColumn = 0
        let result = unsafe kernel_pgcopy_append(
            columns.roots, inputs.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
            Limits.bytesPerCell, &used, &failedColumn)
        guard result == Int32(KERNEL_PGCOPY_OK) else {
            throw PostgresValueFailure.error(
                result, input: failedColumn < inputs.count ? inputs[failedColumn] : nil,
                row: firstRow + Int64(rowCount))
        }
        rowCount += 1
        byteCount += used
        return used
    }

    private func broken(_ reason: String) -> FormatError {
        FormatError(.brokenStream, row: firstRow + Int64(rowCount), reason: reason)
    }
}
