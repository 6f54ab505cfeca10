import Model

/// Cuts one file into shards where records end.
struct ShardCutter {
    private let path: String
    private let bytesPerShard: Int?
    private var pieces: [(start: Int64, end: Int64, firstRecord: Int64, records: Int64)] = []
    private var start: Int64
    private var firstRecord: Int64 = 0
    private var nextRecord: Int64 = 0

    /// - Parameter bytesPerShard: nil: do not cut.
    init(path: String, start: Int64, bytesPerShard: Int?) {
        self.path = path
        self.start = start
        self.bytesPerShard = bytesPerShard
    }

    mutating func take(_ batch: RecordReader) {
        if let bytesPerShard, batch.batchEnd - start >= Int64(bytesPerShard) {
            batch.forEachRowEnd { row, end in
                guard end - start >= Int64(bytesPerShard) else { return }
                cut(at: end, after: batch.number(ofRow: row))
            }
        }
        nextRecord = batch.recordNumber + Int64(batch.recordCount)
    }

    private mutating func cut(at end: Int64, after record: Int64) {
        pieces.append((start, end, firstRecord, record - firstRecord))
        start = end
        firstRecord = record
    }

    /// - Parameters:
    ///   - end: the file's last byte.
    ///   - isWhole: the file is one shard from its first byte to its last.
    /// - Returns: its shards, counted from 0.
    mutating func finish(end: Int64, isWhole: Bool) -> [Shard] {
        if isWhole { start = 0 }
        if nextRecord > firstRecord {
            cut(at: end, after: nextRecord)
        } else if !pieces.isEmpty {
            // Blank lines and comments at the end.
            pieces[pieces.count - 1].end = end
        }
        return pieces.enumerated().map { index, piece in
            Shard(
                index: index,
                piece: .bytes(path: path, start: piece.start, end: piece.end, firstRecord: piece.firstRecord),
                estimatedRows: piece.records, estimatedBytes: piece.end - piece.start)
        }
    }
}
