package import Model
internal import Postgres

/// A part being written into a table of its own. Everything happens in one transaction: a worker that dies leaves nothing.
///
/// The part's file goes through `write` and is only measured. Used by one thread.
@safe package final class PostgresPart: TablePart {
    private enum State { case open, copying, over }

    private let pool: PostgresPool
    /// nil once the part is over.
    private var session: PostgresSession?
    private let schema: String
    private let attempt: String
    private let table: String
    private let shard: Int
    private let epoch: Int
    private let path: String
    private let maker: String
    private let digest = FileDigest()
    private var columns: [OutputColumn] = []
    private var codec = TargetSpec.Codec.none
    private var byteCount: Int64 = 0
    private var state = State.open

    init(
        pool: PostgresPool, session: PostgresSession, schema: String, attempt: String, table: String, shard: Int,
        epoch: Int, path: String, maker: String
    ) {
        self.pool = pool
        self.session = session
        self.schema = schema
        self.attempt = attempt
        self.table = table
        self.shard = shard
        self.epoch = epoch
        self.path = path
        self.maker = maker
    }

    private var name: String { PostgresNames.staged(table: table, shard: shard, epoch: epoch) }

    package func begin(columns: [OutputColumn], codec: TargetSpec.Codec) throws(StoreError) {
        precondition(state == .open, "a part's table is made once")
        self.columns = columns
        self.codec = codec
        let list = columns.map { column in
            guard let type = column.type.postgresName else {
                preconditionFailure("the plan refuses types that have no counterpart")
            }
            return "\(PostgresName.quoted(column.name)) \(type)"
        }
        let place = PostgresName.qualified(schema, name)
        try attempting("make the part's table") { (session) throws(PostgresError) in
            // A table that is made and filled in one transaction is written in the order of its rows, and frozen.
            try session.execute(
                "BEGIN; SET LOCAL synchronous_commit = on; CREATE TABLE \(place) (\(list.joined(separator: ", ")))")
            try session.beginCopyIn("COPY \(place) FROM STDIN (FORMAT binary, FREEZE)")
        }
        state = .copying
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        unsafe digest.add(bytes)
        byteCount += Int64(bytes.count)
    }

    package func writeRows(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        precondition(state == .copying, "rows for a part that takes none")
        try attempting("fill the part's table") { (session) throws(PostgresError) in unsafe try session.sendCopy(bytes)
        }
    }

    package func finish() throws(StoreError) -> FinishedPart {
        guard state == .copying else { throw StoreError(.inputOutput, path, "an earlier write failed") }
        let sha256 = digest.finish()
        let isOpen = try attempting("keep the part") { (session) throws(PostgresError) in
            let rows = try session.endCopyIn()
            // Held until the end: a publisher that seals the attempt waits, or this part comes too late.
            let state = try session.query("SELECT state FROM etl.attempt WHERE attempt = $1::uuid FOR SHARE", [attempt])
            guard state.first?[0] == "open" else { return false }
            try session.change(
                """
                INSERT INTO etl.part (attempt, "table", shard, epoch, table_name, rows, bytes, sha256, codec, columns, maker)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """,
                [
                    .text(attempt), .text(table), .number(shard), .number(epoch), .text(name), .number(rows),
                    .number(byteCount), .text(sha256), .text(codec.rawValue), .text(PartColumns.text(columns)),
                    .text(maker),
                ])
            try session.execute("COMMIT")
            return true
        }
        guard isOpen else {
            abandon()
            throw StoreError(.attemptEnded, path, "the attempt is over")
        }
        state = .over
        if let session = session.take() { pool.giveBack(session) }
        return FinishedPart(stagedPath: path, byteCount: byteCount, sha256: sha256)
    }

    /// The connection is closed, which ends the transaction.
    package func abandon() {
        state = .over
        session = nil
    }

    private func attempting<Result>(_ action: String, _ body: (PostgresSession) throws(PostgresError) -> Result)
        throws(StoreError) -> Result
    {
        guard let session else { throw StoreError(.inputOutput, path, "an earlier write failed") }
        do throws(PostgresError) { return try body(session) } catch {
            abandon()
            if error.state == "54000" || error.state == "54001" {
                throw StoreError(
                    .badName, path, "a row does not fit a page of PostgreSQL; publish fewer columns of the table")
            }
            throw .postgres(error, path, action)
        }
    }
}
