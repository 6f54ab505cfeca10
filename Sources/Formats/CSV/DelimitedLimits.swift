import Model

/// The bounds that reading a delimited file keeps to; tests make them small.
package struct DelimitedLimits: Sendable {
    package var rowsPerChunk = Limits.rowsPerChunk
    package var bytesPerChunk = Limits.bytesPerChunk
    package var bytesPerCell = Limits.bytesPerCell
    package var bytesPerShard = Limits.bytesPerShard.upperBound
    /// Bytes that are read and split at a time; a longer record makes its block grow.
    package var bytesPerBlock = 256 << 10
    /// Fields that are split at a time.
    package var fieldsPerBatch = 32 << 10
    /// Record numbers that a report lists.
    package var listedRecords = 100

    package init() {}

    /// A record ends within this, or a quote in it was never closed.
    var bytesPerRecord: Int { min(2 * bytesPerCell, 1 << 29) }
}
