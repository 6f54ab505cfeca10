/// A column's type in the system that it is read from, before any mapping.
package indirect enum NativeType: Hashable, Sendable, Codable {
    /// A PostgreSQL type. `name` is what `format_type` prints (`character varying(9)`), for messages.
    case postgres(PostgresType)
    /// A column of a delimited file: declared or inferred as `type`, written as text.
    case delimited(type: DataType)
}

/// What `pg_type` says of a column's type, as far as a mapping needs it.
package indirect enum PostgresType: Hashable, Sendable, Codable {
    /// `oid` is `pg_type.oid`; `base` is `pg_type.typname` (`int4`, `varchar`); `typmod` -1 when there is none.
    /// `extensionName` is set for types of an extension (`citext`, `hstore`), whose oid differs from server to server.
    case scalar(oid: UInt32, base: String, typmod: Int32, extensionName: String?, name: String)
    case enumeration(oid: UInt32, labels: [String], name: String)
    case array(oid: UInt32, element: PostgresType, name: String)
    case composite(oid: UInt32, fields: [PostgresField], name: String)
    case range(oid: UInt32, isMulti: Bool, name: String)
    /// A domain over `base`; it is read as its base.
    case domain(oid: UInt32, base: PostgresType, name: String)

    /// What `format_type` prints.
    package var name: String {
        switch self {
        case .scalar(_, _, _, _, let name), .enumeration(_, _, let name), .array(_, _, let name),
            .composite(_, _, let name), .range(_, _, let name), .domain(_, _, let name):
            name
        }
    }
}

package struct PostgresField: Hashable, Sendable, Codable {
    package let name: String
    package let type: PostgresType

    package init(name: String, type: PostgresType) {
        self.name = name
        self.type = type
    }
}

/// A column as its source describes it.
package struct SourceColumn: Hashable, Sendable, Codable {
    package let name: String
    package let native: NativeType
    /// The source declares that it holds no nulls.
    package let isNotNull: Bool
    /// The source declares that its values are unique, alone.
    package let isUnique: Bool

    package init(name: String, native: NativeType, isNotNull: Bool = false, isUnique: Bool = false) {
        self.name = name
        self.native = native
        self.isNotNull = isNotNull
        self.isUnique = isUnique
    }
}

extension NativeType: CustomStringConvertible {
    package var description: String {
        switch self {
        case .postgres(let type): type.name
        case .delimited(let type): type.description
        }
    }
}

/// How a column is asked for when its own type has no exact counterpart, or its user wants another.
/// Taken from the leading steps of the column's rule: `{cast: …}` and `{on_special: null}`.
package struct ReadAs: Hashable, Sendable, Codable {
    /// Read as this type at the source (`text`: the source's own text), nil: the type's own mapping.
    package let type: DataType?
    /// Values that the published type cannot hold (infinite dates, NaN in a decimal, `24:00:00`) become NULL and are
    /// counted; otherwise they stop the run.
    package let nullsSpecials: Bool

    package init(type: DataType? = nil, nullsSpecials: Bool = false) {
        self.type = type
        self.nullsSpecials = nullsSpecials
    }
}
