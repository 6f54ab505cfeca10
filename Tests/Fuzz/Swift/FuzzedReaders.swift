internal import Cluster
internal import Columnar
internal import Document
internal import Formats
internal import Model

/// Reads bytes of the world as the product does. A reader refuses what is wrong by throwing; a trap, a hang, memory without
/// bound or a wrong address is what libFuzzer looks for.
enum FuzzedReader: String {
    case copy, csv, parquet, frame, document

    func read(_ bytes: [UInt8]) {
        switch self {
        case .copy: Self.copy(bytes)
        case .csv: Self.csv(bytes)
        case .parquet: Self.parquet(bytes)
        case .frame: Self.frame(bytes)
        case .document: Self.document(bytes)
        }
    }

    /// A stream of binary COPY in messages of the lengths that its own bytes tell.
    private static func copy(_ bytes: [UInt8]) {
        var decoder = PostgresCopyDecoder(columns: copyColumns)
        guard (try? unsafe copyHeader.withUnsafeBytes { bytes in unsafe try decoder.append(row: bytes) }) != nil else {
            return
        }
        var rest = bytes[...]
        while let first = rest.first {
            let message = Array(rest.dropFirst().prefix(Int(first) + 1))
            rest = rest.dropFirst(1 + message.count)
            guard (try? unsafe message.withUnsafeBytes { bytes in unsafe try decoder.append(row: bytes) }) != nil else {
                return
            }
            if decoder.rowCount >= 64 { _ = decoder.finishChunk() }
        }
        _ = try? decoder.finishStream()
        _ = decoder.finishChunk()
    }

    private static let copyHeader: [UInt8] =
        [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00] + [UInt8](repeating: 0, count: 8)

    private static let copyColumns: [PostgresCopyDecoder.Input] = {
        func scalar(_ base: String, typmod: Int32 = -1) -> PostgresType {
            .scalar(oid: 1, base: base, typmod: typmod, extensionName: nil, name: base)
        }
        let pair = PostgresType.composite(
            oid: 2,
            fields: [PostgresField(name: "n", type: scalar("int4")), PostgresField(name: "t", type: scalar("text"))],
            name: "pair")
        let types = [
            scalar("bool"), scalar("int2"), scalar("int8"), scalar("numeric", typmod: (20 << 16 | 4) + 4),
            scalar("text"),
            scalar("jsonb"), scalar("bytea"), scalar("uuid"), scalar("date"), scalar("timestamptz"), scalar("time"),
            .array(oid: 3, element: scalar("int4"), name: "int4[]"), .array(oid: 4, element: pair, name: "pair[]"),
        ]
        return types.enumerated().map { index, type in
            let nullsSpecials = index % 2 == 0
            guard case .success(let mapping) = PostgresMapping.map(type, as: ReadAs(nullsSpecials: nullsSpecials))
            else {
                preconditionFailure("a type that maps")
            }
            return PostgresCopyDecoder.Input(name: "c\(index)", mapping: mapping, nullsSpecials: nullsSpecials)
        }
    }()

    /// The first byte chooses the dialect, the rest is the file: planned, then decoded shard by shard.
    private static func csv(_ bytes: [UInt8]) {
        guard let choice = bytes.first else { return }
        let file = bytes.dropFirst()
        var spec = DelimitedSpec(path: "a.csv", pathPosition: .start)
        spec.hasHeader = choice & 1 == 0
        var limits = DelimitedLimits()
        limits.bytesPerBlock = 64
        limits.bytesPerShard = 256
        limits.rowsPerChunk = 16
        limits.bytesPerCell = 4096
        guard
            let scanner = try? DelimitedScanner(
                spec, source: "files", limits: limits, first: "a.csv", bytes: FuzzedBytes(file)),
            let scan = try? scanner.scan(file: "a.csv", bytes: FuzzedBytes(file))
        else { return }
        let plan = scanner.join([scan])
        let columns = plan.columns.enumerated().map { index, column in
            DelimitedColumn(fieldIndex: index, name: column.name, type: column.type, nullsSpecials: choice & 2 == 0)
        }
        for shard in plan.shards {
            guard case .bytes(let path, let start, let end, let firstRecord, _) = shard.piece,
                let decoder = try? DelimitedDecoder(
                    spec, file: path, start: start, firstRecord: firstRecord, fieldCount: columns.count,
                    columns: columns,
                    bytes: FuzzedBytes(file.dropFirst(Int(start)).prefix(Int(end - start))), limits: limits)
            else { continue }
            while let chunk = try? decoder.next() { precondition(chunk.rowCount > 0, "a chunk without rows") }
        }
    }

    private static func parquet(_ bytes: [UInt8]) {
        guard let reader = try? ParquetReader(FuzzedBytes(bytes[...])) else { return }
        while (try? reader.next()) != nil {}
    }

    private static func frame(_ bytes: [UInt8]) {
        _ = try? WireFormat.call(from: bytes)
        _ = try? WireFormat.reply(from: bytes)
    }

    private static func document(_ bytes: [UInt8]) {
        let reading = unsafe PipelineReader.examine(
            text: String(decoding: bytes, as: UTF8.self), path: "/nowhere/a.yaml",
            environment: ["HOSPITAL_URL": "postgresql://h/d"],
            digest: { _ in "digest" })
        precondition(
            (reading.pipeline == nil) == reading.problems.contains { $0.severity == .error },
            "neither pipeline nor problem")
    }
}

/// Bytes of a test, as a stream or from any place.
private final class FuzzedBytes: ByteSource, ByteRange {
    private let all: ArraySlice<UInt8>
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        all = bytes
        rest = bytes
    }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(memory.count, rest.count, 48)
        unsafe memory.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }

    var byteCount: Int64 { Int64(all.count) }

    func read(offset: Int64, count: Int) throws -> [UInt8] {
        guard offset >= 0 && offset <= all.count && count >= 0 else { return [] }
        return Array(all.dropFirst(Int(offset)).prefix(count))
    }
}
