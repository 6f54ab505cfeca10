internal import Columnar
internal import Model

/// Columns of one type as another, exactly or not at all.
enum Conversion {
    static func exists(from: DataType, to: DataType) -> Bool {
        switch (from.kind, to.kind) {
        case (.list, _), (.structure, _), (_, .list), (_, .structure): false
        case (.text, _), (_, .text): true
        case (.integer, .boolean), (.boolean, .integer): true
        case (.integer, .integer), (.integer, .float), (.integer, .decimal): true
        case (.float, .integer), (.float, .float), (.float, .decimal): true
        case (.decimal, .integer), (.decimal, .float), (.decimal, .decimal): true
        case (.date, .date), (.date, .timestamp), (.timestamp, .date), (.timestamp, .timestamp): true
        case (.boolean, .boolean), (.binary, .binary): true
        default: false
        }
    }

    /// The names of the types that a type can be cast to, for messages.
    static func targets(of type: DataType) -> [String] {
        DataType.names.filter { name in
            let concrete = name == "decimal(P,S)" ? "decimal(38,0)" : name
            return DataType(name: concrete).map { exists(from: type, to: $0) } ?? false
        }
    }

    /// - Shape, nulls: as the input.
    /// - Throws: what the log decides about values without an exact counterpart.
    static func convert(
        _ column: Column, to type: DataType, _ log: inout FailureLog
    ) throws(ValueFailure) -> Column {
        switch (column.type.kind, type.kind) {
        case (_, _) where column.type == type: return column
        case (.binary, .text): return try validatedText(column, &log)
        case (_, .text): return TextForm.of(column)
        case (.text, _): return try TextParser.column(column, as: type, &log)
        case (.date, .timestamp):
            return try column.converted(as: type, &log) { row in
                ISODate.micros(days: unsafe Int64(column.values(Int32.self)[row]), seconds: 0, fraction: 0)
            }
        case (.timestamp, .date):
            return try column.converted(as: type, &log) { row -> Int32? in
                let micros = unsafe column.values(Int64.self)[row]
                return micros % 86_400_000_000 == 0 ? Int32(exactly: micros / 86_400_000_000) : nil
            }
        // A wall-clock reading and an instant in UTC have the same number.
        case (.timestamp, .timestamp): return column.retyped(type)
        case (.float, _): return try fromFloats(column, to: type, &log)
        default: return try fromUnits(column, to: type, &log)
        }
    }

    private static func validatedText(_ column: Column, _ log: inout FailureLog) throws(ValueFailure) -> Column {
        for row in 0..<column.rowCount where !column.isNull(row) {
            guard unsafe String(validating: column.variableBytes(row), as: UTF8.self) != nil else {
                // Rare: only now are rows looked at one by one.
                return unsafe try column.rewritten(&log, code: .notText) { bytes in
                    unsafe String(validating: bytes, as: UTF8.self)
                }
            }
        }
        return column.retyped(.text)
    }

    // MARK: Booleans, integers and decimals, as whole units of 10^-scale

    private static func fromUnits(
        _ column: Column, to type: DataType, _ log: inout FailureLog
    ) throws(ValueFailure) -> Column {
        var scale = 0
        if case .decimal(_, let own) = column.type { scale = own }
        let units = units(of: column)
        let divisor = DecimalText.scaled(1, by: scale) ?? 1
        func whole(_ row: Int) -> Int128? {
            let value = units(row)
            return value % divisor == 0 ? value / divisor : nil
        }
        switch type {
        case .boolean:
            var builder = BooleanBuilder()
            for row in 0..<column.rowCount {
                if column.isNull(row) {
                    builder.appendNull()
                } else if let value = whole(row), value == 0 || value == 1 {
                    builder.append(value == 1)
                } else {
                    try log.fail(.doesNotFit, row: row)
                    builder.appendNull()
                }
            }
            return builder.finish()
        case .int16: return try column.converted(as: type, &log) { whole($0).flatMap { Int16(exactly: $0) } }
        case .int32: return try column.converted(as: type, &log) { whole($0).flatMap { Int32(exactly: $0) } }
        case .int64: return try column.converted(as: type, &log) { whole($0).flatMap { Int64(exactly: $0) } }
        case .decimal(let precision, let target):
            return try column.converted(as: type, &log) { row -> Int128? in
                guard let value = DecimalText(units: units(row), scale: scale).units(atScale: target),
                    DecimalText.fits(value, precision: precision)
                else { return nil }
                return value
            }
        case .float32:
            return try column.converted(as: type, &log) { row -> Float? in
                scale == 0 ? Float(exactly: units(row)) : nearest(units(row), scale, digits: 6).map { Float($0) }
            }
        case .float64:
            return try column.converted(as: type, &log) { row -> Double? in
                scale == 0 ? Double(exactly: units(row)) : nearest(units(row), scale, digits: 15)
            }
        default: preconditionFailure("the plan has checked that the cast exists")
        }
    }

    /// The float nearest to a decimal of so few digits that every float of the type tells them apart; otherwise nil.
    private static func nearest(_ units: Int128, _ scale: Int, digits: Int) -> Double? {
        var significant = units.magnitude
        while significant != 0, significant % 10 == 0 { significant /= 10 }
        guard let limit = DecimalText.scaled(1, by: digits), significant < limit.magnitude else { return nil }
        return Double(DecimalText.text(units, scale: scale))
    }

    private static func units(of column: Column) -> (Int) -> Int128 {
        switch column.type {
        case .boolean: { Int128(column.valueBytes($0)[0]) }
        case .int16: { unsafe Int128(column.values(Int16.self)[$0]) }
        case .int32: { unsafe Int128(column.values(Int32.self)[$0]) }
        case .int64: { unsafe Int128(column.values(Int64.self)[$0]) }
        case .decimal: { column.decimal($0) }
        default: preconditionFailure("the plan has checked that the cast exists")
        }
    }

    // MARK: Floats

    private static func fromFloats(
        _ column: Column, to type: DataType, _ log: inout FailureLog
    ) throws(ValueFailure) -> Column {
        let isSingle = column.type == .float32
        func value(_ row: Int) -> Double {
            unsafe isSingle ? Double(column.values(Float.self)[row]) : column.values(Double.self)[row]
        }
        switch type {
        case .int16: return try column.converted(as: type, &log) { Int16(exactly: value($0)) }
        case .int32: return try column.converted(as: type, &log) { Int32(exactly: value($0)) }
        case .int64: return try column.converted(as: type, &log) { Int64(exactly: value($0)) }
        case .float64: return try column.converted(as: type, &log) { Optional(value($0)) }
        case .float32:
            return try column.converted(as: type, &log) { row -> Float? in
                let value = value(row)
                return value.isNaN ? Float.nan : Float(exactly: value)
            }
        case .decimal(let precision, let scale):
            return try column.converted(as: type, &log) { row -> Int128? in
                // The fewest digits that read back as the same float are what its writer meant.
                let text = isSingle ? unsafe column.values(Float.self)[row].description : value(row).description
                guard let units = DecimalText(text)?.units(atScale: scale),
                    DecimalText.fits(units, precision: precision)
                else { return nil }
                return units
            }
        default: preconditionFailure("the plan has checked that the cast exists")
        }
    }
}

extension DecimalText {
    init(units: Int128, scale: Int) {
        self.units = units
        self.scale = scale
    }
}
