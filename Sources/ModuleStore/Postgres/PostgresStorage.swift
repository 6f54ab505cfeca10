package import Model
internal import Postgres

/// Versions as schemas of a database: the parts are tables, the descriptions and commit records are rows of the registry.
///
/// A version is one set of bytes, whatever store it lies in. Its descriptions are kept as they are; a part's file is made
/// again from its table (`PartRenderer`), and is the same file, because our Parquet writer depends on rows alone and a
/// table that was filled by one COPY keeps their order. So verifying, copying and reading by path work as on disk.
///
/// A path means what `PostgresPath` says. The commit is the insertion of one row into `etl.module_version`.
package struct PostgresStorage: Storage {
    let pool: PostgresPool
    let readers: [String]
    let promises: [PostgresTargetSpec.TableSpec]
    let renderer: (any PartRenderer)?
    package let location: String

    package init(_ target: PostgresTargetSpec, renderer: (any PartRenderer)?) {
        pool = PostgresPool(url: target.url)
        readers = target.readers
        promises = target.tables
        self.renderer = renderer
        location = PostgresPlace.location(of: target.url)
    }

    package var localFolder: String? { nil }

    package func place(module: String, attempt: String) -> String {
        "\(location) schema \(PostgresNames.schema(module: module, attempt: attempt))"
    }
    package func place(module: String, attempt: String, table: String) -> String {
        "\(PostgresNames.schema(module: module, attempt: attempt)).\(table)"
    }

    // MARK: Reading

    package func names(_ folder: String) throws(StoreError) -> [String] {
        switch PostgresPath(folder) {
        case .root:
            return try column(folder, "SELECT DISTINCT module FROM etl.attempt", [])
        case .module(let module):
            let loose = try column(
                folder, "SELECT path FROM etl.loose_file WHERE pg_catalog.starts_with(path, $1)", ["\(module)/"])
            let folders = [ModuleLayout.versionsFolder, ModuleLayout.runsFolder, ModuleLayout.stagingFolder]
            return Self.children(of: folder, in: loose + folders.map { "\(folder)/\($0)" })
        case .versions(let module):
            let versions = try column(
                folder, "SELECT version::text FROM etl.module_version WHERE module = $1", [module])
            let tombstones = try column(folder, "SELECT version::text FROM etl.tombstone WHERE module = $1", [module])
            return Self.sorted(
                versions.compactMap { Int($0) }.map { Self.name(ModuleLayout.commitRecord(version: $0)) }
                    + tombstones.compactMap { Int($0) }.map { Self.name(ModuleLayout.tombstone(version: $0)) })
        case .staging(let module):
            return try column(
                folder,
                """
                SELECT a.attempt::text FROM etl.attempt a WHERE a.module = $1
                    AND NOT EXISTS (SELECT 1 FROM etl.module_version v WHERE v.attempt = a.attempt)
                """, [module])
        case .runs(let module):
            return try column(
                folder,
                """
                SELECT a.attempt::text FROM etl.attempt a WHERE a.module = $1
                    AND (EXISTS (SELECT 1 FROM etl.module_file f WHERE f.attempt = a.attempt)
                      OR EXISTS (SELECT 1 FROM etl.part p WHERE p.attempt = a.attempt AND p.is_accepted))
                """, [module])
        case .run(_, let attempt, let path):
            return Self.children(of: path, in: try runFiles(attempt, folder))
        case .loose(let path):
            return Self.children(
                of: path,
                in: try column(
                    folder, "SELECT path FROM etl.loose_file WHERE pg_catalog.starts_with(path, $1)", ["\(path)/"]))
        case .staged, .record, .tombstone:
            return []
        }
    }

    package func files(below folder: String) throws(StoreError) -> [String] {
        if case .run(_, let attempt, let path) = PostgresPath(folder) {
            let prefix = path.isEmpty ? "" : "\(path)/"
            return Self.sorted(
                try runFiles(attempt, folder).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            )
        }
        var found: [String] = []
        for name in try names(folder) {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            if try byteCount(path) != nil {
                found.append(name)
            } else {
                found += try files(below: path).map { "\(name)/\($0)" }
            }
        }
        return Self.sorted(found)
    }

    /// Relations of the attempt's schema that hold rows and that no accepted part is kept in, as `schema.name`.
    package func leftovers(module: String, attempt: String) throws(StoreError) -> [String] {
        guard AttemptID.milliseconds(attempt) != nil else { return [] }
        return try column(
            "\(module)/\(attempt)",
            """
            SELECT n.nspname || '.' || c.relname FROM etl.attempt a
            JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema_name
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'm')
            WHERE a.attempt = $1::uuid AND a.module = $2 AND NOT EXISTS (
                SELECT 1 FROM etl.part p
                WHERE p.attempt = a.attempt AND p.is_accepted AND (p.table_name = c.relname OR p."table" = c.relname))
            """, [attempt, module])
    }

    package func byteCount(_ path: String) throws(StoreError) -> Int64? {
        if let part = try part(at: path) { return part.byteCount }
        guard let (sql, values) = Self.content(of: path) else { return nil }
        return try column(path, "SELECT pg_catalog.octet_length(bytes)::text FROM (\(sql)) f", values).first.flatMap {
            Int64($0)
        }
    }

    package func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
        guard let count = try byteCount(path) else { throw StoreError(.notFound, path, "no such file") }
        guard count <= Int64(limit) else { throw StoreError(.damaged, path, "no such small file") }
        guard try part(at: path) == nil, let (sql, values) = Self.content(of: path) else {
            let file = try open(path)
            do { return try file.read(offset: 0, count: Int(count)) } catch {
                throw StoreError(.inputOutput, path, "cannot read")
            }
        }
        let rows = try pool.with(path, "read the file", isRepeatable: true) {
            try $0.bytes(sql, values: values.map { .text($0) })
        }
        guard let bytes = rows.first?[0] else { throw StoreError(.notFound, path, "no such file") }
        return bytes
    }

    package func open(_ path: String) throws(StoreError) -> any ByteRange {
        if let part = try part(at: path) { return try render(part, path) }
        return BytesInMemory(try read(path, limit: Limits.bytesPerDescription))
    }

    // MARK: Pieces

    /// The first column of few rows, sorted by bytes; nothing where there is no registry.
    func column(_ subject: String, _ sql: String, _ values: [String]) throws(StoreError) -> [String] {
        Self.sorted(try rows(subject, sql, values).compactMap { $0[0] })
    }

    func rows(_ subject: String, _ sql: String, _ values: [String]) throws(StoreError) -> [[String?]] {
        try pool.with(subject, "read the registry", isRepeatable: true) { session in
            do throws(PostgresError) { return try session.query(sql, values) } catch {
                guard ["42P01", "3F000"].contains(error.state) else { throw error }
                // A database where nothing was published yet, or not yet when the query looked.
                return try PostgresRegistry.isPresent(session) ? session.query(sql, values) : []
            }
        }
    }

    /// The statement that gives a file's bytes as `bytes`, with its parameters; nil where no file can be.
    private static func content(of path: String) -> (sql: String, values: [String])? {
        switch PostgresPath(path) {
        case .record(let module, let version):
            (
                "SELECT record AS bytes FROM etl.module_version WHERE module = $1 AND version = $2::int4",
                [module, "\(version)"]
            )
        case .tombstone(let module, let version):
            ("SELECT bytes FROM etl.tombstone WHERE module = $1 AND version = $2::int4", [module, "\(version)"])
        case .run(_, let attempt, let file) where !file.isEmpty && AttemptID.milliseconds(attempt) != nil:
            ("SELECT bytes FROM etl.module_file WHERE attempt = $1::uuid AND path = $2", [attempt, file])
        case .loose(let path):
            ("SELECT bytes FROM etl.loose_file WHERE path = $1", [path])
        case .root, .module, .versions, .staging, .staged, .runs, .run:
            nil
        }
    }

    /// All files of a run, those that are tables too, relative to it.
    private func runFiles(_ attempt: String, _ subject: String) throws(StoreError) -> [String] {
        guard AttemptID.milliseconds(attempt) != nil else { return [] }
        let files = try column(subject, "SELECT path FROM etl.module_file WHERE attempt = $1::uuid", [attempt])
        let parts = try rows(
            subject, "SELECT \"table\", shard::text FROM etl.part WHERE attempt = $1::uuid AND is_accepted", [attempt])
        return files
            + parts.compactMap { row in
                guard let table = row[0], let shard = row[1].flatMap({ Int($0) }) else { return nil }
                return ModuleLayout.part(table: table, shard: shard)
            }
    }

    private static func children(of folder: String, in paths: [String]) -> [String] {
        let prefix = folder.isEmpty ? "" : "\(folder)/"
        let names = paths.filter { $0.hasPrefix(prefix) }.compactMap { path in
            path.dropFirst(prefix.count).split(separator: "/", maxSplits: 1).first.map(String.init)
        }
        return sorted(Array(Set(names)))
    }

    private static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func name(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}

/// A small file that was read whole.
final class BytesInMemory: ByteRange {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var byteCount: Int64 { Int64(bytes.count) }
    func read(offset: Int64, count: Int) -> [UInt8] {
        let start = min(Int(offset), bytes.count)
        return Array(bytes[start..<min(bytes.count, start + count)])
    }
}
