import GRDB
import Model

/// The tables of the ledger.
///
/// `audit` is the ledger: every record in order, as JSON, chained by digests; triggers refuse to change or delete a row.
/// Of row *n*: `hash` = SHA-256 of `prev_hash`, `seq`, `at`, `run`, `actor` and `event`, each followed by a line feed;
/// `prev_hash` is the hash of row *n* - 1, and 64 zeros for the first. The other tables hold the state that follows
/// from it, for quick answers; they are written in the same transaction.
enum LedgerSchema {
    static let firstHash = String(repeating: "0", count: 64)

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: runs, shards, attempts, versions, audit") { database in
            try database.execute(sql: first)
        }
        return migrator
    }

    static func hash(previous: String, sequence: Int64, at: String, run: String, actor: String, event: String) -> String {
        SHA256.hexadecimal("\(previous)\n\(sequence)\n\(at)\n\(run)\n\(actor)\n\(event)\n")
    }

    private static let first = """
        CREATE TABLE run (
            run TEXT NOT NULL PRIMARY KEY,
            module TEXT NOT NULL,
            attempt TEXT NOT NULL UNIQUE,
            start TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN
                ('planning', 'running', 'sealed', 'committing', 'published', 'aborted')),
            plan TEXT,
            plan_sha256 TEXT,
            commit_record TEXT,
            version INTEGER,
            failure TEXT,
            started_at TEXT NOT NULL,
            changed_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE shard (
            run TEXT NOT NULL REFERENCES run,
            position INTEGER NOT NULL,
            table_name TEXT NOT NULL,
            shard INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('ready', 'granted', 'done')),
            epoch INTEGER NOT NULL DEFAULT 0,
            worker TEXT,
            failures INTEGER NOT NULL DEFAULT 0,
            receipt TEXT,
            PRIMARY KEY (run, table_name, shard),
            CHECK ((phase = 'done') = (receipt IS NOT NULL))
        ) STRICT;
        CREATE TABLE attempt (
            run TEXT NOT NULL,
            table_name TEXT NOT NULL,
            shard INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            worker TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('granted', 'accepted', 'failed', 'released')),
            failure TEXT,
            granted_at TEXT NOT NULL,
            ended_at TEXT,
            PRIMARY KEY (run, table_name, shard, epoch),
            FOREIGN KEY (run, table_name, shard) REFERENCES shard
        ) STRICT;
        CREATE TABLE version (
            module TEXT NOT NULL,
            version INTEGER NOT NULL,
            run TEXT NOT NULL UNIQUE REFERENCES run,
            commit_sha256 TEXT NOT NULL,
            published_at TEXT NOT NULL,
            PRIMARY KEY (module, version)
        ) STRICT;
        CREATE TABLE audit (
            seq INTEGER NOT NULL PRIMARY KEY,
            prev_hash TEXT NOT NULL,
            hash TEXT NOT NULL,
            at TEXT NOT NULL,
            run TEXT NOT NULL,
            actor TEXT NOT NULL,
            event TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        CREATE INDEX run_by_state ON run (state);
        """
}
