internal import Model

/// A columnar piece of a shard, at most `Limits.rowsPerChunk` rows.
package struct Chunk: Sendable {
    package let columns: [Column]
    package let rowCount: Int
    /// Ordinal within the shard of the first row, from zero; what errors name.
    package let firstRow: Int64

    package init(columns: [Column], rowCount: Int, firstRow: Int64) {
        precondition(columns.allSatisfy { $0.rowCount == rowCount }, "columns of a chunk have equal row counts")
        self.columns = columns
        self.rowCount = rowCount
        self.firstRow = firstRow
    }

    package var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }
}
