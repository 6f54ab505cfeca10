/// The most frequent values of a column, in bounded memory.
///
/// Exact while there are fewer than twice `capacity` different values. After that counts are lower bounds, which depend on
/// the order of rows: when that many are held, the count of the one numbered `capacity` is taken off all, and those that
/// have nothing left are forgotten. No value that makes up more than one in `capacity` of the rows is missed, whatever the
/// order; so a second reading of the rows counts those that are left (`recount`), and what is told then is exact and depends on
/// the rows alone: every value that makes up more than one in `capacity` of them, and no other.
///
/// - Source: Misra, Gries 1982; merging: Agarwal and others, "Mergeable Summaries", 2012.
struct FrequentValues: Sendable, Equatable {
    static let capacity = 4096
    /// Longer values are passed over.
    static let bytesPerValue = 128

    private struct Entry: Sendable, Equatable {
        var value: ProfileValue
        var count: Int64
    }

    /// By the value's hash: two values of one hash are not met with in practice.
    private var entries: [UInt64: Entry] = [:]
    /// No value was forgotten or passed over.
    private(set) var isExact = true
    /// Rows seen, of passed-over values too; all of them, while they are counted again.
    private var rowCount: Int64 = 0
    private var isRecounted = false

    mutating func add(_ hash: UInt64, _ value: () -> ProfileValue?) {
        rowCount += 1
        add(hash, count: 1, value)
    }

    private mutating func add(_ hash: UInt64, count: Int64, _ value: () -> ProfileValue?) {
        if entries[hash] != nil {
            entries[hash]?.count += count
            return
        }
        guard let value = value() else {
            isExact = false
            return
        }
        entries[hash] = Entry(value: value, count: count)
        if entries.count >= 2 * Self.capacity { reduce() }
    }

    mutating func merge(_ other: FrequentValues) {
        // In a fixed order: where reducing falls must not depend on the order of a dictionary.
        for (hash, entry) in other.entries.sorted(by: { $0.key < $1.key }) {
            add(hash, count: entry.count) { entry.value }
        }
        isExact = isExact && other.isExact
        rowCount += other.rowCount
    }

    /// Counts from zero again: every row that was added, in any order, is to be given to `recount` once.
    mutating func beginRecount() {
        isRecounted = true
        for hash in entries.keys { entries[hash]?.count = 0 }
    }

    mutating func recount(_ hash: UInt64) {
        if entries[hash] != nil { entries[hash]?.count += 1 }
    }

    private mutating func reduce() {
        let counts = entries.values.map(\.count).sorted(by: >)
        let taken = counts[Self.capacity]
        isExact = false
        entries = entries.compactMapValues { $0.count > taken ? Entry(value: $0.value, count: $0.count - taken) : nil }
    }

    /// How many different values there are; nil when that is not known.
    var distinctCount: Int64? { isExact ? Int64(entries.count) : nil }

    /// The `count` most frequent values, ties in the order of values. Where counts are bounds, a count of one says nothing
    /// and is left out; where they were counted again, so is what might have been forgotten in another order.
    func top(_ count: Int) -> [(value: ProfileValue, count: Int64)] {
        let least = isExact ? 0 : isRecounted ? rowCount / Int64(Self.capacity) : 1
        let ordered = entries.values.filter { $0.count > least }.sorted {
            $0.count != $1.count ? $0.count > $1.count : ProfileValue.precedes($0.value, $1.value)
        }
        return ordered.prefix(count).map { ($0.value, $0.count) }
    }
}
