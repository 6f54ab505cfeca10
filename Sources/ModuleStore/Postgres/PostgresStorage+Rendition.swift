internal import Model
internal import Postgres

/// A part that was accepted into a published table.
struct KeptPart: Equatable {
    let schema: String
    let table: String
    let byteCount: Int64
    let sha256: String
    let codec: TargetSpec.Codec
    let columns: [OutputColumn]
    /// Of the codecs when it was published.
    let maker: String
}

extension PostgresStorage {
    /// The part whose file has this path, or nil.
    func part(at path: String) throws(StoreError) -> KeptPart? {
        guard case .run(_, let attempt, let file) = PostgresPath(path), file.hasPrefix("data/"),
            file.hasSuffix(".parquet"),
            AttemptID.milliseconds(attempt) != nil
        else { return nil }
        let found = try rows(
            path,
            """
            SELECT p."table", p.shard::text, a.schema_name, p.table_name, p.bytes::text, p.sha256, p.codec, p.columns, p.maker
            FROM etl.part p JOIN etl.attempt a ON a.attempt = p.attempt
            WHERE p.attempt = $1::uuid AND p.is_accepted AND p.shard = $2::int4
            """, [attempt, Self.shard(file)]
        ).first { $0[0].map { ModuleLayout.part(table: $0, shard: Int(Self.shard(file)) ?? -1) } == file }
        guard let row = found else { return nil }
        guard let schema = row[2], let table = row[3], let bytes = row[4].flatMap({ Int64($0) }), let sha256 = row[5],
            let codec = row[6].flatMap({ TargetSpec.Codec(rawValue: $0) }),
            let columns = row[7].flatMap(PartColumns.columns),
            let maker = row[8]
        else { throw StoreError(.damaged, path, "the registry's row of this part cannot be read") }
        return KeptPart(
            schema: schema, table: table, byteCount: bytes, sha256: sha256, codec: codec, columns: columns, maker: maker
        )
    }

    /// Makes the part's file again. It lies in a temporary file without a name while somebody holds the result.
    ///
    /// - Throws: `.notFound` when the table is gone; `.damaged` when its rows are not of the columns that were published,
    ///   or when other codecs give other bytes, so that nothing can be said of the rows.
    func render(_ part: KeptPart, _ path: String) throws(StoreError) -> any ByteRange {
        guard let renderer else {
            throw StoreError(.badName, path, "this program was put together without a renderer of tables")
        }
        let file = try TemporaryPart(subject: path)
        let names = part.columns.map { PostgresName.quoted($0.name) }.joined(separator: ", ")
        let isDone = try pool.with(path, "read the table") { session in
            try session.beginCopyOut(
                "COPY \(PostgresName.qualified(part.schema, part.table)) (\(names)) TO STDOUT (FORMAT binary)")
            do {
                try unsafe renderer.render(
                    columns: part.columns, codec: part.codec,
                    from: { () throws(StoreError) in
                        do throws(PostgresError) { return unsafe try session.nextCopyMessage() } catch {
                            throw .postgres(error, path, "read the table")
                        }
                    }, to: file)
                return true
            } catch let error as StoreError {
                throw error
            } catch {
                return false
            }
        }
        guard isDone else {
            throw StoreError(.damaged, path, "the table does not hold the columns that were published")
        }
        let digest = file.finish()
        if digest != part.sha256, part.maker != renderer.maker {
            throw StoreError(
                .damaged, path,
                "it was written with \(part.maker), and this program has \(renderer.maker), which gives other bytes")
        }
        return file
    }

    private static func shard(_ file: String) -> String {
        let digits = file.dropLast(".parquet".count).reversed().prefix { $0.isASCII && $0.isNumber }
        return String(digits.reversed().drop { $0 == "0" }).isEmpty ? "0" : String(digits.reversed().drop { $0 == "0" })
    }
}

/// A file that is being made again, then read.
private final class TemporaryPart: ByteSink, ByteRange {
    private let file: OpenFile
    private let digest = FileDigest()
    private(set) var byteCount: Int64 = 0

    init(subject: String) throws(StoreError) { file = try OpenFile.temporary(subject: subject) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        unsafe digest.add(bytes)
        try unsafe file.write(bytes)
        byteCount += Int64(bytes.count)
    }

    func finish() -> String { digest.finish() }

    func read(offset: Int64, count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
    }
}
