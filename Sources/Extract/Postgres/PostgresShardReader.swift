internal import CPostgres
package import Model
internal import Postgres

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads shards of one run from one source, one after another, over one connection and one transaction on the run's
/// snapshot. One thread uses it.
///
/// What it gives are the messages of a binary COPY stream: the first starts with the header, the last is the trailer,
/// the others hold a row each.
@safe package final class PostgresShardReader {
    private let url: Secret
    private let identity: PostgresIdentity
    /// Ids under which others export the planned snapshot too; tried before those of the plan, of which some may be gone.
    package var moreSnapshots: [String] = []
    private var connection: PostgresConnection?
    /// Relations whose lock and shape this transaction has checked.
    private var checked: Set<String> = []

    private var row: UnsafeMutablePointer<CChar>?
    private var isReading = false
    private var isFirstMessage = false
    private var subject = ""
    /// Rows of the open shard so far.
    package private(set) var rowCount: Int64 = 0

    package init(url: Secret, identity: PostgresIdentity) {
        self.url = url
        self.identity = identity
    }

    deinit { unsafe PQfreemem(row) }

    /// Starts reading a shard. One that is still open is given up.
    ///
    /// Before the first row it is checked that this is the planned server, the planned snapshot and the planned shape.
    /// - Parameters:
    ///   - origin: The table as planned, for its shape.
    ///   - isPlanned: Whether a `PostgresRelation.fingerprintText` is the one that was planned (the plan has its hash).
    /// - Throws: `.snapshotLost`, `.schemaChanged`, `.transient` when another session locks the table.
    package func open(
        _ shard: Shard, of selection: PostgresSelection, isPlanned: (_ fingerprintText: String) -> Bool
    ) throws(ExtractError) {
        if isReading { close() }
        releaseRow()
        subject = selection.origin.name
        if connection != nil {
            do throws(ExtractError) {
                try start(shard, selection, isPlanned)
                return
            } catch {
                close()
                // The transaction may have idled for too long between two shards; a new one reads the same snapshot.
                guard error.disposition == .retry else { throw error }
            }
        }
        do throws(ExtractError) {
            try connect()
            try start(shard, selection, isPlanned)
        } catch {
            close()
            throw error
        }
    }

    /// The next message, or nil after the last. The bytes are valid until the next call of any method.
    ///
    /// - Throws: `.cellTooLarge` naming the row's ordinal; what the server's end of the stream says; `.transient` when
    ///   the server counted other rows than arrived. The shard is then given up.
    package func nextRow() throws(ExtractError) -> UnsafeRawBufferPointer? {
        precondition(isReading, "a shard is open")
        // Before waiting: a large row would otherwise be held beside the next one.
        releaseRow()
        do throws(ExtractError) {
            return unsafe try receive()
        } catch {
            close()
            throw error
        }
    }

    /// Frees the last message early: a worker that encodes for a while should not hold a large row meanwhile.
    package func releaseRow() {
        unsafe PQfreemem(row)
        unsafe row = nil
    }

    /// Ends the connection, whatever is being read.
    package func close() {
        releaseRow()
        connection = nil
        checked = []
        isReading = false
    }

    // MARK: Opening

    private func connect() throws(ExtractError) {
        let connection = try PostgresConnection(source: identity.name, url: url)
        try PostgresTransaction.join(
            connection, identity, role: .reader,
            snapshots: moreSnapshots + identity.snapshots.filter { !moreSnapshots.contains($0) })
        limitReceiveBuffer(connection)
        checked = []
        self.connection = connection
    }

    /// libpq reads as much as the socket holds; behind a large row that would be a good part of the next one.
    private func limitReceiveBuffer(_ connection: PostgresConnection) {
        var byteCount: CInt = 512 << 10
        // Failing costs memory only.
        _ = unsafe setsockopt(
            PQsocket(connection.raw), SOL_SOCKET, SO_RCVBUF, &byteCount, socklen_t(MemoryLayout<CInt>.size))
    }

    private func start(
        _ shard: Shard, _ selection: PostgresSelection, _ isPlanned: (String) -> Bool
    ) throws(ExtractError) {
        guard let connection else { preconditionFailure("connected before start") }
        try check(shard.piece, selection.origin, connection, isPlanned)
        let sql = "COPY (\(selection.statement(for: shard.piece))) TO STDOUT (FORMAT binary)"
        let result = unsafe PQexec(connection.raw, sql)
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COPY_OUT else {
            throw unsafe connection.failure(result, subject: subject, doing: .readingRows)
        }
        isReading = true
        isFirstMessage = true
        rowCount = 0
    }

    /// Locks what the shard reads and checks that it is what was planned; once a transaction and relation.
    /// The lock comes first: whatever looks at a table would wait behind another's waiting ALTER.
    private func check(
        _ piece: Shard.Piece, _ origin: PostgresOrigin, _ connection: PostgresConnection, _ isPlanned: (String) -> Bool
    ) throws(ExtractError) {
        if case .blocks(let schema, let name, _, _) = piece,
            checked.insert(PostgresName.qualified(schema, name)).inserted
        {
            subject = "\(schema).\(name)"
            try lock(schema, name, connection)
            try checkStorage(schema, name, connection)
        }
        subject = origin.name
        if checked.insert("origin " + origin.name + (origin.sql ?? "")).inserted {
            var catalog = PostgresCatalog(connection)
            guard isPlanned(try catalog.fingerprintText(of: origin)) else { throw changed("its columns changed") }
        }
    }

    private func lock(_ schema: String, _ name: String, _ connection: PostgresConnection) throws(ExtractError) {
        let isTable = try connection.query(
            """
            SELECT c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2
            """, [schema, name], subject: subject
        ).first?[0]
        guard let isTable else { throw changed("it is not there any more") }
        // Others are locked by the COPY itself, which waits for as long as lock_timeout says.
        if isTable == "t" { try PostgresLocks.lock(connection, [(schema, name)]) }
    }

    /// Catalogue rows are read under the snapshot; the functions that look into the server's caches see the present.
    /// Where both differ, the table was truncated, rewritten or altered since, and the snapshot shows something else.
    private func checkStorage(_ schema: String, _ name: String, _ connection: PostgresConnection) throws(ExtractError) {
        let unchanged = try connection.query(
            """
            SELECT c.relfilenode = pg_catalog.pg_relation_filenode(c.oid) OR c.relkind = 'f'
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2
            """, [schema, name], subject: subject
        ).first?[0]
        guard unchanged == "t" else { throw changed("it was truncated or rewritten after the snapshot") }
        let attributes = try connection.query(
            """
            SELECT a.attname, a.atttypid, a.atttypmod, a.attnum
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [schema, name], subject: subject)
        try connection.execute("SAVEPOINT shape")
        let present: [PostgresConnection.Described]
        do throws(ExtractError) {
            let columns = attributes.map { PostgresName.quoted($0[0] ?? "") }.joined(separator: ", ")
            present = try connection.describe(
                statement: "SELECT \(columns) FROM ONLY \(PostgresName.qualified(schema, name))", subject: subject)
            try connection.execute("RELEASE SAVEPOINT shape")
        } catch {
            guard connection.isAlive, error.code == .statementRefused else { throw error }
            throw changed("its columns changed after the snapshot")
        }
        guard present.count == attributes.count else { throw changed("its columns changed after the snapshot") }
        var types = PostgresTypes(connection)
        for (column, attribute) in zip(present, attributes) {
            let planned = try types.undressed(
                oid: UInt32(attribute[1] ?? "") ?? 0, typmod: Int32(attribute[2] ?? "") ?? -1)
            guard planned == (column.typeOID, column.typmod), attribute[3] == String(column.attribute) else {
                throw changed("its columns changed after the snapshot")
            }
        }
    }

    private func changed(_ what: String) -> ExtractError {
        ExtractError(
            .schemaChanged, source: identity.name, subject: subject,
            reason: "the table is not what was planned: \(what)",
            remedy: "run again when the schema change is done")
    }

    // MARK: Reading

    private func receive() throws(ExtractError) -> UnsafeRawBufferPointer? {
        guard let connection else { preconditionFailure("reading without a connection") }
        // TLS may hold bytes that the socket does not show; libpq's own waiting knows of them.
        let isPolled: CInt = unsafe PQsslInUse(connection.raw) == 1 ? 0 : 1
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let length = unsafe PQgetCopyData(connection.raw, &buffer, isPolled)
            if length > 0 {
                unsafe row = buffer
                let bytes = unsafe UnsafeRawBufferPointer(start: buffer, count: Int(length))
                unsafe try count(bytes)
                return unsafe bytes
            }
            switch length {
            case 0:
                _ = connection.session.waitUntilReadable(atMost: .seconds(60))
                guard unsafe PQconsumeInput(connection.raw) == 1 else {
                    throw unsafe connection.failure(nil, subject: subject, doing: .readingRows)
                }
            case -1:
                try finish(connection)
                return nil
            default:
                throw unsafe connection.failure(PQgetResult(connection.raw), subject: subject, doing: .readingRows)
            }
        }
    }

    /// Counts the message if it holds a row.
    private func count(_ message: UnsafeRawBufferPointer) throws(ExtractError) {
        guard message.count <= Limits.bytesPerCell else {
            throw ExtractError(
                .cellTooLarge, source: identity.name, subject: subject,
                reason: "row \(rowCount) of the shard holds more than \(Limits.bytesPerCell >> 20) MiB",
                remedy: "drop the column that holds it, or leave the row out by `where`")
        }
        var rest = message.count
        if isFirstMessage {
            isFirstMessage = false
            // Signature, flags, and an extension with its length; the decoder looks at what they say.
            guard message.count >= 19 else { return }
            rest -= unsafe 19 + Int(UInt32(bigEndian: message.loadUnaligned(fromByteOffset: 15, as: UInt32.self)))
        }
        let isTrailer = unsafe rest == 2 && message[message.count - 1] == 0xff && message[message.count - 2] == 0xff
        if rest > 0, !isTrailer { rowCount += 1 }
    }

    /// After the last row: an error can still follow, and the server says how many rows it sent.
    private func finish(_ connection: PostgresConnection) throws(ExtractError) {
        let result = unsafe PQgetResult(connection.raw)
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COMMAND_OK else {
            throw unsafe connection.failure(result, subject: subject, doing: .readingRows)
        }
        let sent = unsafe PQcmdTuples(result).map { unsafe String(cString: $0) } ?? ""
        while let next = unsafe PQgetResult(connection.raw) { unsafe PQclear(next) }
        guard sent == String(rowCount) else {
            throw ExtractError(
                .transient, source: identity.name, subject: subject,
                reason: "the server sent \(sent) rows and \(rowCount) arrived")
        }
        isReading = false
    }
}

extension PostgresOrigin {
    fileprivate var sql: String? { if case .query(let sql) = self { sql } else { nil } }
}
