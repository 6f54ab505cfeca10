internal import Columnar
internal import Model

/// A value of a document in a column's own terms, for comparisons: whole units (integers, decimals, days, microseconds)
/// or a float.
struct Bound: Sendable, Comparable {
    let whole: Int128
    let float: Double

    /// nil: the text is no value of the type.
    init?(_ text: String, type: DataType) {
        switch type {
        case .int16, .int32, .int64:
            guard let number = DecimalText(text), let units = number.units(atScale: 0) else { return nil }
            self.init(whole: units)
        case .decimal(_, let scale):
            guard let number = DecimalText(text), let units = number.units(atScale: scale) else { return nil }
            self.init(whole: units)
        case .float32:
            // The column's nearest number: 0.7 as a double lies above 0.7 as a float.
            guard let value = Float(text), value.isFinite else { return nil }
            self.init(float: Double(value))
        case .float64:
            guard let value = Double(text), value.isFinite else { return nil }
            self.init(float: value)
        case .date:
            guard let days = ISODate.days(text) else { return nil }
            self.init(whole: Int128(days))
        case .timestamp(let isUTC):
            guard let micros = ISODate.micros(text, isUTC: isUTC) else { return nil }
            self.init(whole: Int128(micros))
        default: return nil
        }
    }

    private init(whole: Int128) {
        self.whole = whole
        float = 0
    }

    private init(float: Double) {
        whole = 0
        self.float = float
    }

    /// Bounds of one type are compared with each other only, so one of the two parts is equal.
    static func < (a: Bound, b: Bound) -> Bool { (a.whole, a.float) < (b.whole, b.float) }
}

/// Reads the numbers of a column of any numeric type, the type decided once.
enum NumericColumn {
    /// A text for every value: `whole` for integers, decimals, dates and timestamps, `float` for floats. Nulls stay.
    static func labels(
        _ column: Column, whole: @escaping (Int128) -> [UInt8], float: @escaping (Double) -> [UInt8]
    ) -> Column {
        let label: (Int) -> [UInt8] =
            switch column.type {
            case .int16: { unsafe whole(Int128(column.values(Int16.self)[$0])) }
            case .int32, .date: { unsafe whole(Int128(column.values(Int32.self)[$0])) }
            case .int64, .timestamp: { unsafe whole(Int128(column.values(Int64.self)[$0])) }
            case .decimal: { whole(column.decimal($0)) }
            case .float32: { unsafe float(Double(column.values(Float.self)[$0])) }
            case .float64: { unsafe float(column.values(Double.self)[$0]) }
            default: preconditionFailure("the plan gives numbers and dates alone")
            }
        var builder = VariableBuilder(rows: column.rowCount, bytes: 8 * column.rowCount)
        for row in 0..<column.rowCount {
            if column.isNull(row) {
                builder.appendNull()
            } else {
                unsafe label(row).withUnsafeBytes { unsafe builder.append($0) }
            }
        }
        return builder.finish(type: .text)
    }
}

extension Column {
    /// The units of one decimal. Memory of a buffer need not be aligned for 16 bytes.
    func decimal(_ row: Int) -> Int128 {
        unsafe UnsafeRawPointer(fixedBytes).loadUnaligned(fromByteOffset: 16 * row, as: Int128.self)
    }
}
