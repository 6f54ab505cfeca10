internal import Model
internal import Postgres

extension PostgresStorage {
    package func begin(module: String, attempt: String) throws(StoreError) {
        try pool.transaction("\(module)/\(attempt)", "begin an attempt") { session in
            try PostgresRegistry.ensure(session)
            for reader in readers
            where try session.query("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", [reader]).isEmpty {
                throw StoreError(
                    .badName, reader, "the server has no role of this name, which the target lists among its readers")
            }
            try PostgresRegistry.grant(session, to: readers)
            let schema = PostgresNames.schema(module: module, attempt: attempt)
            try session.change(
                "INSERT INTO etl.attempt (attempt, module, schema_name) VALUES ($1, $2, $3)",
                [.text(attempt), .text(module), .text(schema)])
            try session.execute("CREATE SCHEMA \(PostgresName.quoted(schema))")
        }
    }

    package func stage(module: String, attempt: String, table: String, shard: Int, epoch: Int) throws(StoreError)
        -> any StagedPart
    {
        let path = ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: epoch)
        do {
            let session = try pool.take()
            let found = try session.query(
                """
                SELECT a.schema_name, a.state, p.attempt IS NOT NULL FROM etl.attempt a
                LEFT JOIN etl.part p ON p.attempt = a.attempt AND p."table" = $3 AND p.shard = $4::int4 AND p.epoch = $5::int4
                WHERE a.module = $1 AND a.attempt = $2::uuid
                """, [module, attempt, table, "\(shard)", "\(epoch)"]
            ).first
            guard let found, let schema = found[0], found[1] == "open" else {
                throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over")
            }
            guard found[2] == "f" else { throw StoreError(.alreadyExists, path, "this epoch has a part already") }
            return PostgresPart(
                pool: pool, session: session, schema: schema, attempt: attempt, table: table, shard: shard,
                epoch: epoch,
                path: path, maker: renderer?.maker ?? "")
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            if error.state == "42P01" || error.state == "3F000" {
                throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over")
            }
            throw .postgres(error, path, "stage a part")
        } catch {
            throw StoreError(.inputOutput, path, "cannot stage a part")
        }
    }

    /// Replacing is safe: once the version is committed the server refuses whatever comes late.
    package func describe(_ path: String, _ bytes: [UInt8], replaces: Bool) throws(StoreError) {
        guard !replaces, case .run(_, let attempt, let file) = PostgresPath(path), !file.isEmpty else {
            return try write(path, bytes)
        }
        // Looked at first: in a published attempt nothing can be inserted, not even what is there.
        if try byteCount(path) == nil {
            try pool.transaction(path, "describe the version") { session in
                _ = try session.change(
                    """
                    INSERT INTO etl.module_file (attempt, path, bytes) VALUES ($1, $2, $3)
                    ON CONFLICT (attempt, path) DO NOTHING
                    """, [.text(attempt), .text(file), .bytes(bytes)])
            }
        }
        guard try read(path, limit: Limits.bytesPerDescription) == bytes else { throw .describedOtherwise(path) }
    }

    package func write(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        guard !path.hasSuffix(".parquet") else {
            throw StoreError(
                .badName, path, "the tables of a database are filled by a run alone; copy to a folder or a bucket")
        }
        try pool.transaction(path, "write the file") { session in
            switch PostgresPath(path) {
            case .run(_, let attempt, let file) where !file.isEmpty:
                try session.change(
                    """
                    INSERT INTO etl.module_file (attempt, path, bytes) VALUES ($1, $2, $3)
                    ON CONFLICT (attempt, path) DO UPDATE SET bytes = excluded.bytes
                    """, [.text(attempt), .text(file), .bytes(bytes)])
            case .loose(let path):
                try PostgresRegistry.ensure(session)
                try session.change(
                    """
                    INSERT INTO etl.loose_file (path, bytes) VALUES ($1, $2)
                    ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes
                    """, [.text(path), .bytes(bytes)])
            default:
                throw StoreError(.badName, path, "no file is written in place of this one")
            }
        }
    }

    package func settle(_ folders: [String]) {}
    /// Triggers have guarded what is published since the commit.
    package func protect(_ folder: String) {}

    // MARK: Creating

    package func create(
        _ path: String, _ bytes: [UInt8], attempt: String, isInTime: () -> Bool, reach: (PublishStep) throws -> Void
    ) throws -> Creation {
        let insert: (PostgresSession) throws -> Void
        switch PostgresPath(path) {
        case .record(let module, let version):
            insert = { try insertRecord($0, module: module, version: version, attempt: attempt, bytes) }
        case .tombstone(let module, let version):
            insert = { try insertTombstone($0, module: module, version: version, bytes) }
        case .loose(let path):
            insert = {
                try $0.change(
                    "INSERT INTO etl.loose_file (path, bytes) VALUES ($1, $2)", [.text(path), .bytes(bytes)])
            }
        default:
            throw StoreError(.badName, path, "no file is created here")
        }
        try reach(.recordWritten)
        guard try commit(path, isInTime: isInTime, insert) else {
            let found: [UInt8]
            do throws(StoreError) { found = try read(path, limit: Limits.bytesPerRecord) } catch {
                throw error.unknown("a record is there and cannot be read")
            }
            guard found == bytes else { return .taken }
            try reach(.committed)
            return .wasThere
        }
        try reach(.committed)
        try reach(.recordFlushed)
        return .created
    }

    /// Commits a transaction until it is known what became of it; false when the row was there.
    ///
    /// A connection that breaks during COMMIT leaves that open, and the old one may even commit later. The same row is
    /// inserted again: the server lets it wait for the first, and then it is there or it is not.
    private func commit(_ path: String, isInTime: () -> Bool, _ insert: (PostgresSession) throws -> Void) throws
        -> Bool
    {
        let end = ContinuousClock.now + Limits.commitPatience
        var isUnknown = false
        var pause = Duration.milliseconds(50)
        while true {
            guard isInTime() else {
                guard isUnknown else { throw StoreError.tooLate(path) }
                throw StoreError(.unknown, path, "it is too late to insert the record again")
            }
            do {
                // A publisher that falls silent between INSERT and COMMIT would hold the module's next number for as long.
                try pool.transaction(idleTime: Limits.commitSilence, insert)
                return true
            } catch let error as PostgresError where error.state == "23505" {
                return false
            } catch let error as PostgresError where isUnknown || error.isConnectionLost || error.state == "25P03" {
                isUnknown = true
                guard ContinuousClock.now < end else {
                    throw StoreError(
                        .unknown, path,
                        "the connection was lost while the record was sent, and \(error.place) does not answer")
                }
                Self.sleep(pause)
                pause = min(pause * 2, .seconds(2))
            } catch let error as PostgresError {
                throw StoreError.postgres(error, path, "insert the record")
            }
        }
    }

    /// The version, and the right to look into its schema, in one step.
    private func insertRecord(
        _ session: PostgresSession, module: String, version: Int, attempt: String, _ bytes: [UInt8]
    ) throws {
        guard let record = (try? JSON.parse(bytes)).flatMap({ CommitRecord(json: $0) }), record.attempt == attempt
        else {
            throw StoreError(.badName, module, "no commit record of this attempt")
        }
        guard
            let schema = try session.query(
                "SELECT schema_name FROM etl.attempt WHERE attempt = $1::uuid AND module = $2", [attempt, module]
            ).first?[0]
        else { throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over") }
        try session.change(
            """
            INSERT INTO etl.module_version (module, version, attempt, record, parent_sha256, schema_name, committed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                .text(module), .number(version), .text(attempt), .bytes(bytes),
                record.parent.map { .text($0.commitSHA256) } ?? .null, .text(schema), .text(record.committedAt),
            ])
        for reader in readers {
            try session.execute(
                "GRANT USAGE ON SCHEMA \(PostgresName.quoted(schema)) TO \(PostgresName.quoted(reader))")
        }
    }

    private func insertTombstone(_ session: PostgresSession, module: String, version: Int, _ bytes: [UInt8]) throws {
        try session.change(
            "INSERT INTO etl.tombstone (module, version, bytes) VALUES ($1, $2, $3)",
            [.text(module), .number(version), .bytes(bytes)])
        try session.change(
            "UPDATE etl.module_version SET state = 'withdrawn' WHERE module = $1 AND version = $2 AND state = 'published'",
            [.text(module), .number(version)])
    }
}
