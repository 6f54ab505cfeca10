import Model

/// `data/<table>/_delta_log/00000000000000000000.json`: the table's parts as a Delta table of one commit.
///
/// One JSON object a line: `commitInfo`, `protocol`, `metaData`, then one `add` a part in the order of the shards.
/// Paths are relative, so the folder may be moved or copied. Of the values `numRecords` alone is stated: no minimum, no
/// maximum.
///
/// - Protocol: reader 1 and writer 2; a table with a timestamp without time zone asks for reader 3 and writer 7 with
///   the feature `timestampNtz`, because as `timestamp` its readings would become instants. Every `DataType` has a
///   type in Delta.
/// - Source: PROTOCOL.md of delta-io/delta.
struct DeltaLog {
    private let table: TablePlan
    private let description: ModuleDescription

    /// nil for a table whose folder holds a percent sign: readers of Delta take it for an escape and look elsewhere.
    init?(_ table: TablePlan, _ description: ModuleDescription) {
        guard !ModuleLayout.folder(table: table.name).utf8.contains(UInt8(ascii: "%")) else { return nil }
        self.table = table
        self.description = description
    }

    var file: MetadataFile {
        let lines = ([commitInfo, tableProtocol, metaData] + parts).map { $0.text() + "\n" }
        return MetadataFile(path: ModuleLayout.deltaLog(table: table.name), bytes: Array(lines.joined().utf8))
    }

    private var time: JSON { .integer(Timestamp.milliseconds(description.publication.committedAt) ?? 0) }

    /// What readers show as the table's history.
    private var commitInfo: JSON {
        .record([
            "commitInfo": .record([
                "timestamp": time,
                "operation": "WRITE",
                "operationParameters": .record(["mode": "ErrorIfExists"]),
                "isBlindAppend": true,
                "engineInfo": .text("\(ProductVersion.name)/\(ProductVersion.text)"),
            ])
        ])
    }

    private var tableProtocol: JSON {
        let hasLocalTime = table.columns.contains { Self.hasLocalTime($0.type) }
        return .record([
            "protocol": .record([
                "minReaderVersion": hasLocalTime ? 3 : 1,
                "minWriterVersion": hasLocalTime ? 7 : 2,
                "readerFeatures": hasLocalTime ? ["timestampNtz"] : nil,
                "writerFeatures": hasLocalTime ? ["appendOnly", "timestampNtz"] : nil,
            ])
        ])
    }

    private var metaData: JSON {
        let publication = description.publication
        let identifiers = DerivedIdentifiers(format: "delta", run: description.run, table: table.name)
        let schema = Self.structure(table.columns.map { Field(name: $0.name, type: $0.type) })
        return .record([
            "metaData": .record([
                "id": .text(identifiers.uuid),
                "name": .text(table.name),
                "description": .text("Table of version \(publication.version) of the module \(publication.module)"),
                "format": .record(["provider": "parquet", "options": .object([])]),
                "schemaString": .text(schema.text()),
                "partitionColumns": [],
                "configuration": .record(["delta.appendOnly": "true"]),
                "createdTime": time,
            ])
        ])
    }

    private var parts: [JSON] {
        description.receipts(of: table).map { receipt in
            let path = ModuleLayout.part(table: table.name, shard: receipt.shard)
            return .record([
                "add": .record([
                    // Digits and letters alone: nothing to escape.
                    "path": .text(String(path.dropFirst(ModuleLayout.folder(table: table.name).count + 1))),
                    "partitionValues": .object([]),
                    "size": .integer(receipt.byteCount),
                    "modificationTime": time,
                    "dataChange": true,
                    "stats": .text(JSON.record(["numRecords": .integer(receipt.rows.published)]).text()),
                ])
            ])
        }
    }

    private static func hasLocalTime(_ type: DataType) -> Bool {
        switch type {
        case .timestamp(let isUTC): !isUTC
        case .list(let element): hasLocalTime(element)
        case .structure(let fields): fields.contains { hasLocalTime($0.type) }
        default: false
        }
    }

    private static func structure(_ fields: [Field]) -> JSON {
        .record([
            "type": "struct",
            "fields": .list(
                fields.map { field in
                    .record([
                        "name": .text(field.name), "type": type(field.type), "nullable": true,
                        "metadata": .object([]),
                    ])
                }),
        ])
    }

    private static func type(_ type: DataType) -> JSON {
        switch type {
        case .boolean: "boolean"
        case .int16: "short"
        case .int32: "integer"
        case .int64: "long"
        case .float32: "float"
        case .float64: "double"
        case .decimal(let precision, let scale): .text("decimal(\(precision),\(scale))")
        case .text: "string"
        case .binary: "binary"
        case .date: "date"
        case .timestamp(isUTC: true): "timestamp"
        case .timestamp(isUTC: false): "timestamp_ntz"
        case .list(let element):
            .record(["type": "array", "elementType": self.type(element), "containsNull": true])
        case .structure(let fields): structure(fields)
        }
    }
}
