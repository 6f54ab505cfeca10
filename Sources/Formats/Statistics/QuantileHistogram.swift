/// How many numbers lie where: quantiles of any number of rows, in bounded memory.
///
/// Numbers are counted by the leading bits of their binary form, as many bits as give at most `capacity` cells that hold one.
/// So what is kept depends on the numbers alone: their order, how they are cut into parts and the order in which parts
/// are merged change nothing.
///
/// - Error: none while there are at most `capacity` different numbers. Beyond, a quantile is a number that occurs, at most the
///   one that has the quantile's rank. It is less than *k*/2048 of its size below it where the numbers lie between *k* powers
///   of two, each sign counted for itself (amounts from 1 to 1,000, *k* = 10: 0.5 %), and where they all lie between two
///   neighbouring ones, such as timestamps, less than a 2048th of their range (a year: some four hours). Zero is exact, and so
///   are the lowest and the highest number.
/// - Cost: a look-up in a hash table a number; twice `capacity` cells at most.
struct QuantileHistogram: Sendable, Equatable {
    static let capacity = 4096

    private struct Cell: Sendable, Equatable {
        var count: Int64
        /// The smallest number of the cell stands for all.
        var lowest: Double
    }

    private var cells: [UInt64: Cell] = [:]
    /// Bits that are not looked at, from the last one on.
    private var droppedBits: UInt64 = 0
    private var highest = -Double.infinity
    private(set) var rowCount: Int64 = 0

    /// `number` is finite.
    mutating func add(_ number: Double) {
        let number = number == 0 ? 0 : number
        count(number, times: 1)
        highest = max(highest, number)
        rowCount += 1
    }

    mutating func merge(_ other: QuantileHistogram) {
        while droppedBits < other.droppedBits { coarsen() }
        for cell in other.cells.values { count(cell.lowest, times: cell.count) }
        highest = max(highest, other.highest)
        rowCount += other.rowCount
    }

    private mutating func count(_ number: Double, times: Int64) {
        let key = Self.place(of: number) >> droppedBits
        if let cell = cells[key] {
            cells[key] = Cell(count: cell.count + times, lowest: min(cell.lowest, number))
            return
        }
        cells[key] = Cell(count: times, lowest: number)
        // More cells than this can only become fewer with a bit less, whatever else is still to come.
        while cells.count > Self.capacity { coarsen() }
    }

    private mutating func coarsen() {
        droppedBits += 1
        var merged: [UInt64: Cell] = [:]
        for (key, cell) in cells {
            let other = merged[key >> 1]
            merged[key >> 1] = Cell(
                count: cell.count + (other?.count ?? 0), lowest: min(cell.lowest, other?.lowest ?? cell.lowest))
        }
        cells = merged
    }

    /// The number's bits, such that a larger number has a larger one.
    private static func place(of number: Double) -> UInt64 {
        number.sign == .minus ? ~number.bitPattern : number.bitPattern | 1 << 63
    }

    /// `count + 1` values that cut the rows into `count` parts of about equal size; empty without rows.
    ///
    /// The value numbered *i* is of rank *i*/`count` · (rows − 1), rounded to the nearest, from 0.
    func quantiles(_ count: Int) -> [Double] {
        let ordered = cells.values.sorted { $0.lowest < $1.lowest }
        guard rowCount > 0 else { return [] }
        var found: [Double] = []
        var index = 0
        var end = ordered[0].count
        for part in 0..<count {
            let rank = Int64((Double(part) / Double(count) * Double(rowCount - 1)).rounded())
            while rank >= end {
                index += 1
                end += ordered[index].count
            }
            found.append(ordered[index].lowest)
        }
        return found + [highest]
    }
}
