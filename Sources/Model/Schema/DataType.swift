/// The type of a column as it is published. The memory layout of each is Arrow's; `Formats` maps each to Parquet.
///
/// Every type is nullable: whether a column may hold nulls is not part of its type.
package indirect enum DataType: Hashable, Sendable, Codable {
    case boolean
    case int16
    case int32
    case int64
    case float32
    case float64
    /// `0 <= scale <= precision <= 38`; 16 bytes little endian, two's complement, in units of 10^-scale.
    case decimal(precision: Int, scale: Int)
    /// Valid UTF-8.
    case text
    case binary
    /// Days since 1970-01-01, 32 bits.
    case date
    /// Microseconds since 1970-01-01T00:00:00, 64 bits. `isUTC`: an instant; otherwise a wall-clock reading.
    case timestamp(isUTC: Bool)
    case list(DataType)
    case structure([Field])
}

/// A named type: a member of a structure, or a column.
package struct Field: Hashable, Sendable, Codable {
    package let name: String
    package let type: DataType

    package init(name: String, type: DataType) {
        self.name = name
        self.type = type
    }
}

extension DataType: CustomStringConvertible {
    /// The name that `plan` prints and that `{cast: …}` accepts: `text`, `int64`, `decimal(12,2)`, `timestamptz`, `list<text>`.
    package var description: String {
        switch self {
        case .boolean: "boolean"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .float32: "float32"
        case .float64: "float64"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .text: "text"
        case .binary: "binary"
        case .date: "date"
        case .timestamp(isUTC: true): "timestamptz"
        case .timestamp(isUTC: false): "timestamp"
        case .list(let element): "list<\(element)>"
        case .structure(let fields):
            "struct<\(fields.map { "\($0.name): \($0.type)" }.joined(separator: ", "))>"
        }
    }

    /// The scalar type that a name in a document means (`integer` and `int32` are the same), or nil.
    package init?(name: String) {
        let word = name.lowercased().filter { $0 != " " }
        switch word {
        case "boolean", "bool": self = .boolean
        case "int16", "smallint": self = .int16
        case "int32", "integer", "int": self = .int32
        case "int64", "bigint": self = .int64
        case "float32", "real": self = .float32
        case "float64", "double", "float": self = .float64
        case "text", "string": self = .text
        case "binary", "bytes": self = .binary
        case "date": self = .date
        case "timestamp": self = .timestamp(isUTC: false)
        case "timestamptz": self = .timestamp(isUTC: true)
        default:
            guard let open = word.firstIndex(of: "("), word.hasSuffix(")"),
                word[..<open] == "decimal" || word[..<open] == "numeric"
            else { return nil }
            let numbers = word[word.index(after: open)...].dropLast().split(
                separator: ",", omittingEmptySubsequences: false
            ).map { Int($0) }
            guard numbers.count == 1 || numbers.count == 2, let precision = numbers[0], (1...38).contains(precision),
                let scale = numbers.count == 2 ? numbers[1] : 0, (0...precision).contains(scale)
            else { return nil }
            self = .decimal(precision: precision, scale: scale)
        }
    }

    /// The scalar names that `init(name:)` knows, for messages that offer the nearest one.
    package static let names = [
        "boolean", "int16", "int32", "int64", "float32", "float64", "decimal(P,S)", "text", "binary", "date",
        "timestamp", "timestamptz",
    ]
}
