/// A sample of numbers that quantiles are read from: those rows whose ordinals hash lowest.
///
/// Exact up to `capacity` rows; beyond, a quantile's rank is off by about 1 % (one standard deviation in the middle). The
/// same rows in the same order give the same sample, and a merged sample is one of all rows.
struct QuantileSample: Sendable, Equatable {
    static let capacity = 2048

    private struct Entry: Sendable, Equatable {
        var priority: UInt64
        var value: Double
    }

    private var entries: [Entry] = []
    /// Rows with a higher priority are out of the question.
    private var limit = UInt64.max
    private var rowCount: UInt64 = 0

    mutating func add(_ value: Double) {
        let priority = ProfileValue.mix(rowCount)
        rowCount += 1
        if priority <= limit { insert(Entry(priority: priority, value: value)) }
    }

    mutating func merge(_ other: QuantileSample) {
        limit = min(limit, other.limit)
        entries.removeAll { $0.priority > limit }
        for entry in other.entries where entry.priority <= limit { insert(entry) }
        rowCount += other.rowCount
    }

    private mutating func insert(_ entry: Entry) {
        entries.append(entry)
        guard entries.count >= 2 * Self.capacity else { return }
        entries = lowest
        if let last = entries.last { limit = last.priority }
    }

    private var lowest: [Entry] {
        Array(
            entries.sorted { ($0.priority, $0.value) < ($1.priority, $1.value) }.prefix(Self.capacity))
    }

    /// `count + 1` values that cut the rows into `count` parts of about equal size; empty without rows.
    func quantiles(_ count: Int) -> [Double] {
        let values = lowest.map(\.value).sorted()
        guard let last = values.indices.last else { return [] }
        return (0...count).map { values[Int((Double($0) / Double(count) * Double(last)).rounded())] }
    }
}
