internal import CKernels
import Columnar
package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A column that decoding was asked for.
package struct DelimitedColumn: Sendable, Equatable {
    /// Its place in the header, from zero.
    package let fieldIndex: Int
    package let name: String
    package let type: DataType
    /// Values without counterpart in the type become NULL and are counted; otherwise they stop the run.
    package let nullsSpecials: Bool

    package init(fieldIndex: Int, name: String, type: DataType, nullsSpecials: Bool = false) {
        self.fieldIndex = fieldIndex
        self.name = name
        self.type = type
        self.nullsSpecials = nullsSpecials
    }
}

/// Memory from `malloc` that grows; new bytes are not written unless asked for.
@safe private struct GrowingMemory: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer?
    private(set) var capacity = 0

    mutating func reserve(_ byteCount: Int, zeroed: Bool = false) {
        guard byteCount > capacity else { return }
        let grown = max(byteCount, 2 * capacity)
        unsafe base = unsafe reallocate(base, grown)
        if zeroed { unsafe memset(base! + capacity, 0, grown - capacity) }
        capacity = grown
    }

    /// The first `byteCount` bytes; the rest goes back.
    mutating func take(_ byteCount: Int) -> Buffer {
        let taken = unsafe capacity > 2 * byteCount || base == nil ? reallocate(base, byteCount) : base!
        unsafe base = nil
        capacity = 0
        return unsafe Buffer(adopting: taken, byteCount: byteCount)
    }

    deinit { unsafe free(base) }
}

/// Builds one column of a chunk from split blocks.
final class FieldColumn {
    let column: DelimitedColumn
    private var values = GrowingMemory()
    private var validity = GrowingMemory()
    private var text = GrowingMemory()
    private var textSize = 0
    private(set) var rowCount = 0

    init(_ column: DelimitedColumn) {
        precondition(DelimitedScanner.canRead(column.type), "the plan reads scalar columns")
        self.column = column
    }

    /// Bytes held so far.
    var byteCount: Int {
        textSize + rowCount * (column.type.fixedWidth ?? (column.type == .text ? 4 : 1)) + rowCount / 8
    }

    /// Reads the batch's rows; returns how many failed. Their statuses are stored, others stay as they were.
    func append(_ batch: kernel_csv_column, statuses: UnsafeMutablePointer<UInt8>) -> Int {
        let first = rowCount
        let end = unsafe first + batch.rows
        validity.reserve((end + 7) / 8, zeroed: true)
        unsafe reserveValues(end, batch)
        rowCount = end
        let bits = unsafe validity.base!.assumingMemoryBound(to: UInt8.self)
        let out = unsafe values.base!
        return unsafe withUnsafePointer(to: batch) { batch in
            switch column.type {
            case .boolean:
                return unsafe kernel_csv_read_boolean(
                    batch, out.assumingMemoryBound(to: UInt8.self), bits, first, statuses)
            case .int16:
                return unsafe kernel_csv_read_int16(
                    batch, out.assumingMemoryBound(to: Int16.self), bits, first, statuses)
            case .int32:
                return unsafe kernel_csv_read_int32(
                    batch, out.assumingMemoryBound(to: Int32.self), bits, first, statuses)
            case .int64:
                return unsafe kernel_csv_read_int64(
                    batch, out.assumingMemoryBound(to: Int64.self), bits, first, statuses)
            case .float32:
                return unsafe kernel_csv_read_float32(
                    batch, out.assumingMemoryBound(to: Float.self), bits, first, statuses)
            case .float64:
                return unsafe kernel_csv_read_float64(
                    batch, out.assumingMemoryBound(to: Double.self), bits, first, statuses)
            case .decimal(let precision, let scale):
                return unsafe kernel_csv_read_decimal(
                    batch, out.assumingMemoryBound(to: UInt8.self), bits, first, statuses, CInt(precision), CInt(scale))
            case .date:
                return unsafe kernel_csv_read_date(
                    batch, out.assumingMemoryBound(to: Int32.self), bits, first, statuses)
            case .timestamp(let isUTC):
                return unsafe kernel_csv_read_timestamp(
                    batch, out.assumingMemoryBound(to: Int64.self), bits, first, statuses, isUTC ? 1 : 0)
            case .text:
                let offsets = unsafe out.assumingMemoryBound(to: Int32.self)
                unsafe kernel_csv_read_text(batch, offsets, text.base!.assumingMemoryBound(to: UInt8.self), bits, first)
                textSize = unsafe Int(offsets[end])
                return 0
            case .binary, .list, .structure:
                preconditionFailure("the plan reads scalar columns")
            }
        }
    }

    private func reserveValues(_ rows: Int, _ batch: kernel_csv_column) {
        switch column.type {
        case .text:
            values.reserve(4 * (rows + 1))
            if rowCount == 0 { unsafe values.base!.storeBytes(of: 0, as: Int32.self) }
            let more = unsafe withUnsafePointer(to: batch) { unsafe kernel_csv_text_size($0) }
            text.reserve(textSize + more + Int(KERNEL_CSV_PADDING))
            precondition(textSize + more <= Int(Int32.max), "a chunk's column holds less than 2 GiB")
        case .boolean: values.reserve((rows + 7) / 8, zeroed: true)
        default: values.reserve(rows * column.type.fixedWidth!)
        }
    }

    /// The rows so far; the next ones begin a new column.
    func finish() -> Column {
        let rows = rowCount
        rowCount = 0
        let bits = validity.take((rows + 7) / 8)
        let storage: Column.Storage
        switch column.type {
        case .text:
            storage = .variable(offsets: values.take(4 * (rows + 1)), bytes: text.take(textSize))
            textSize = 0
        case .boolean: storage = .fixed(values.take((rows + 7) / 8))
        default: storage = .fixed(values.take(rows * column.type.fixedWidth!))
        }
        return Column(type: column.type, rowCount: rows, validity: bits, storage: storage)
    }
}
