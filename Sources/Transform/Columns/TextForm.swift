internal import CKernels
internal import Columnar
internal import Model

/// The one text that stands for a value of each type: what `{cast: text}` publishes and what a token is computed of.
///
/// - integers: decimal digits, `-` in front of negative ones
/// - decimals: always `scale` digits after the point: `12.50`
/// - booleans: `true`, `false`
/// - dates: `2026-11-05`
/// - timestamps: `2026-11-05T07:08:09`, microseconds as six digits only where they are not zero; `Z` after instants
/// - floats: the fewest digits that read back as the same number: `0.1`, `1e-07`, `nan`, `inf`
/// - text and binary: their bytes
enum TextForm {
    /// Types that have a text form.
    static func exists(for type: DataType) -> Bool {
        switch type.kind {
        case .list, .structure: false
        default: true
        }
    }

    /// The column as text. Text and binary come back as they are, so binary stays binary.
    /// - Shape, nulls: as the input.
    static func of(_ column: Column) -> Column {
        let rows = column.rowCount
        switch column.type {
        case .text, .binary: return column
        case .int16, .int32, .int64:
            return unsafe column.makingText(capacity: rows * Int(KERNEL_INTEGER_TEXT)) { offsets, bytes in
                unsafe kernel_text_integer(
                    column.fixedBytes, column.type.fixedWidth!, column.validityBits, rows, offsets, bytes)
            }
        case .decimal(_, let scale):
            return unsafe column.makingText(capacity: rows * Int(KERNEL_DECIMAL_TEXT)) { offsets, bytes in
                unsafe kernel_text_decimal(
                    column.fixedBytes, Int32(scale), column.validityBits, rows, offsets, bytes)
            }
        case .boolean:
            return unsafe column.makingText(capacity: rows * 5) { offsets, bytes in
                unsafe kernel_text_boolean(column.fixedBytes, column.validityBits, rows, offsets, bytes)
            }
        case .date:
            return unsafe column.makingText(capacity: rows * Int(KERNEL_DATE_TEXT)) { offsets, bytes in
                unsafe kernel_text_date(
                    column.values(Int32.self).baseAddress, column.validityBits, rows, offsets, bytes)
            }
        case .timestamp(let isUTC):
            return unsafe column.makingText(capacity: rows * Int(KERNEL_TIMESTAMP_TEXT)) { offsets, bytes in
                unsafe kernel_text_timestamp(
                    column.values(Int64.self).baseAddress, column.validityBits, rows, isUTC ? 1 : 0, offsets, bytes)
            }
        case .float32: return floats(column) { unsafe column.values(Float.self)[$0].description }
        case .float64: return floats(column) { unsafe column.values(Double.self)[$0].description }
        case .list, .structure: preconditionFailure("the plan gives no list or structure to a text form")
        }
    }

    private static func floats(_ column: Column, _ text: (Int) -> String) -> Column {
        var builder = VariableBuilder(rows: column.rowCount, bytes: 12 * column.rowCount)
        for row in 0..<column.rowCount {
            if column.isNull(row) { builder.appendNull() } else { builder.append(text(row)) }
        }
        return builder.finish(type: .text)
    }
}

extension Column {
    /// The bytes of fixed storage, as kernels take them.
    var fixedBytes: UnsafePointer<UInt8> {
        guard case .fixed(let buffer) = storage else { preconditionFailure("column has no fixed storage") }
        return unsafe UnsafePointer(buffer.base.assumingMemoryBound(to: UInt8.self))
    }
}
