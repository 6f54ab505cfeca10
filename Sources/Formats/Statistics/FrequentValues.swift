/// The most frequent values of a column, in bounded memory.
///
/// Exact while there are at most `capacity` different values. After that counts are lower bounds: when twice as many are
/// held, the count of the one in the middle is taken off all, and those that have nothing left are forgotten. No value that
/// makes up more than one in `capacity` of the rows is missed.
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

    mutating func add(_ hash: UInt64, count: Int64 = 1, _ value: () -> ProfileValue?) {
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
    /// and is left out.
    func top(_ count: Int) -> [(value: ProfileValue, count: Int64)] {
        let ordered = entries.values.filter { isExact || $0.count > 1 }.sorted {
            $0.count != $1.count ? $0.count > $1.count : ProfileValue.precedes($0.value, $1.value)
        }
        return ordered.prefix(count).map { ($0.value, $0.count) }
    }
}
