/// How often a measure fell below each of some bounds.
package struct Histogram: Hashable, Sendable {
    /// Inclusive upper bounds, ascending and finite.
    let bounds: [Double]
    /// One more than `bounds`: the last is for what lies above all of them.
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    package init(bounds: [Double]) {
        precondition(bounds.allSatisfy(\.isFinite) && zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds ascend")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// From a tenth of a second to a quarter of an hour: a shard is sized for seconds, a slow source makes it minutes.
    package static var shardSeconds: Histogram {
        Histogram(bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900])
    }

    /// What is not finite is not counted: it would make the sum useless for ever.
    package mutating func observe(_ value: Double) {
        guard value.isFinite else { return }
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    package mutating func observe(_ duration: Duration) { observe(duration / .seconds(1)) }
}
