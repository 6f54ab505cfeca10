package import Columnar
package import Model

/// What a column looks like: counts, bounds, mean, quantiles, how many different values and which are frequent.
///
/// For comparing versions of a table. Its numbers are values of people: it is made of columns that are not protected alone,
/// and that is for the caller to see to.
///
/// - Shape: rows are added chunk by chunk; the same rows in the same order give the same profile, however they are cut.
///   Profiles of parts may be merged in any order. Of what is told, mean and spread depend on the order in their last digits,
///   the frequent values of columns with very many different ones until they were counted again (`needsRecount`), nothing else.
/// - Nulls: counted, and left out of everything else. So are NaN. Of lists and structures only rows and nulls are told.
/// - Units: the spread of dates is in days, that of timestamps in seconds.
/// - Cost: one hash and a few comparisons a row; some 500 KiB.
package struct ColumnProfile: Sendable, Equatable {
    private static let frequentCount = 16
    private static let bucketCount = 20

    package let type: DataType
    package private(set) var rowCount: Int64 = 0
    package private(set) var nullCount: Int64 = 0
    package private(set) var nanCount: Int64 = 0
    private var low: ProfileValue?
    private var high: ProfileValue?
    // Welford's running mean and sum of squared distances from it.
    private var numberCount: Int64 = 0
    private var runningMean = 0.0
    private var squares = 0.0
    private var distinct = DistinctSketch()
    private var frequent = FrequentValues()
    private var numbers = QuantileHistogram()
    private var isRecounting = false

    package init(_ type: DataType) { self.type = type }

    // MARK: Rows in

    /// Takes in the column's rows; the column is of the profile's type.
    package mutating func add(_ column: Column) {
        precondition(column.type == type, "a profile has one type")
        if !isRecounting {
            rowCount += Int64(column.rowCount)
            nullCount += Int64(column.nullCount)
        }
        switch type {
        case .boolean:
            let bits = unsafe column.values(UInt8.self)
            for row in 0..<column.rowCount where !column.isNull(row) {
                unsafe add(whole: Int128(bits[row >> 3] >> UInt8(row & 7) & 1))
            }
        case .int16: unsafe addIntegers(column, column.values(Int16.self))
        case .int32, .date: unsafe addIntegers(column, column.values(Int32.self))
        case .int64, .timestamp: unsafe addIntegers(column, column.values(Int64.self))
        case .decimal: unsafe addIntegers(column, column.values(Int128.self))
        case .float32: unsafe addFloats(column, column.values(Float.self))
        case .float64: unsafe addFloats(column, column.values(Double.self))
        case .text, .binary:
            for row in 0..<column.rowCount where !column.isNull(row) { unsafe add(bytes: column.variableBytes(row)) }
        case .list, .structure: break
        }
    }

    /// Takes in what another profile of the same type has seen, as if its rows followed.
    package mutating func merge(_ other: ColumnProfile) {
        precondition(other.type == type, "profiles of one type are merged")
        precondition(!isRecounting && !other.isRecounting, "profiles are merged before they are counted again")
        rowCount += other.rowCount
        nullCount += other.nullCount
        nanCount += other.nanCount
        if let value = other.low { widen(value) }
        if let value = other.high { widen(value) }
        if other.numberCount > 0 {
            // Chan, Golub, LeVeque 1979.
            let (mine, its) = (Double(numberCount), Double(other.numberCount))
            let distance = other.runningMean - runningMean
            runningMean += distance * its / (mine + its)
            squares += other.squares + distance * distance * mine * its / (mine + its)
            numberCount += other.numberCount
        }
        distinct.merge(other.distinct)
        frequent.merge(other.frequent)
        numbers.merge(other.numbers)
    }

    private mutating func addIntegers<Value: FixedWidthInteger>(
        _ column: Column, _ values: UnsafeBufferPointer<Value>
    ) {
        for row in 0..<column.rowCount where !column.isNull(row) { unsafe add(whole: Int128(values[row])) }
    }

    private mutating func addFloats<Value: BinaryFloatingPoint>(_ column: Column, _ values: UnsafeBufferPointer<Value>)
    {
        for row in 0..<column.rowCount where !column.isNull(row) {
            let value = unsafe Double(values[row])
            guard !value.isNaN else {
                if !isRecounting { nanCount += 1 }
                continue
            }
            let number = value == 0 ? 0 : value
            add(.number(number), hash: ProfileValue.mix(number.bitPattern))
            if number.isFinite { add(number: number) }
        }
    }

    private mutating func add(whole value: Int128) {
        add(.integer(value), hash: ProfileValue.hash(value))
        if type != .boolean { add(number: Double(value)) }
    }

    private mutating func add(_ value: ProfileValue, hash: UInt64) {
        if isRecounting { return frequent.recount(hash) }
        distinct.add(hash)
        frequent.add(hash) { value }
        widen(value)
    }

    private mutating func add(bytes: UnsafeRawBufferPointer) {
        let hash = unsafe ProfileValue.hash(bytes)
        if isRecounting { return frequent.recount(hash) }
        distinct.add(hash)
        let isShort = bytes.count <= FrequentValues.bytesPerValue
        frequent.add(hash) { unsafe isShort ? .bytes(Array(bytes)) : nil }
        // Most values are neither the lowest nor the highest: no array is made to see that.
        if case .bytes(let low)? = low, case .bytes(let high)? = high,
            unsafe !bytes.lexicographicallyPrecedes(low), unsafe !high.lexicographicallyPrecedes(bytes)
        {
            return
        }
        widen(.bytes(unsafe Array(bytes.prefix(FrequentValues.bytesPerValue))))
    }

    private mutating func widen(_ value: ProfileValue) {
        if let low { if ProfileValue.precedes(value, low) { self.low = value } } else { low = value }
        if let high { if ProfileValue.precedes(high, value) { self.high = value } } else { high = value }
    }

    private mutating func add(number: Double) {
        if isRecounting { return }
        numberCount += 1
        let distance = number - runningMean
        runningMean += distance / Double(numberCount)
        squares += distance * (number - runningMean)
        numbers.add(number)
    }
}

/// Frequent values, counted by a second reading.
extension ColumnProfile {
    /// Whether counts of frequent values are bounds that depend on the order of rows.
    package var needsRecount: Bool { !frequent.isExact }

    /// From here on `add` counts frequent values alone: every row is to be given to it once more, in any order.
    package mutating func beginRecount() {
        isRecounting = true
        frequent.beginRecount()
    }
}

/// What it says.
extension ColumnProfile {
    /// About how many different values; exact up to some thousands.
    package var distinctCount: Int64 { frequent.distinctCount ?? distinct.estimate }
    package var isDistinctExact: Bool { frequent.isExact }

    /// In the column's own unit (decimals: as printed; dates: days; timestamps: microseconds since 1970); nil without numbers.
    package var mean: Double? { numberCount > 0 ? runningMean / unit : nil }

    /// Of the rows at hand, not an estimate for others. Dates: days; timestamps: seconds.
    package var standardDeviation: Double? {
        guard numberCount > 0 else { return nil }
        let spread = (squares / Double(numberCount)).squareRoot() / unit
        if case .timestamp = type { return spread / 1_000_000 }
        return spread
    }

    /// Decimals are kept in units of their last place.
    private var unit: Double {
        guard case .decimal(_, let scale) = type else { return 1 }
        return (0..<scale).reduce(1.0) { unit, _ in unit * 10 }
    }

    /// `rows`, `nulls`, `nan`, `minimum`, `maximum` (text: its first 128 bytes), `mean`, `standardDeviation`,
    /// `distinct` {`count`, `isExact`}, `frequent` [{`value`, `count`}], most frequent first, `quantiles`: 21 values that
    /// cut the rows into twenty parts. What there is nothing to say about is left out.
    package var json: JSON {
        let isNested = if case .list = type { true } else if case .structure = type { true } else { false }
        let bounds = [low, high].compactMap { $0 }
        let ends = ProfileValue.json(bounds, type: type)
        let top = frequent.top(Self.frequentCount)
        let values = ProfileValue.json(top.map(\.value), type: type)
        return .record([
            "rows": .integer(rowCount),
            "nulls": .integer(nullCount),
            "nan": nanCount > 0 ? .integer(nanCount) : nil,
            "minimum": ends.first,
            "maximum": ends.last,
            "mean": mean.map { number in isMoment ? moments([runningMean])[0] : .number(number) },
            "standardDeviation": standardDeviation.map { .number($0) },
            "distinct": isNested
                ? nil : .record(["count": .integer(distinctCount), "isExact": .boolean(isDistinctExact)]),
            "frequent": isNested
                ? nil
                : .list(zip(values, top).map { .record(["value": $0, "count": .integer($1.count)]) }),
            "quantiles": quantiles,
        ])
    }

    private var isMoment: Bool {
        switch type {
        case .date, .timestamp: true
        default: false
        }
    }

    private func moments(_ numbers: [Double]) -> [JSON] {
        ProfileValue.json(numbers.map { .integer(Int128($0.rounded())) }, type: type)
    }

    private var quantiles: JSON? {
        let numbers = self.numbers.quantiles(Self.bucketCount)
        guard !numbers.isEmpty else { return nil }
        return .list(isMoment ? moments(numbers) : numbers.map { .number($0 / unit) })
    }
}
