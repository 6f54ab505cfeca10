internal import Columnar

/// Where stripes end.
///
/// A stripe is a run of rows after which pages and row groups may end. It ends with the first row at which it holds enough
/// rows or bytes. A row with a giant cell is a stripe of its own. All this is counted over the sequence of rows: how the
/// rows are cut into chunks changes nothing.
struct ParquetStripes {
    /// What becomes of the next rows of a chunk.
    struct Step: Equatable {
        /// The chunk's rows up to here (exclusive) belong to the stripe; may be where it started.
        var end: Int
        /// The stripe is complete with them.
        var isComplete: Bool
        /// The stripe is one row with a giant cell.
        var isGiant = false
    }

    private let bounds: ParquetWriter.Bounds
    private var rowCount = 0
    private var byteCounts: [Int]
    /// Bytes of the stripe so far, all columns.
    private(set) var byteCount = 0

    init(bounds: ParquetWriter.Bounds, columnCount: Int) {
        precondition(bounds.bytesPerStripe <= bounds.bytesPerGiantCell, "a giant cell fills a stripe")
        self.bounds = bounds
        byteCounts = [Int](repeating: 0, count: columnCount)
    }

    /// Takes rows of `chunk` from `start` on into the stripe; `rowsLeft`: those that the row group may still have,
    /// without the stripe's.
    mutating func take(_ chunk: Chunk, from start: Int, rowsLeft: Int) -> Step {
        let limit = min(bounds.rowsPerStripe, rowsLeft)
        let most = start + min(chunk.rowCount - start, limit - rowCount)
        guard isFull(chunk, start, most) else {
            return add(chunk, start, Step(end: most, isComplete: rowCount + most - start == limit))
        }
        // The first row with which the stripe is full: `low` rows do not fill it, `high` rows do.
        var (low, high) = (start, most)
        while high - low > 1 {
            let middle = (low + high) / 2
            if isFull(chunk, start, middle) { high = middle } else { low = middle }
        }
        guard chunk.columns.contains(where: { $0.hasCell(above: bounds.bytesPerGiantCell, row: high - 1) }) else {
            return add(chunk, start, Step(end: high, isComplete: true))
        }
        let isAlone = rowCount == 0 && high - 1 == start
        return add(chunk, start, Step(end: isAlone ? high : high - 1, isComplete: true, isGiant: isAlone))
    }

    /// The next stripe begins. Returns the rows of the one that ended.
    mutating func begin() -> Int {
        defer {
            rowCount = 0
            byteCount = 0
            for index in byteCounts.indices { byteCounts[index] = 0 }
        }
        return rowCount
    }

    private func isFull(_ chunk: Chunk, _ start: Int, _ end: Int) -> Bool {
        var total = byteCount
        for (index, column) in chunk.columns.enumerated() {
            let bytes = column.plainByteCount(start, end)
            if byteCounts[index] + bytes >= bounds.bytesPerStripe { return true }
            total += bytes
        }
        return total >= bounds.bytesPerWideStripe
    }

    private mutating func add(_ chunk: Chunk, _ start: Int, _ step: Step) -> Step {
        for (index, column) in chunk.columns.enumerated() {
            let bytes = column.plainByteCount(start, step.end)
            byteCounts[index] += bytes
            byteCount += bytes
        }
        rowCount += step.end - start
        return step
    }
}

extension Column {
    /// About the bytes of a range of rows in PLAIN, nulls counted as values. Cost: a few steps a node of the type.
    func plainByteCount(_ start: Int, _ end: Int) -> Int {
        switch storage {
        case .fixed: return (end - start) * (type.fixedWidth ?? 1)
        case .variable(let offsets, _):
            let bounds = unsafe offsets.elements(Int32.self)
            return unsafe Int(bounds[end]) - Int(bounds[start]) + 4 * (end - start)
        case .list(let offsets, let elements):
            let bounds = unsafe offsets.elements(Int32.self)
            return unsafe elements.plainByteCount(Int(bounds[start]), Int(bounds[end])) + end - start
        case .structure(let members):
            return members.reduce(end - start) { $0 + $1.plainByteCount(start, end) }
        }
    }

    /// Whether a string of the row, not within a list, has more than `byteCount` bytes.
    func hasCell(above byteCount: Int, row: Int) -> Bool {
        switch storage {
        case .fixed, .list: false
        case .variable: unsafe variableBytes(row).count > byteCount
        case .structure(let members): members.contains { $0.hasCell(above: byteCount, row: row) }
        }
    }
}
