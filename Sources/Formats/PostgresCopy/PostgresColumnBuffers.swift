internal import CKernels
internal import Columnar
internal import Model

/// The kernel's columns of a decoder and the memory they hold, until a chunk takes it over.
@safe final class PostgresColumnBuffers {
    /// One a column, contiguous; children hang below.
    let roots: UnsafeMutablePointer<kernel_pgcopy_column>
    private let types: [DataType]
    /// Rows of the last chunk: the next one is likely as long.
    private var usualRows = 0

    init(_ inputs: [PostgresCopyDecoder.Input], takesMessages: Bool) {
        types = inputs.map(\.mapping.type)
        unsafe roots = UnsafeMutablePointer.allocate(capacity: max(1, inputs.count))
        for (index, input) in inputs.enumerated() {
            unsafe (roots + index).initialize(
                to: Self.column(input.mapping.decoding, nullsSpecials: input.nullsSpecials, takesMessages))
        }
    }

    deinit {
        for index in 0..<types.count { unsafe Self.free(&roots[index]) }
        unsafe roots.deallocate()
    }

    var specials: [Int64] { (0..<types.count).map { unsafe Self.specials(roots[$0]) } }

    /// The rows so far as columns; none are left.
    func take() -> [Column] {
        let rows = types.isEmpty ? 0 : unsafe roots[0].rows
        // Many short rows: give the next chunk its room at once. Few long ones need none.
        usualRows = rows
        return types.indices.map { index in
            let column = unsafe Self.take(&roots[index], type: types[index])
            unsafe Self.prepare(&roots[index])
            if unsafe kernel_pgcopy_reserve(&roots[index], usualRows) != 0 { preconditionFailure("out of memory") }
            return column
        }
    }

    // MARK: One column

    private static func column(
        _ decoding: PostgresDecoding, nullsSpecials: Bool, _ takesMessages: Bool
    ) -> kernel_pgcopy_column {
        var column = unsafe kernel_pgcopy_column()
        unsafe column.takes_bytes = takesMessages ? 1 : 0
        unsafe column.nulls_specials = nullsSpecials ? 1 : 0
        var children: [PostgresDecoding] = []
        let kind =
            switch decoding {
            case .boolean: KERNEL_PGCOPY_BOOLEAN
            case .int16: KERNEL_PGCOPY_INT16
            case .bits32: KERNEL_PGCOPY_32
            case .bits64: KERNEL_PGCOPY_64
            case .unsigned: KERNEL_PGCOPY_UNSIGNED
            case .text: KERNEL_PGCOPY_TEXT
            case .jsonb: KERNEL_PGCOPY_JSONB
            case .binary: KERNEL_PGCOPY_BINARY
            case .uuid: KERNEL_PGCOPY_UUID
            case .date: KERNEL_PGCOPY_DATE
            case .timestamp: KERNEL_PGCOPY_TIMESTAMP
            case .time: KERNEL_PGCOPY_TIME
            case .inetText: KERNEL_PGCOPY_INET_TEXT
            case .decimal: KERNEL_PGCOPY_DECIMAL
            case .list: KERNEL_PGCOPY_LIST
            case .structure: KERNEL_PGCOPY_STRUCT
            }
        switch decoding {
        case .decimal(let precision, let scale):
            unsafe column.precision = Int32(precision)
            unsafe column.scale = Int32(scale)
        case .list(let element): children = [element]
        case .structure(let members): children = members
        default: break
        }
        unsafe column.kind = Int32(kind)
        if !children.isEmpty {
            let memory = UnsafeMutablePointer<kernel_pgcopy_column>.allocate(capacity: children.count)
            for (index, child) in children.enumerated() {
                unsafe (memory + index).initialize(to: Self.column(child, nullsSpecials: nullsSpecials, takesMessages))
            }
            unsafe column.children = memory
            unsafe column.child_count = children.count
        }
        unsafe prepare(&column)
        return unsafe column
    }

    /// Gives a column without rows its first memory: the offsets of no rows must be there for an empty chunk.
    private static func prepare(_ column: inout kernel_pgcopy_column) {
        if unsafe kernel_pgcopy_reserve(&column, 64) != 0 { preconditionFailure("out of memory") }
        for index in unsafe 0..<column.child_count { unsafe prepare(&column.children[index]) }
    }

    private static func free(_ column: inout kernel_pgcopy_column) {
        unsafe kernel_pgcopy_reset(&column)
        for index in unsafe 0..<column.child_count { unsafe free(&column.children[index]) }
        if unsafe column.child_count > 0 { unsafe column.children.deallocate() }
    }

    private static func specials(_ column: kernel_pgcopy_column) -> Int64 {
        unsafe (0..<column.child_count).reduce(column.specials) { unsafe $0 + specials(column.children[$1]) }
    }

    /// Moves a column's memory into a `Column`. Buffers are cut to what is used: they may rest in a queue for a while.
    private static func take(_ column: inout kernel_pgcopy_column, type: DataType) -> Column {
        let rows = unsafe column.rows
        let validity = unsafe column.validity.map { unsafe adopt($0, (rows + 7) / 8) }
        unsafe column.validity = nil
        let storage: Column.Storage
        switch type {
        case .list(let element):
            storage = unsafe .list(
                offsets: adopt(column.offsets, 4 * (rows + 1)), elements: take(&column.children[0], type: element))
        case .structure(let fields):
            storage = .structure(
                fields.indices.map { unsafe take(&column.children[$0], type: fields[$0].type) })
        case .text, .binary:
            storage = unsafe .variable(
                offsets: adopt(column.offsets, 4 * (rows + 1)), bytes: adopt(column.bytes, column.byte_count))
        case .boolean:
            storage = unsafe .fixed(adopt(column.values, (rows + 7) / 8))
        default:
            storage = unsafe .fixed(adopt(column.values, rows * kernel_pgcopy_width(column.kind)))
        }
        unsafe column.values = nil
        unsafe column.offsets = nil
        unsafe column.bytes = nil
        unsafe kernel_pgcopy_reset(&column)
        return Column(type: type, rowCount: rows, validity: validity, storage: storage)
    }

    private static func adopt(_ memory: UnsafeMutableRawPointer?, _ byteCount: Int) -> Buffer {
        // The kernel's memory is realloc's; a smaller size leaves it where it is.
        unsafe Buffer(adopting: reallocate(memory, byteCount), byteCount: byteCount)
    }
}
