import Model

/// Cuts one file into shards where records end.
struct ShardCutter {
    private let path: String
    private let bytesPerShard: Int?
    private let digests: (any RangeDigesting)?
    private var shards: [Shard] = []
    private var start: Int64
    private var firstRecord: Int64 = 0
    private var nextRecord: Int64 = 0

    /// - Parameters:
    ///   - start: where the first shard begins.
    ///   - bytesPerShard: nil: do not cut.
    ///   - digests: of the file's bytes, those that were read so far; nil: shards have none.
    init(path: String, start: Int64, bytesPerShard: Int?, digests: (any RangeDigesting)?) {
        self.path = path
        self.start = start
        self.bytesPerShard = bytesPerShard
        self.digests = digests
        digests?.begin(at: start, leastByteCount: bytesPerShard.map { Int64($0) })
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
        shards.append(
            Shard(
                index: shards.count,
                piece: .bytes(
                    path: path, start: start, end: end, firstRecord: firstRecord, sha256: digests?.end(at: end)),
                estimatedRows: record - firstRecord, estimatedBytes: end - start))
        start = end
        firstRecord = record
    }

    /// Blank lines and comments behind the last cut are nobody's.
    ///
    /// - Parameter end: the file's last byte.
    /// - Returns: its shards, counted from 0.
    mutating func finish(end: Int64) -> [Shard] {
        if nextRecord > firstRecord { cut(at: end, after: nextRecord) }
        return shards
    }
}

/// SHA-256 of consecutive ranges of a file whose bytes go by once.
package protocol RangeDigesting: AnyObject {
    /// The first range begins at `start`, which was read already or is the next byte.
    ///
    /// - Parameter leastByteCount: what each range has at least, unless it ends with the file; nil: there is one range, to
    ///   the file's end.
    func begin(at start: Int64, leastByteCount: Int64?)
    /// Ends a range; the next begins there.
    ///
    /// - Parameter end: at most what was read.
    /// - Returns: 64 lower-case hexadecimal digits.
    func end(at end: Int64) -> String
}
