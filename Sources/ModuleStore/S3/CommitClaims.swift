internal import Foundation
import Model
import Postgres
import S3
import Synchronization

/// Which bytes a name of a bucket stands for, decided by a database: for buckets that cannot create a name only if it is
/// free. Whoever's bytes are claimed first are the ones that are put, by whoever gets to it; a claim is never taken back
/// and has no time to run out, so nobody can be robbed of it.
///
/// The object is put after the claim, without a condition: all who put it put the same bytes, however late.
final class CommitClaims: Sendable {
    private let url: Secret
    /// Of the bucket and prefix: one database may serve several.
    private let location: String
    private let session = Mutex<PostgresSession?>(nil)

    init(url: Secret, location: String) {
        self.url = url
        self.location = location
    }

    enum Claim {
        /// Ours, now or since an earlier try.
        case ours
        /// Others', with their bytes where they are kept: those of records, which anybody may put in their place.
        case theirs([UInt8]?)
    }

    /// Claims a name for bytes. An answer that is lost is asked for again: the statement may be repeated.
    ///
    /// - Throws: `.unknown` when the database does not answer: nothing was put, but the name may be claimed for these bytes,
    ///   and then whoever comes next puts them.
    func claim(_ path: String, _ bytes: [UInt8], keepsBytes: Bool) throws(StoreError) -> Claim {
        let digest = FileDigest.hexadecimal(bytes)
        var last: PostgresError?
        for pause in [0, 0.2, 1, 3] {
            Thread.sleep(forTimeInterval: pause)
            do {
                let rows = try ask { session in
                    try session.change(
                        """
                        INSERT INTO etl_claims.claim (location, path, sha256, bytes) VALUES ($1, $2, $3, $4)
                        ON CONFLICT (location, path) DO NOTHING
                        """,
                        [.text(location), .text(path), .text(digest), keepsBytes ? .bytes(bytes) : .null])
                    return try session.bytes(
                        "SELECT sha256, bytes FROM etl_claims.claim WHERE location = $1 AND path = $2",
                        values: [.text(location), .text(path)])
                }
                guard let row = rows.first, let claimed = row[0] else {
                    throw StoreError(.damaged, path, "the claim that was made is not there")
                }
                return claimed == Array(digest.utf8) ? .ours : .theirs(row[1])
            } catch let error as PostgresError where error.isConnectionLost {
                last = error
                session.withLock { $0 = nil }
            } catch let error as PostgresError {
                throw .postgres(error, path, "claim the name")
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError(.inputOutput, path, "cannot claim the name")
            }
        }
        throw StoreError.postgres(last ?? PostgresError(.tooSlow, place: ""), path, "claim the name")
            .unknown("the database did not say whether the name was claimed")
    }

    private func ask(_ body: (PostgresSession) throws -> [[[UInt8]?]]) throws -> [[[UInt8]?]] {
        try session.withLock { kept in
            let session: PostgresSession
            if let open = kept, open.isAlive {
                session = open
            } else {
                session = try PostgresSession(url: url)
                // Safe when many do it at once: the lock is the first thing that each waits for.
                try session.execute(
                    """
                    BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(6648940);
                    CREATE SCHEMA IF NOT EXISTS etl_claims;
                    CREATE TABLE IF NOT EXISTS etl_claims.claim (
                        location text NOT NULL, path text NOT NULL, sha256 text NOT NULL, bytes bytea,
                        claimed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (location, path));
                    COMMIT
                    """)
                kept = session
            }
            return try body(session)
        }
    }
}

extension S3Storage {
    /// `create` where a database decides.
    func create(_ path: String, _ bytes: [UInt8], by claims: CommitClaims, keepsBytes: Bool) throws(StoreError)
        -> Creation
    {
        switch try claims.claim(path, bytes, keepsBytes: keepsBytes) {
        case .ours:
            try putClaimed(path, bytes)
            return .created
        case .theirs(let others):
            // Their holder may have died before it put them; the number would be lost and nobody could go on.
            if let others, try byteCount(path) == nil { try putClaimed(path, others) }
            return .taken
        }
    }

    /// The claim stands: from here on the only way is forward, and a failure leaves the outcome open.
    private func putClaimed(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let start = ContinuousClock.now
        while true {
            do throws(S3Error) {
                try client.put(path, bytes)
                return
            } catch {
                guard ContinuousClock.now - start < patience else {
                    throw StoreError(
                        .unknown, path, "the record is claimed and the bucket did not take it (\(error.code.rawValue))")
                }
            }
            Thread.sleep(forTimeInterval: 1)
        }
    }
}
