import Model

/// The schema of a table in Iceberg's JSON form.
///
/// Field ids are those that the Parquet writer puts into the parts: named nodes (columns, elements, members) counted
/// from 1, depth first. Readers match by id, so names may hold any character. Iceberg has no 16-bit integer: `int`.
struct IcebergSchema {
    let document: JSON
    private(set) var lastID = 0

    init(_ columns: [ColumnPlan]) {
        var lastID = 0
        let fields = Self.fields(columns.map { Field(name: $0.name, type: $0.type) }, &lastID)
        document = .record(["type": "struct", "schema-id": 0, "fields": fields])
        self.lastID = lastID
    }

    private static func fields(_ fields: [Field], _ lastID: inout Int) -> JSON {
        .list(
            fields.map { field in
                lastID += 1
                let id = lastID
                return .record([
                    "id": .integer(Int64(id)), "name": .text(field.name), "required": false,
                    "type": type(field.type, &lastID),
                ])
            })
    }

    private static func type(_ type: DataType, _ lastID: inout Int) -> JSON {
        switch type {
        case .boolean: return "boolean"
        case .int16, .int32: return "int"
        case .int64: return "long"
        case .float32: return "float"
        case .float64: return "double"
        case .decimal(let precision, let scale): return .text("decimal(\(precision), \(scale))")
        case .text: return "string"
        case .binary: return "binary"
        case .date: return "date"
        case .timestamp(isUTC: true): return "timestamptz"
        case .timestamp(isUTC: false): return "timestamp"
        case .list(let element):
            lastID += 1
            let id = lastID
            return .record([
                "type": "list", "element-id": .integer(Int64(id)), "element-required": false,
                "element": self.type(element, &lastID),
            ])
        case .structure(let fields):
            return .record(["type": "struct", "fields": self.fields(fields, &lastID)])
        }
    }
}
