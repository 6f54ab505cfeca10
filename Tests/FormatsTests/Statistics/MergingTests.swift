import Columnar
import Model
import Testing

@testable import Formats

/// Parts of a column, however they are cut and in whatever order they are merged, tell one thing.
@Suite("Statistics of parts, merged") struct MergingTests {
    private func histogram(_ numbers: some Sequence<Double>) -> QuantileHistogram {
        numbers.reduce(into: QuantileHistogram()) { $0.add($1) }
    }

    /// The numbers dealt out to `count` parts, which are merged in a random order, as a tree or one after the other.
    private func merged(
        _ numbers: [Double], parts count: Int, isTree: Bool, _ random: inout Dice
    ) -> QuantileHistogram {
        var lists = [[Double]](repeating: [], count: count)
        for number in numbers { lists[Int.random(in: 0..<count, using: &random)].append(number) }
        var parts = lists.map { histogram($0) }.shuffled(using: &random)
        while parts.count > 1 {
            let last = parts.removeLast()
            parts[isTree ? parts.count / 2 : 0].merge(last)
        }
        return parts[0]
    }

    @Test("quantiles are the same for 1, 10 and 2,500 parts in any order", arguments: [1, 10, 2_500])
    func quantiles(partCount: Int) {
        var random = Dice.fresh("quantiles of \(partCount) parts")
        let columns: [[Double]] = [
            (0..<50_000).map { Double($0 % 1_000) },
            (0..<50_000).map { _ in Double.random(in: -1e6...1e6, using: &random) },
            (0..<50_000).map { _ in Double.random(in: 0..<1, using: &random) * 3e13 + 1.7e15 },
            (0..<20_000).map { _ in Double(bitPattern: random.next()) }.filter(\.isFinite),
            (0..<30_000).map { 1 / Double($0 + 1) } + [0, -0.0, 1e300, -1e-300], [7], [],
        ]
        for numbers in columns {
            let whole = histogram(numbers)
            #expect(whole == histogram(numbers.shuffled(using: &random)))
            for isTree in [false, true] {
                #expect(merged(numbers, parts: partCount, isTree: isTree, &random) == whole)
            }
        }
    }

    @Test("quantiles are within the stated error", arguments: [1, 10, 2_500])
    func error(partCount: Int) {
        var random = Dice.fresh("error of \(partCount) parts")
        // The numbers, and between how many powers of two they lie, each sign for itself.
        let columns: [(numbers: [Double], octaves: Int)] = [
            ((0..<200_000).map { Double($0) }.filter { $0 != 0 }, 18),
            ((0..<100_000).map { _ in Double.random(in: 1e6..<2e6, using: &random) }, 2),
            (
                (0..<100_000).map { _ in
                    Double.random(in: 1..<1024, using: &random) * (Bool.random(using: &random) ? 1 : -1)
                }, 20
            ),
            ((0..<4_096).map { Double($0) * 1e-7 }, 0),
        ]
        for (numbers, octaves) in columns {
            let sorted = numbers.sorted()
            let found = merged(numbers, parts: partCount, isTree: true, &random).quantiles(20)
            #expect(found.count == 21)
            for (part, value) in found.enumerated() {
                let exact = sorted[Int((Double(part) / 20 * Double(sorted.count - 1)).rounded())]
                let bound = Double(octaves) / 2048 * abs(exact)
                #expect(value <= exact && exact - value <= bound, "\(part) of \(partCount): \(value) for \(exact)")
            }
        }
    }

    @Test("frequent values that were counted again are exact and the same in any order and number of parts")
    func frequent() {
        var random = Dice.fresh("frequent values")
        let rowCount = 60_000
        // A few values above one in 4,096 rows, some near it, very many of one row each.
        var values: [Int64] = []
        for (value, count) in [(1, 9_000), (2, 500), (3, 16), (4, 15), (5, 14), (6, 13)] {
            values += [Int64](repeating: Int64(value), count: count)
        }
        values += (0..<Int64(rowCount - values.count)).map { 1_000 + $0 }
        let threshold = rowCount / FrequentValues.capacity
        let expected = [1: 9_000, 2: 500, 3: 16, 4: 15].filter { $0.value > threshold }
        for (partCount, isSorted) in [(1, true), (1, false), (10, false), (2_500, false)] {
            let order = isSorted ? values : values.shuffled(using: &random)
            var parts = [FrequentValues](repeating: FrequentValues(), count: partCount)
            for value in order {
                parts[Int.random(in: 0..<partCount, using: &random)].add(ProfileValue.hash(Int128(value))) {
                    .integer(Int128(value))
                }
            }
            var all = FrequentValues()
            for part in parts.shuffled(using: &random) { all.merge(part) }
            #expect(!all.isExact && all.distinctCount == nil)
            all.beginRecount()
            for value in values { all.recount(ProfileValue.hash(Int128(value))) }
            let found = all.top(100).map { entry -> [Int] in
                guard case .integer(let value) = entry.value else { return [] }
                return [Int(value), Int(entry.count)]
            }
            #expect(found == expected.sorted { $0.value > $1.value }.map { [$0.key, $0.value] })
        }
    }

    @Test("a profile that was counted again tells exact counts and nothing else anew")
    func profile() throws {
        let numbers = (0..<40_000).map { Int64($0 % 4 == 0 ? -5 : $0) }
        func profile(_ numbers: [Int64]) throws -> JSON {
            let chunks = [TestColumn(name: "c", type: .int64, cells: numbers.map { .int($0) })].chunks(of: 1_000)
            var profile = ColumnProfile(.int64)
            for chunk in chunks { profile.add(chunk.columns[0]) }
            #expect(profile.needsRecount)
            let before = profile.json
            profile.beginRecount()
            for chunk in chunks { profile.add(chunk.columns[0]) }
            for name in ["rows", "nulls", "minimum", "maximum", "mean", "distinct", "quantiles"] {
                #expect(profile.json[name] == before[name])
            }
            return profile.json
        }
        let forth = try profile(numbers)
        let back = try profile(numbers.reversed())
        #expect(forth["frequent"] == .list([.record(["value": -5, "count": 10_000])]))
        #expect(forth["frequent"] == back["frequent"] && forth["quantiles"] == back["quantiles"])
    }
}

/// Seeded anew each time; the seed is printed.
private struct Dice: RandomNumberGenerator {
    private var source: SplitMix

    static func fresh(_ what: String) -> Dice {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("\(what): seed \(seed)")
        return Dice(source: SplitMix(state: seed))
    }

    mutating func next() -> UInt64 { source.next() }
}
