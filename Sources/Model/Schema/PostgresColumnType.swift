extension DataType {
    /// The type of PostgreSQL whose values are those of this one, no more and no fewer where it matters; its binary form
    /// is turned into the same bytes again. nil for structures and for lists of lists: an array of PostgreSQL knows
    /// neither the inner lists' lengths nor which of them are NULL.
    package var postgresName: String? {
        switch self {
        case .boolean: "pg_catalog.bool"
        case .int16: "pg_catalog.int2"
        case .int32: "pg_catalog.int4"
        case .int64: "pg_catalog.int8"
        case .float32: "pg_catalog.float4"
        case .float64: "pg_catalog.float8"
        case .decimal(let precision, let scale): "pg_catalog.numeric(\(precision),\(scale))"
        case .text: "pg_catalog.text"
        case .binary: "pg_catalog.bytea"
        case .date: "pg_catalog.date"
        case .timestamp(isUTC: false): "pg_catalog.timestamp"
        case .timestamp(isUTC: true): "pg_catalog.timestamptz"
        case .list(let element): element.isScalar ? element.postgresName.map { "\($0)[]" } : nil
        case .structure: nil
        }
    }

    package var isScalar: Bool {
        switch self {
        case .list, .structure: false
        default: true
        }
    }
}

/// What a table of PostgreSQL can have.
package enum PostgresBounds {
    package static let bytesPerName = 63
    package static let columnsPerTable = 1600
    /// Names that every table has for itself.
    package static let systemColumns = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]
}
