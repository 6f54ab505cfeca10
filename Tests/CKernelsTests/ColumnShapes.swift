import Foundation

/// What a column looks like, apart from its bytes: the shapes on which every level of every kernel must agree.
struct ColumnShape: CustomStringConvertible {
    var lengths: [Int]
    /// nil: no validity bitmap.
    var isValid: [Bool]?
    /// Between the end of each buffer and its protected page; moves the alignment.
    var distance = 0
    var firstOffset = 0

    var description: String {
        let rows = lengths.count <= 40 ? "lengths \(lengths)" : "\(lengths.count) rows"
        return
            "\(rows), nulls \(nulls.map { "\($0.sorted())" } ?? "none"), distance \(distance), first offset \(firstOffset)"
    }

    var nulls: Set<Int>? { isValid.map { isValid in Set(isValid.indices.filter { !isValid[$0] }) } }
}

/// How a kernel takes its values.
enum ValueLayout: Equatable {
    case offsets
    /// Without offsets, any width.
    case fixed
    /// Without offsets, this width.
    case digests(Int)

    /// The layout's version of these lengths.
    func fitted(_ lengths: [Int]) -> [Int] {
        switch self {
        case .offsets: lengths
        case .fixed: lengths.map { _ in lengths.first ?? 0 }
        case .digests(let width): lengths.map { _ in width }
        }
    }
}

extension ColumnShape {
    /// Each length from 0 to 200, alone and together, and values of 1 MiB.
    static func everyLength(_ layout: ValueLayout) -> [ColumnShape] {
        var shapes = (0...200).map { ColumnShape(lengths: layout.fitted([$0, $0, $0])) }
        switch layout {
        case .offsets: shapes += [ColumnShape(lengths: Array(0...200)), ColumnShape(lengths: [5, 1 << 20, 24])]
        case .fixed: shapes.append(ColumnShape(lengths: [1 << 20]))
        case .digests: shapes = [ColumnShape(lengths: layout.fitted(Array(0...200)))]
        }
        return shapes
    }

    /// 0 to 40 values of one and of mixed lengths, without a bitmap and with one that has no null.
    static func everyCount(_ layout: ValueLayout, _ random: inout Seeded) -> [ColumnShape] {
        (0...40).flatMap { count in
            [16, 24, 56, 130].map { longest in
                let lengths = (0..<count).map { _ in longest == 24 ? 24 : Int.random(in: 0...longest, using: &random) }
                return ColumnShape(
                    lengths: layout.fitted(lengths),
                    isValid: Bool.random(using: &random) ? nil : [Bool](repeating: true, count: count),
                    firstOffset: layout == .offsets ? count % 5 : 0)
            }
        }
    }

    /// All patterns of up to eight rows; then random ones of up to 40 rows, and of more than a batch.
    static func everyNullPattern(_ layout: ValueLayout, _ random: inout Seeded) -> [ColumnShape] {
        let lengths = [24, 0, 55, 3, 119, 16, 64, 130]
        var shapes = (0...8).flatMap { count in
            (0..<(1 << count)).map { pattern in
                ColumnShape(
                    lengths: layout.fitted(Array(lengths.prefix(count))),
                    isValid: (0..<count).map { pattern >> $0 & 1 == 1 })
            }
        }
        for count in (0..<60).map({ _ in Int.random(in: 9...40, using: &random) }) + [1023, 1024, 1025, 1100] {
            let share = Double.random(in: 0...1, using: &random)
            let longest = count > 100 ? 40 : 130
            shapes.append(
                ColumnShape(
                    lengths: layout.fitted((0..<count).map { _ in Int.random(in: 0...longest, using: &random) }),
                    isValid: (0..<count).map { _ in Double.random(in: 0...1, using: &random) < share },
                    firstOffset: layout == .offsets ? 3 : 0))
        }
        return shapes
    }

    /// 64 places of all buffers relative to a line of the cache.
    static func everyAlignment(_ layout: ValueLayout, _ random: inout Seeded) -> [ColumnShape] {
        (0..<64).map { distance in
            let lengths = (0..<21).map { $0 < 17 ? 24 : Int.random(in: 0...90, using: &random) }
            return ColumnShape(
                lengths: layout.fitted(lengths), isValid: distance % 2 == 0 ? nil : lengths.map { $0 % 3 != 0 },
                distance: distance)
        }
    }
}

extension Seeded {
    /// From ETL_SEED, or another one each time; printed, so that a failure can be repeated.
    static func fresh(for purpose: String) -> Seeded {
        let seed =
            ProcessInfo.processInfo.environment["ETL_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        print("seed of \(purpose): \(seed) (ETL_SEED)")
        return Seeded(seed)
    }
}
