import Model

/// The two lists of an Iceberg snapshot, in Avro: the manifest names the parts, the manifest list names the manifest.
///
/// Only what readers need is stated; of the parts' values that is their number. Numbers after `field-id` are those of
/// the specification.
///
/// - Source: Iceberg table specification, version 2, sections Manifests and Manifest Lists.
enum IcebergManifest {
    struct Part {
        /// Absolute.
        let path: String
        let rowCount: Int64
        let byteCount: Int64
    }

    /// All parts as added by the one snapshot.
    static func manifest(_ parts: [Part], schema: JSON, snapshot: Int64, marker: [UInt8]) -> [UInt8] {
        AvroFile.bytes(
            schema: entrySchema,
            entries: [
                ("schema", schema.text()), ("schema-id", "0"), ("partition-spec", "[]"), ("partition-spec-id", "0"),
                ("format-version", "2"), ("content", "data"),
            ],
            marker: marker,
            records: parts.map { part in
                var record = AvroRecord()
                record.add(1)  // added
                record.add(optional: snapshot)
                record.add(optional: 1)  // sequence numbers
                record.add(optional: 1)
                record.add(0)  // data, not deletes
                record.add(part.path)
                record.add("PARQUET")
                // The record of the partition is empty.
                record.add(part.rowCount)
                record.add(part.byteCount)
                return record
            })
    }

    /// One manifest, or none for a table without parts.
    static func list(_ manifest: (path: String, byteCount: Int)?, parts: [Part], snapshot: Int64, marker: [UInt8])
        -> [UInt8]
    {
        AvroFile.bytes(
            schema: manifestSchema,
            entries: [
                ("snapshot-id", "\(snapshot)"), ("parent-snapshot-id", "null"), ("sequence-number", "1"),
                ("format-version", "2"),
            ],
            marker: marker,
            records: manifest.map { manifest in
                var record = AvroRecord()
                record.add(manifest.path)
                record.add(Int64(manifest.byteCount))
                record.add(0)  // partition spec
                record.add(0)  // data, not deletes
                record.add(1)  // sequence number, and the smallest below it
                record.add(1)
                record.add(snapshot)
                record.add(Int64(parts.count))
                record.add(0)
                record.add(0)
                record.add(parts.reduce(0) { $0 + $1.rowCount })
                record.add(0)
                record.add(0)
                return [record]
            } ?? [])
    }

    private static let entrySchema = record(
        "manifest_entry",
        [
            field("status", 0, "int"),
            field("snapshot_id", 1, optional),
            field("sequence_number", 3, optional),
            field("file_sequence_number", 4, optional),
            field(
                "data_file", 2,
                record(
                    "r2",
                    [
                        field("content", 134, "int"),
                        field("file_path", 100, "string"),
                        field("file_format", 101, "string"),
                        field("partition", 102, record("r102", [])),
                        field("record_count", 103, "long"),
                        field("file_size_in_bytes", 104, "long"),
                    ])),
        ])

    private static let manifestSchema = record(
        "manifest_file",
        [
            field("manifest_path", 500, "string"),
            field("manifest_length", 501, "long"),
            field("partition_spec_id", 502, "int"),
            field("content", 517, "int"),
            field("sequence_number", 515, "long"),
            field("min_sequence_number", 516, "long"),
            field("added_snapshot_id", 503, "long"),
            field("added_files_count", 504, "int"),
            field("existing_files_count", 505, "int"),
            field("deleted_files_count", 506, "int"),
            field("added_rows_count", 512, "long"),
            field("existing_rows_count", 513, "long"),
            field("deleted_rows_count", 514, "long"),
        ])

    private static let optional: JSON = ["null", "long"]

    private static func record(_ name: String, _ fields: [JSON]) -> JSON {
        .record(["type": "record", "name": .text(name), "fields": .list(fields)])
    }

    private static func field(_ name: String, _ id: Int64, _ type: JSON) -> JSON {
        .record([
            "name": .text(name), "type": type, "default": type == optional ? .null : nil, "field-id": .integer(id),
        ])
    }
}
