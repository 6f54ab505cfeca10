import Model

/// The tables of the ledger, the same in both databases.
///
/// `audit` is the ledger: every record in order, as JSON, chained by digests; triggers refuse to change or delete a row.
/// Of row *n*: `hash` = SHA-256 of `prev_hash`, `seq`, `at`, `run`, `actor` and `event`, each followed by a line feed;
/// `prev_hash` is the hash of row *n* - 1, and 64 zeros for the first. The other tables hold the state that follows
/// from it, for quick answers, and the documents of runs; they are written in the same transaction.
///
/// A migration that was released is never changed. Texts are SQLite's; `postgres` translates them.
enum LedgerSchema {
    struct Migration: Sendable {
        let name: String
        let tables: String
        let sqlite: String
        let postgres: String
    }

    static let firstHash = String(repeating: "0", count: 64)

    static let migrations = [
        Migration(
            name: "1: runs, shards, attempts, versions, audit", tables: first,
            sqlite: """
                CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
                    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
                CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
                    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
                """,
            postgres: """
                CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
                CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE ON audit
                    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
                CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON audit
                    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
                """),
        Migration(
            name: "2: leaders, documents, submissions, holders, tokens", tables: second, sqlite: "",
            // Changed rows stay on their pages.
            postgres: "ALTER TABLE shard SET (fillfactor = 60); ALTER TABLE attempt SET (fillfactor = 70);"),
        Migration(name: "3: runs to begin anew, inherited leases", tables: third, sqlite: "", postgres: ""),
        Migration(name: "4: digests of commit records", tables: fourth, sqlite: "", postgres: ""),
    ]

    /// A text of SQLite's as PostgreSQL takes it.
    static func postgres(_ text: String) -> String {
        text.replacing("INTEGER", with: "BIGINT").replacing("BLOB", with: "BYTEA").replacing(") STRICT", with: ")")
    }

    static func hash(previous: String, sequence: Int64, at: String, run: String, actor: String, event: String) -> String
    {
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
        CREATE INDEX run_by_state ON run (state);
        """

    /// `expires_at` is the database's clock in milliseconds since 1970; SQLite has a lock file instead.
    private static let second = """
        CREATE TABLE coordinator (
            id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
            epoch INTEGER NOT NULL,
            holder TEXT NOT NULL,
            address TEXT NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT;
        INSERT INTO coordinator (id, epoch, holder, address, expires_at) VALUES (1, 0, '', '', 0);
        CREATE TABLE holder (
            run TEXT NOT NULL REFERENCES run,
            worker TEXT NOT NULL,
            snapshots TEXT NOT NULL,
            PRIMARY KEY (run, worker)
        ) STRICT;
        ALTER TABLE run DROP COLUMN changed_at;
        ALTER TABLE run ADD COLUMN document BLOB;
        ALTER TABLE run ADD COLUMN submission TEXT;
        ALTER TABLE run ADD COLUMN planning_epoch INTEGER;
        ALTER TABLE run ADD COLUMN planning_token INTEGER;
        ALTER TABLE run ADD COLUMN planning_worker TEXT;
        ALTER TABLE run ADD COLUMN sealed_at TEXT;
        ALTER TABLE attempt ADD COLUMN token INTEGER;
        CREATE UNIQUE INDEX run_by_submission ON run (submission);
        CREATE INDEX run_by_planning_token ON run (planning_token);
        CREATE INDEX attempt_by_token ON attempt (token);
        CREATE INDEX audit_by_run ON audit (run, seq);
        UPDATE run SET sealed_at =
            (SELECT max(at) FROM audit WHERE audit.run = run.run AND audit.event = '{"sealed":{}}');
        """

    /// Of `commit_record`, in lower-case hexadecimal digits; NULL where an older product wrote that.
    private static let fourth = "ALTER TABLE run ADD COLUMN commit_sha256 TEXT;"

    /// `restart`: NULL; 'wanted', if the run is to begin anew should it lose its snapshots; 'due' once it has lost them; the
    /// run that took its place. `inherited_at`: the database's clock in milliseconds since 1970 at the first take-over after
    /// which no coordinator heard of the lease.
    private static let third = """
        ALTER TABLE run ADD COLUMN restart TEXT;
        ALTER TABLE run ADD COLUMN planning_inherited_at INTEGER;
        ALTER TABLE attempt ADD COLUMN inherited_at INTEGER;
        CREATE INDEX run_to_restart ON run (run) WHERE restart = 'due';
        UPDATE run SET restart = 'wanted' WHERE state NOT IN ('published', 'aborted')
            AND start LIKE '%"restartsOnSnapshotLoss":true%' AND start NOT LIKE '%"restartOf":%';
        """
}
