internal import Columnar
internal import Model

/// Text into every scalar type: the inverse of `TextForm`, strict. White space around a value is no part of it.
enum TextParser {
    /// - Nulls: stay null.
    /// - Throws: what the log decides about texts that are no value of the type.
    static func column(
        _ source: Column, as type: DataType, _ log: inout FailureLog
    ) throws(ValueFailure) -> Column {
        switch type {
        case .text, .binary: return source.retyped(type)
        case .boolean: return try booleans(source, &log)
        case .int16:
            return unsafe try source.parsed(as: type, &log) { unsafe integer($0).flatMap { Int16(exactly: $0) } }
        case .int32:
            return unsafe try source.parsed(as: type, &log) { unsafe integer($0).flatMap { Int32(exactly: $0) } }
        case .int64: return unsafe try source.parsed(as: type, &log) { unsafe integer($0) }
        case .float32: return unsafe try source.parsed(as: type, &log) { unsafe float($0, Float.self) }
        case .float64: return unsafe try source.parsed(as: type, &log) { unsafe float($0, Double.self) }
        case .decimal(let precision, let scale):
            return unsafe try source.parsed(as: type, &log) { unsafe decimal($0, precision: precision, scale: scale) }
        case .date: return unsafe try source.parsed(as: type, &log) { unsafe ISODate.days($0) }
        case .timestamp(let isUTC):
            return unsafe try source.parsed(as: type, &log) { unsafe ISODate.micros($0, isUTC: isUTC) }
        case .list, .structure: preconditionFailure("the plan parses scalars alone")
        }
    }

    /// Sign and digits.
    static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var index = 0
        var isNegative = false
        if unsafe bytes.count > 1 && (bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+")) {
            isNegative = unsafe bytes[0] == UInt8(ascii: "-")
            index = 1
        }
        guard index < bytes.count else { return nil }
        var value: Int64 = 0
        while index < bytes.count {
            let digit = unsafe bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, nextOverflow) =
                isNegative
                ? tenfold.subtractingReportingOverflow(Int64(digit)) : tenfold.addingReportingOverflow(Int64(digit))
            if overflow || nextOverflow { return nil }
            value = next
            index += 1
        }
        return value
    }

    /// Decimal notation with or without exponent, `nan`, `inf`, `infinity`; the nearest number. Beyond the largest: nil.
    static func float<Value: LosslessStringConvertible & BinaryFloatingPoint>(
        _ bytes: UnsafeRawBufferPointer, _: Value.Type
    ) -> Value? {
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        let isDecimal = text.utf8.allSatisfy {
            $0 &- UInt8(ascii: "0") < 10 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "+")
                || $0 | 0x20 == UInt8(ascii: "e")
        }
        if isDecimal { return Value(text).flatMap { $0.isFinite ? $0 : nil } }
        switch text.lowercased() {
        case "nan": return Value.nan
        case "inf", "+inf", "infinity", "+infinity": return Value.infinity
        case "-inf", "-infinity": return -Value.infinity
        default: return nil
        }
    }

    static func decimal(_ bytes: UnsafeRawBufferPointer, precision: Int, scale: Int) -> Int128? {
        guard let units = unsafe DecimalText(bytes)?.units(atScale: scale) else { return nil }
        return DecimalText.fits(units, precision: precision) ? units : nil
    }

    private static func booleans(_ source: Column, _ log: inout FailureLog) throws(ValueFailure) -> Column {
        var builder = BooleanBuilder()
        for row in 0..<source.rowCount {
            if source.isNull(row) {
                builder.appendNull()
            } else if let value = unsafe boolean(source.variableBytes(row)) {
                builder.append(value)
            } else {
                try log.fail(.doesNotParse, row: row)
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// `true`, `t`, `yes`, `y`, `on`, `1` and their opposites, in any case.
    private static func boolean(_ bytes: UnsafeRawBufferPointer) -> Bool? {
        guard bytes.count <= 5 else { return nil }
        switch unsafe String(decoding: bytes, as: UTF8.self).lowercased() {
        case "true", "t", "yes", "y", "on", "1": return true
        case "false", "f", "no", "n", "off", "0": return false
        default: return nil
        }
    }
}

extension DecimalText {
    static func fits(_ units: Int128, precision: Int) -> Bool {
        guard let limit = scaled(1, by: precision) else { return true }
        return units.magnitude < limit.magnitude
    }
}

extension Column {
    /// The same storage under another type of the same layout.
    func retyped(_ type: DataType) -> Column {
        Column(type: type, rowCount: rowCount, validity: validity, storage: storage)
    }

    /// Each text parsed into a fixed-width value; nil fails. Nulls stay.
    func parsed<Element: BitwiseCopyable>(
        as type: DataType, _ log: inout FailureLog, code: TransformError.Code = .doesNotParse,
        _ parse: (UnsafeRawBufferPointer) -> Element?
    ) throws(ValueFailure) -> Column {
        try converted(as: type, &log, code: code) { row in unsafe parse(variableBytes(row)) }
    }

    /// A fixed-width value for each row that is not null; nil fails. Nulls stay.
    func converted<Element: BitwiseCopyable>(
        as type: DataType, _ log: inout FailureLog, code: TransformError.Code = .doesNotFit, _ value: (Int) -> Element?
    ) throws(ValueFailure) -> Column {
        var builder = FixedBuilder<Element>(rows: rowCount)
        for row in 0..<rowCount {
            if isNull(row) {
                builder.appendNull()
            } else if let value = value(row) {
                builder.append(value)
            } else {
                try log.fail(code, row: row)
                builder.appendNull()
            }
        }
        return builder.finish(type: type)
    }

    /// Each text of the column rewritten; nil fails. Nulls stay.
    func rewritten(
        _ log: inout FailureLog, code: TransformError.Code, _ body: (UnsafeRawBufferPointer) -> String?
    ) throws(ValueFailure) -> Column {
        var builder = VariableBuilder(rows: rowCount, bytes: 16 * rowCount)
        for row in 0..<rowCount {
            if isNull(row) {
                builder.appendNull()
            } else if let text = unsafe body(variableBytes(row)) {
                builder.append(text)
            } else {
                try log.fail(code, row: row)
                builder.appendNull()
            }
        }
        return builder.finish(type: .text)
    }
}
