internal import CKernels
package import Model

extension PostgresColumnMapping {
    /// How a column that was published into PostgreSQL is read back; nil for types that it cannot hold exactly.
    package init?(published type: DataType) {
        guard type.postgresName != nil, let decoding = PostgresDecoding(published: type) else { return nil }
        self.init(type: type, note: nil, selection: .plain, decoding: decoding)
    }
}

extension PostgresDecoding {
    fileprivate init?(published type: DataType) {
        switch type {
        case .boolean: self = .boolean
        case .int16: self = .int16
        case .int32, .float32: self = .bits32
        case .int64, .float64: self = .bits64
        case .decimal(let precision, let scale): self = .decimal(precision: precision, scale: scale)
        case .text: self = .text
        case .binary: self = .binary
        case .date: self = .date
        case .timestamp: self = .timestamp
        case .list(let element):
            guard let decoding = PostgresDecoding(published: element) else { return nil }
            self = .list(decoding)
        case .structure: return nil
        }
    }
}

extension DataType {
    /// The kernel that encodes values of a scalar, or of a list's elements with their type's oid.
    var postgresEncoding: (kind: Int32, scale: Int32, oid: UInt32) {
        switch self {
        case .boolean: (Int32(KERNEL_PGCOPY_BOOLEAN), 0, 16)
        case .int16: (Int32(KERNEL_PGCOPY_INT16), 0, 21)
        case .int32: (Int32(KERNEL_PGCOPY_32), 0, 23)
        case .int64: (Int32(KERNEL_PGCOPY_64), 0, 20)
        case .float32: (Int32(KERNEL_PGCOPY_32), 0, 700)
        case .float64: (Int32(KERNEL_PGCOPY_64), 0, 701)
        case .decimal(_, let scale): (Int32(KERNEL_PGCOPY_DECIMAL), Int32(scale), 1700)
        case .text: (Int32(KERNEL_PGCOPY_TEXT), 0, 25)
        case .binary: (Int32(KERNEL_PGCOPY_BINARY), 0, 17)
        case .date: (Int32(KERNEL_PGCOPY_DATE), 0, 1082)
        case .timestamp(isUTC: false): (Int32(KERNEL_PGCOPY_TIMESTAMP), 0, 1114)
        case .timestamp(isUTC: true): (Int32(KERNEL_PGCOPY_TIMESTAMP), 0, 1184)
        case .list: (Int32(KERNEL_PGCOPY_LIST), 0, 0)
        case .structure: preconditionFailure("the plan refuses structures for PostgreSQL")
        }
    }
}
