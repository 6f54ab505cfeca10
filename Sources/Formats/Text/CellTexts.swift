internal import CKernels
internal import Columnar
internal import Model

/// The cells of one column as text, ready to be joined to rows.
///
/// | type | CSV field | JSON value |
/// |---|---|---|
/// | boolean | `true`, `false` | the same |
/// | integers | `-12` | number |
/// | decimal | `12.50`, always with its scale | number with exactly these digits |
/// | float32, float64 | shortest text that reads back; `NaN`, `Infinity`, `-Infinity` | number; these three as strings |
/// | text | quoted where it must be | string |
/// | binary | lower-case hexadecimal | string of them |
/// | date | `2026-11-05` | string |
/// | timestamp | `2026-11-05T07:08:09`, with `.` and six digits where it is not whole, and `Z` for instants | string |
/// | list, structure | JSON text | list, object |
/// | null | nothing, unquoted; an empty text is `""` | `null` |
final class CellTexts {
    enum Style { case csv, json }

    private static let rowsPerPiece = 65_536

    private(set) var bytes = GrowingBytes()
    /// 64-bit numbers: where each row's text ends.
    private(set) var ends = GrowingBytes()
    /// What the second pass writes; the two change places.
    private var nextBytes = GrowingBytes()
    private var nextEnds = GrowingBytes()
    /// Offsets of a piece, as the kernels of numbers give them.
    private let offsets = GrowingBytes()
    private var inner: [CellTexts] = []

    /// Replaces what is there with the texts of `column`.
    func render(_ column: Column, as style: Style) {
        bytes.removeAll()
        ends.removeAll()
        switch (column.type, column.storage) {
        case (.list, .list(let offsets, let elements)):
            renderList(column, offsets, elements)
            if style == .csv { quote(column, as: style) }
        case (.structure(let fields), .structure(let members)):
            renderStructure(column, fields, members)
            if style == .csv { quote(column, as: style) }
        case (.text, .variable(let offsets, let bytes)):
            copy(offsets, bytes, rows: column.rowCount)
            quote(column, as: style)
        case (.binary, .variable(let offsets, let bytes)):
            renderHexadecimal(offsets, bytes, rows: column.rowCount)
            quote(column, as: style)
        case (.float32, _): unsafe renderFloats(column, column.values(Float.self), style)
        case (.float64, _): unsafe renderFloats(column, column.values(Double.self), style)
        case (_, .fixed(let buffer)):
            renderPlain(column, buffer)
            guard style == .json else { return }
            switch column.type {
            case .date, .timestamp: quote(column, as: style)
            default: if column.nullCount > 0 { spellNulls(column) }
            }
        default: preconditionFailure("a column's storage is its type's")
        }
    }

    /// Row after row of `columns`; the texts in front of each cell and behind each row are the format's.
    func join(
        _ columns: [CellTexts], prefixes: [[UInt8]], suffix: [UInt8], validity: UnsafePointer<UInt8>?, rows: Int
    ) {
        bytes.removeAll()
        ends.removeAll()
        let fixed = prefixes.reduce(suffix.count + 4) { $0 + $1.count }
        let room = columns.reduce(rows * fixed) { $0 + $1.bytes.count }
        // The zero behind them makes sure that there is an address.
        let written = unsafe (prefixes.flatMap { $0 } + [0]).withUnsafeBufferPointer { all in
            var members: [kernel_export_member] = unsafe []
            var position = 0
            for (column, prefix) in zip(columns, prefixes) {
                unsafe members.append(
                    kernel_export_member(
                        bytes: column.bytes.pointer(UInt8.self), ends: column.ends.pointer(Int64.self),
                        prefix: all.baseAddress! + position, prefix_size: prefix.count))
                position += prefix.count
            }
            let out = unsafe bytes.reserve(room).assumingMemoryBound(to: UInt8.self)
            let newEnds = unsafe ends.reserve(8 * rows).assumingMemoryBound(to: Int64.self)
            return unsafe kernel_export_records(
                members, members.count, suffix, suffix.count, validity, rows, out, newEnds)
        }
        bytes.count = written
        ends.count = 8 * rows
    }

    // MARK: First pass: texts, empty for nulls

    private func copy(_ offsets: Buffer, _ content: Buffer, rows: Int) {
        let bounds = unsafe offsets.elements(Int32.self)
        unsafe bytes.append(UnsafeRawBufferPointer(rebasing: content.bytes[..<Int(bounds[rows])]))
        let newEnds = unsafe ends.reserve(8 * rows).assumingMemoryBound(to: Int64.self)
        for row in 0..<rows { unsafe newEnds[row] = Int64(bounds[row + 1]) }
        ends.count = 8 * rows
    }

    private func renderHexadecimal(_ offsets: Buffer, _ content: Buffer, rows: Int) {
        let out = unsafe bytes.reserve(2 * content.byteCount).assumingMemoryBound(to: UInt8.self)
        let newEnds = unsafe ends.reserve(8 * rows).assumingMemoryBound(to: Int64.self)
        bytes.count = unsafe kernel_export_hex(
            content.base.assumingMemoryBound(to: UInt8.self), offsets.elements(Int32.self).baseAddress, rows, out,
            newEnds)
        ends.count = 8 * rows
    }

    /// By pieces whose texts stay below what 32-bit offsets can say. A piece begins at a whole byte of the validity bits.
    private func renderPlain(_ column: Column, _ buffer: Buffer) {
        var first = 0
        while first < column.rowCount {
            let rows = min(Self.rowsPerPiece, column.rowCount - first)
            let start = bytes.count
            let validity = unsafe column.validityBits.map { unsafe $0 + first / 8 }
            offsets.removeAll()
            let bounds = unsafe offsets.reserve(4 * (rows + 1)).assumingMemoryBound(to: Int32.self)
            let out = unsafe bytes.reserve(rows * Int(KERNEL_DECIMAL_TEXT)).assumingMemoryBound(to: UInt8.self)
            let values = unsafe UnsafeRawPointer(buffer.base) + first * (column.type.fixedWidth ?? 0)
            switch column.type {
            case .boolean:
                let bits = unsafe (UnsafeRawPointer(buffer.base) + first / 8).assumingMemoryBound(to: UInt8.self)
                bytes.count += unsafe kernel_text_boolean(bits, validity, rows, bounds, out)
            case .decimal(_, let scale):
                bytes.count += unsafe kernel_text_decimal(
                    values.assumingMemoryBound(to: UInt8.self), Int32(scale), validity, rows, bounds, out)
            case .date:
                bytes.count += unsafe kernel_text_date(
                    values.assumingMemoryBound(to: Int32.self), validity, rows, bounds, out)
            case .timestamp(let isUTC):
                bytes.count += unsafe kernel_text_timestamp(
                    values.assumingMemoryBound(to: Int64.self), validity, rows, isUTC ? 1 : 0, bounds, out)
            default:
                bytes.count += unsafe kernel_text_integer(
                    values, column.type.fixedWidth ?? 8, validity, rows, bounds, out)
            }
            let newEnds = unsafe ends.reserve(8 * rows).assumingMemoryBound(to: Int64.self)
            for row in 0..<rows { unsafe newEnds[row] = Int64(start) + Int64(bounds[row + 1]) }
            ends.count += 8 * rows
            first += rows
        }
    }

    /// Swift's own description is the shortest text that reads back as the same number.
    private func renderFloats<Value: BinaryFloatingPoint & LosslessStringConvertible>(
        _ column: Column, _ values: UnsafeBufferPointer<Value>, _ style: Style
    ) {
        let newEnds = unsafe ends.reserve(8 * column.rowCount).assumingMemoryBound(to: Int64.self)
        for row in 0..<column.rowCount {
            if !column.isNull(row) {
                var text = unsafe Self.text(values[row], style)
                text.withUTF8 { unsafe bytes.append(UnsafeRawBufferPointer($0)) }
            } else if style == .json {
                bytes.append(Self.null)
            }
            unsafe newEnds[row] = Int64(bytes.count)
        }
        ends.count = 8 * column.rowCount
    }

    private static let null = Array("null".utf8)

    private static func text<Value: BinaryFloatingPoint & LosslessStringConvertible>(
        _ value: Value, _ style: Style
    ) -> String {
        if value.isFinite { return value.description }
        let word = value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
        return style == .json ? "\"\(word)\"" : word
    }

    private func renderList(_ column: Column, _ offsets: Buffer, _ elements: Column) {
        let texts = innerTexts(0)
        texts.render(elements, as: .json)
        let rows = column.rowCount
        let out = unsafe bytes.reserve(texts.bytes.count + elements.rowCount + 4 * rows)
            .assumingMemoryBound(to: UInt8.self)
        let newEnds = unsafe ends.reserve(8 * rows).assumingMemoryBound(to: Int64.self)
        bytes.count = unsafe kernel_export_lists(
            texts.bytes.pointer(UInt8.self), texts.ends.pointer(Int64.self), offsets.elements(Int32.self).baseAddress,
            column.validityBits, rows, out, newEnds)
        ends.count = 8 * rows
    }

    private func renderStructure(_ column: Column, _ fields: [Field], _ members: [Column]) {
        for (index, member) in members.enumerated() { innerTexts(index).render(member, as: .json) }
        unsafe join(
            Array(inner[..<members.count]), prefixes: Self.prefixes(fields), suffix: Array("}".utf8),
            validity: column.validityBits, rows: column.rowCount)
    }

    /// What stands in front of each member of a JSON object: `{"a":`, `,"b":`.
    static func prefixes(_ fields: [Field]) -> [[UInt8]] {
        fields.enumerated().map { index, field in
            Array(((index == 0 ? "{" : ",") + JSON.text(field.name).text() + ":").utf8)
        }
    }

    private func innerTexts(_ index: Int) -> CellTexts {
        while inner.count <= index { inner.append(CellTexts()) }
        return inner[index]
    }

    // MARK: Second pass: quotes and nulls

    private func quote(_ column: Column, as style: Style) {
        unsafe pass(room: style == .csv ? 2 * (bytes.count + column.rowCount) : 6 * bytes.count + 4 * column.rowCount) {
            unsafe style == .csv
                ? kernel_export_csv($0, $1, column.validityBits, column.rowCount, $2, $3)
                : kernel_export_json_text($0, $1, column.validityBits, column.rowCount, $2, $3)
        }
    }

    private func spellNulls(_ column: Column) {
        unsafe pass(room: bytes.count + 4 * column.rowCount) {
            unsafe kernel_export_json_plain($0, $1, column.validityBits, column.rowCount, $2, $3)
        }
    }

    private func pass(
        room: Int,
        _ kernel: (UnsafePointer<UInt8>, UnsafePointer<Int64>, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<Int64>)
            -> Int
    ) {
        nextBytes.removeAll()
        nextEnds.removeAll()
        let out = unsafe nextBytes.reserve(room).assumingMemoryBound(to: UInt8.self)
        let newEnds = unsafe nextEnds.reserve(ends.count).assumingMemoryBound(to: Int64.self)
        nextBytes.count = unsafe kernel(bytes.pointer(UInt8.self), ends.pointer(Int64.self), out, newEnds)
        nextEnds.count = ends.count
        swap(&bytes, &nextBytes)
        swap(&ends, &nextEnds)
    }
}
