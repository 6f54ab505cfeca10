internal import CKernels
package import Model

/// One column of a chunk, in Arrow's memory layout, frozen.
///
/// - `validity`: LSB-first bits, 1 = a value is there; nil when no row is null.
/// - Null rows: zero in fixed storage, empty in variable and list storage.
package struct Column: Sendable {
    package indirect enum Storage: Sendable {
        /// `rowCount` elements of the type's width (boolean: LSB-first bits).
        case fixed(Buffer)
        /// `rowCount + 1` 32-bit offsets into the bytes; the first is 0.
        case variable(offsets: Buffer, bytes: Buffer)
        /// `rowCount + 1` 32-bit offsets into the elements.
        case list(offsets: Buffer, elements: Column)
        /// One column a member, each of `rowCount` rows.
        case structure([Column])
    }

    package let type: DataType
    package let rowCount: Int
    package let nullCount: Int
    package let validity: Buffer?
    package let storage: Storage

    /// Counts the nulls of `validity` and forgets it when there are none.
    package init(type: DataType, rowCount: Int, validity: Buffer?, storage: Storage) {
        self.type = type
        self.rowCount = rowCount
        if let validity {
            let valid = unsafe Int(
                kernel_count_valid(validity.base.assumingMemoryBound(to: UInt8.self), rowCount))
            nullCount = rowCount - valid
            self.validity = valid == rowCount ? nil : validity
        } else {
            nullCount = 0
            self.validity = nil
        }
        self.storage = storage
    }

    /// A column of nulls alone.
    package init(nulls rowCount: Int, type: DataType) {
        let validity = Buffer(byteCount: (rowCount + 7) / 8)
        let offsets = { Buffer(byteCount: 4 * (rowCount + 1)) }
        let storage: Storage =
            switch type {
            case .text, .binary: .variable(offsets: offsets(), bytes: Buffer(byteCount: 0))
            case .list(let element): .list(offsets: offsets(), elements: Column(nulls: 0, type: element))
            case .structure(let fields): .structure(fields.map { Column(nulls: rowCount, type: $0.type) })
            case .boolean: .fixed(Buffer(byteCount: (rowCount + 7) / 8))
            default: .fixed(Buffer(byteCount: rowCount * type.fixedWidth!))
            }
        self.init(type: type, rowCount: rowCount, validity: validity, storage: storage)
    }

    package func isNull(_ row: Int) -> Bool {
        guard let validity else { return false }
        return unsafe validity.bytes[row >> 3] >> UInt8(row & 7) & 1 == 0
    }

    /// The elements of fixed storage. A precondition, not an error: the plan has decided the type.
    package func values<Element: BitwiseCopyable>(_: Element.Type) -> UnsafeBufferPointer<Element> {
        guard case .fixed(let buffer) = storage else { preconditionFailure("column has no fixed storage") }
        return unsafe buffer.elements(Element.self)
    }

    /// The bytes of one row of variable storage; empty for a null.
    package func variableBytes(_ row: Int) -> UnsafeRawBufferPointer {
        guard case .variable(let offsets, let bytes) = storage else {
            preconditionFailure("column has no variable storage")
        }
        let bounds = unsafe offsets.elements(Int32.self)
        return unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[Int(bounds[row])..<Int(bounds[row + 1])])
    }

    /// Bytes that the column holds, for budgets.
    package var byteCount: Int {
        let own =
            switch storage {
            case .fixed(let buffer): buffer.byteCount
            case .variable(let offsets, let bytes): offsets.byteCount + bytes.byteCount
            case .list(let offsets, let elements): offsets.byteCount + elements.byteCount
            case .structure(let members): members.reduce(0) { $0 + $1.byteCount }
            }
        return own + (validity?.byteCount ?? 0)
    }
}

extension DataType {
    /// Bytes a value in fixed storage; nil for booleans (one bit) and for types with variable or nested storage.
    package var fixedWidth: Int? {
        switch self {
        case .int16: 2
        case .int32, .float32, .date: 4
        case .int64, .float64, .timestamp: 8
        case .decimal: 16
        case .boolean, .text, .binary, .list, .structure: nil
        }
    }
}
