internal import Model
internal import Postgres
internal import Synchronization

/// Connections of one process to the target, each used by one thread at a time and kept for the next.
///
/// `@unchecked Sendable`: the list is touched under its lock alone, and a session that was taken has one owner.
final class PostgresPool: @unchecked Sendable {
    private static let mostIdle = 4

    private let url: Secret
    private let lock = Mutex(())
    private var idle: [PostgresSession] = []

    init(url: Secret) { self.url = url }

    /// A connection that has not been used for anything else, with the settings under which values stay exact.
    func connect() throws(PostgresError) -> PostgresSession {
        let session = try PostgresSession(url: url)
        try session.execute(
            """
            SET statement_timeout = 0; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = 0;
            SET synchronize_seqscans = off; SET row_security = off; SET jit = off;
            SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 1; SET bytea_output = 'hex'
            """)
        return session
    }

    /// Runs `body` on a connection. After an error whatever it began is rolled back.
    ///
    /// - Parameter isRepeatable: a connection from before that turns out to be dead is replaced, and `body` runs again.
    @discardableResult
    func with<Result>(
        _ subject: String, _ action: String, isRepeatable: Bool = false, _ body: (PostgresSession) throws -> Result
    ) throws(StoreError) -> Result {
        do {
            return try run(isRepeatable: isRepeatable, body)
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            throw .postgres(error, subject, action)
        } catch {
            throw StoreError(.inputOutput, subject, "cannot \(action)")
        }
    }

    /// The same in a transaction, with the server's own errors.
    ///
    /// - Parameter idleTime: how long the server waits for the next statement before it ends the transaction and the
    ///   connection (SQLSTATE 25P03); nil: for ever.
    @discardableResult
    func transaction<Result>(idleTime: Duration? = nil, _ body: (PostgresSession) throws -> Result) throws -> Result {
        try run(isRepeatable: false) { session in
            // What was reported as done survives the server's crash, whatever the role's own setting.
            let idle =
                idleTime.map { "; SET LOCAL idle_in_transaction_session_timeout = '\($0.components.seconds)s'" } ?? ""
            try session.execute("BEGIN; SET LOCAL synchronous_commit = on\(idle)")
            let result = try body(session)
            try session.execute("COMMIT")
            return result
        }
    }

    @discardableResult
    func transaction<Result>(_ subject: String, _ action: String, _ body: (PostgresSession) throws -> Result)
        throws(StoreError) -> Result
    {
        do {
            return try transaction(body)
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            throw .postgres(error, subject, action)
        } catch {
            throw StoreError(.inputOutput, subject, "cannot \(action)")
        }
    }

    private func run<Result>(isRepeatable: Bool, _ body: (PostgresSession) throws -> Result) throws -> Result {
        let kept = lock.withLock { _ in idle.popLast() }
        let session = try kept ?? connect()
        do {
            let result = try body(session)
            giveBack(session)
            return result
        } catch let error as PostgresError where error.isConnectionLost && isRepeatable && kept != nil {
            lock.withLock { _ in idle = [] }
            return try run(isRepeatable: false, body)
        } catch {
            if session.isAlive, !session.isIdle { try? session.execute("ROLLBACK") }
            giveBack(session)
            throw error
        }
    }

    /// For a caller that keeps it over several calls: to be given back, or dropped to end what it does.
    func take() throws(PostgresError) -> PostgresSession {
        if let kept = lock.withLock({ _ in idle.popLast() }) { return kept }
        return try connect()
    }

    func giveBack(_ session: PostgresSession) {
        guard session.isAlive, session.isIdle else { return }
        lock.withLock { _ in if idle.count < Self.mostIdle { idle.append(session) } }
    }
}
