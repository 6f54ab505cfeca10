import Model

/// `data/<table>/metadata/`: the table's parts as an Iceberg table, format version 2, with one snapshot.
///
///     v1.metadata.json    schema and snapshot
///     version-hint.text   "1", for readers that are given the folder
///     snapshot.avro       the manifest list
///     manifest.avro       the parts; absent for a table without parts
///
/// Iceberg names files by absolute location, so these hold where the store stands: a store that is moved or copied
/// elsewhere keeps its parts and loses this view of them.
///
/// - Source: Iceberg table specification, version 2.
struct IcebergTable {
    private let table: TablePlan
    private let description: ModuleDescription
    private let identifiers: DerivedIdentifiers
    private let parts: [IcebergManifest.Part]

    init(_ table: TablePlan, _ description: ModuleDescription) {
        self.table = table
        self.description = description
        identifiers = DerivedIdentifiers(format: "iceberg", run: description.run, table: table.name)
        let run = Self.location(of: description)
        parts = description.receipts(of: table).map { receipt in
            .init(
                path: "\(run)/\(ModuleLayout.part(table: table.name, shard: receipt.shard))",
                rowCount: receipt.rows.published, byteCount: receipt.byteCount)
        }
    }

    var files: [MetadataFile] {
        let schema = IcebergSchema(table.columns)
        let folder = ModuleLayout.icebergFolder(table: table.name)
        let manifest = MetadataFile(
            path: "\(folder)/manifest.avro",
            bytes: IcebergManifest.manifest(
                parts, schema: schema.document, snapshot: identifiers.number, marker: identifiers.marker))
        let list = MetadataFile(
            path: "\(folder)/snapshot.avro",
            bytes: IcebergManifest.list(
                parts.isEmpty ? nil : (location(manifest), manifest.bytes.count), parts: parts,
                snapshot: identifiers.number, marker: identifiers.marker))
        let metadata = MetadataFile(
            path: "\(folder)/v1.metadata.json",
            bytes: Array(document(schema, list: location(list)).text(isPretty: true).utf8))
        // No newline: some readers take the whole file for the number.
        let hint = MetadataFile(path: "\(folder)/version-hint.text", bytes: Array("1".utf8))
        return [metadata, hint, list] + (parts.isEmpty ? [] : [manifest])
    }

    /// The run's folder as a URI. Readers of Iceberg decode no escapes, so names stand as they are on disk.
    private static func location(of description: ModuleDescription) -> String {
        var store = description.storeLocation
        while store.hasSuffix("/") { store.removeLast() }
        let publication = description.publication
        let path = "\(store)/\(publication.module)/\(ModuleLayout.run(publication.attempt))"
        return path.contains("://") ? path : "file://\(path)"
    }

    private func location(_ file: MetadataFile) -> String { "\(Self.location(of: description))/\(file.path)" }

    private func document(_ schema: IcebergSchema, list: String) -> JSON {
        let time = JSON.integer(Timestamp.milliseconds(description.publication.committedAt) ?? 0)
        let snapshot = JSON.integer(identifiers.number)
        return .record([
            "format-version": 2,
            "table-uuid": .text(identifiers.uuid),
            "location": .text("\(Self.location(of: description))/\(ModuleLayout.folder(table: table.name))"),
            "last-sequence-number": 1,
            "last-updated-ms": time,
            "last-column-id": .integer(Int64(schema.lastID)),
            "current-schema-id": 0,
            "schemas": [schema.document],
            "default-spec-id": 0,
            "partition-specs": [.record(["spec-id": 0, "fields": []])],
            "last-partition-id": 999,
            "default-sort-order-id": 0,
            "sort-orders": [.record(["order-id": 0, "fields": []])],
            // Whoever copies the table on is asked to leave out minima and maxima too.
            "properties": .record(["write.metadata.metrics.default": "none"]),
            "current-snapshot-id": snapshot,
            "refs": .record(["main": .record(["snapshot-id": snapshot, "type": "branch"])]),
            "snapshots": [
                .record([
                    "snapshot-id": snapshot,
                    "sequence-number": 1,
                    "timestamp-ms": time,
                    "manifest-list": .text(list),
                    "summary": summary,
                    "schema-id": 0,
                ])
            ],
            "snapshot-log": [.record(["timestamp-ms": time, "snapshot-id": snapshot])],
            "metadata-log": [],
        ])
    }

    private var summary: JSON {
        let count = JSON.text("\(parts.count)")
        let rows = JSON.text("\(parts.reduce(0) { $0 + $1.rowCount })")
        let bytes = JSON.text("\(parts.reduce(0) { $0 + $1.byteCount })")
        return .record([
            "operation": "append",
            "added-data-files": count, "added-records": rows, "added-files-size": bytes,
            "total-data-files": count, "total-records": rows, "total-files-size": bytes,
            "total-delete-files": "0", "total-position-deletes": "0", "total-equality-deletes": "0",
            "engine-name": .text(ProductVersion.name), "engine-version": .text(ProductVersion.text),
        ])
    }
}
