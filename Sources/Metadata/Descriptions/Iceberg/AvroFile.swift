import Model

/// An Avro object container file, uncompressed: what Iceberg keeps its lists of files in.
///
///     "Obj" 01
///     a map of text to bytes: avro.schema, avro.codec, then the writer's own entries
///     16 bytes that end the head and each block
///     blocks: the number of records, their bytes, the records, the 16 bytes
///
/// A file without records has no block.
///
/// - Source: Apache Avro 1.11 specification, sections Binary Encoding and Object Container Files.
enum AvroFile {
    static func bytes(schema: JSON, entries: [(name: String, value: String)], marker: [UInt8], records: [AvroRecord])
        -> [UInt8]
    {
        precondition(marker.count == 16, "Avro's marker has 16 bytes")
        var head = AvroRecord()
        let all = [("avro.schema", schema.text()), ("avro.codec", "null")] + entries.map { ($0.name, $0.value) }
        head.add(Int64(all.count))
        for (name, value) in all {
            head.add(name)
            head.add(value)
        }
        head.add(Int64(0))
        var out = Array("Obj".utf8) + [1] + head.bytes + marker
        if !records.isEmpty {
            let body = records.flatMap(\.bytes)
            var lengths = AvroRecord()
            lengths.add(Int64(records.count))
            lengths.add(Int64(body.count))
            out += lengths.bytes + body + marker
        }
        return out
    }
}

/// The fields of a record in the order of its schema.
struct AvroRecord {
    private(set) var bytes: [UInt8] = []

    /// An `int` or a `long`: zigzag, then seven bits a byte, the lowest first.
    mutating func add(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A `string`, or `bytes` that are text.
    mutating func add(_ value: String) {
        add(Int64(value.utf8.count))
        bytes += Array(value.utf8)
    }

    /// A value of the union `["null", "long"]`.
    mutating func add(optional value: Int64?) {
        add(value == nil ? 0 : 1)
        if let value { add(value) }
    }
}
