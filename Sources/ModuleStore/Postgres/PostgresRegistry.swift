internal import Model
internal import Postgres

/// The schema `etl` of a target: which versions there are, and what they are made of.
///
///     module_version  one row a version; the row is the version. `record` holds the commit record's bytes.
///     module_file     the files of an attempt that are no tables: croissant.json, SHA256SUMS, …
///     part            the parts: which table, how many rows, and size and digest of the Parquet file that they are
///     attempt         tries at a version: `open` for parts, `sealed`, `ready` to be committed
///     tombstone       why a version was withdrawn
///     loose_file      files that are written anew: hints, catalogues
///     latest          a view: the newest version of each module that is not withdrawn
///
/// Triggers refuse every change of what is published but the step from published to withdrawn.
enum PostgresRegistry {
    static let format = 1
    /// `etl` as a number, for advisory locks.
    private static let lockKey = 0x65746c

    static func isPresent(_ session: PostgresSession) throws(PostgresError) -> Bool {
        try session.query("SELECT pg_catalog.to_regclass('etl.module_version') IS NOT NULL")[0][0] == "t"
    }

    /// One transaction at a time; the lock goes with it.
    static func lock(_ session: PostgresSession) throws(PostgresError) {
        try session.execute("SELECT pg_catalog.pg_advisory_xact_lock(\(lockKey))")
    }

    /// Makes the schema where it is absent. Within a transaction; safe when many do it at once.
    static func ensure(_ session: PostgresSession) throws {
        guard try session.query("SELECT pg_catalog.current_setting('server_encoding')")[0][0] == "UTF8" else {
            throw StoreError(.badName, registrySubject, "the database is not encoded in UTF8; make one that is")
        }
        try lock(session)
        if try session.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'etl'").isEmpty {
            try session.execute(tables + triggers)
            try session.change(
                "INSERT INTO etl.format (version, made_by) VALUES ($1, $2)",
                [.number(format), .text("\(ProductVersion.name) \(ProductVersion.text)")])
            return
        }
        guard try session.query("SELECT pg_catalog.to_regclass('etl.format') IS NOT NULL")[0][0] == "t" else {
            throw StoreError(.badName, registrySubject, "the database has a schema etl of somebody else")
        }
        guard try session.query("SELECT max(version) FROM etl.format")[0][0] == String(format) else {
            throw StoreError(.badName, registrySubject, "the schema etl was made by another version of this program")
        }
    }

    /// Lets readers find versions. The lock keeps two grants on one object apart, which the server does not.
    static func grant(_ session: PostgresSession, to readers: [String]) throws {
        for reader in readers {
            let may = try session.query(
                "SELECT pg_catalog.has_table_privilege($1, 'etl.latest', 'SELECT')", [reader])[0][0]
            if may == "t" { continue }
            let role = PostgresName.quoted(reader)
            try session.execute(
                "GRANT USAGE ON SCHEMA etl TO \(role); GRANT SELECT ON etl.latest, etl.module_version, etl.tombstone TO \(role)"
            )
        }
    }

    static let registrySubject = "etl"

    private static let tables = """
        CREATE SCHEMA etl;
        COMMENT ON SCHEMA etl IS 'Versions of data modules published by ETL-Express. Read etl.latest; change nothing.';
        CREATE TABLE etl.format (version int4 PRIMARY KEY, made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE etl.attempt (
            attempt uuid PRIMARY KEY, module text NOT NULL, schema_name text NOT NULL UNIQUE,
            state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'sealed', 'ready')),
            began_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE etl.module_version (
            module text NOT NULL, version int4 NOT NULL CHECK (version > 0),
            attempt uuid NOT NULL UNIQUE REFERENCES etl.attempt, record bytea NOT NULL, parent_sha256 text,
            schema_name text NOT NULL, committed_at timestamptz NOT NULL DEFAULT now(),
            state text NOT NULL DEFAULT 'published' CHECK (state IN ('published', 'withdrawn')),
            PRIMARY KEY (module, version));
        CREATE TABLE etl.module_file (
            attempt uuid NOT NULL REFERENCES etl.attempt, path text NOT NULL, bytes bytea NOT NULL,
            PRIMARY KEY (attempt, path));
        CREATE TABLE etl.part (
            attempt uuid NOT NULL REFERENCES etl.attempt, "table" text NOT NULL, shard int4 NOT NULL, epoch int4 NOT NULL,
            table_name text NOT NULL, rows int8 NOT NULL, bytes int8 NOT NULL, sha256 text NOT NULL,
            codec text NOT NULL, columns text NOT NULL, maker text NOT NULL, is_accepted bool NOT NULL DEFAULT false,
            PRIMARY KEY (attempt, "table", shard, epoch));
        CREATE UNIQUE INDEX ON etl.part (attempt, "table", shard) WHERE is_accepted;
        CREATE TABLE etl.tombstone (
            module text NOT NULL, version int4 NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (module, version),
            FOREIGN KEY (module, version) REFERENCES etl.module_version);
        CREATE TABLE etl.loose_file (path text PRIMARY KEY, bytes bytea NOT NULL);
        CREATE VIEW etl.latest AS
            SELECT DISTINCT ON (module) module, version, schema_name, committed_at
            FROM etl.module_version WHERE state = 'published' ORDER BY module, version DESC;

        """

    private static let triggers = """
        CREATE FUNCTION etl.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $body$
        BEGIN
            RAISE EXCEPTION 'what is published is never changed; withdraw the version instead'
                USING ERRCODE = 'read_only_sql_transaction';
        END $body$;
        CREATE FUNCTION etl.guard_version() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $body$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.state = 'published' AND NEW.state = 'withdrawn'
                AND (NEW.module, NEW.version, NEW.attempt, NEW.record, NEW.parent_sha256, NEW.schema_name, NEW.committed_at)
                    IS NOT DISTINCT FROM
                    (OLD.module, OLD.version, OLD.attempt, OLD.record, OLD.parent_sha256, OLD.schema_name, OLD.committed_at)
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'a version is never changed; withdraw it instead' USING ERRCODE = 'read_only_sql_transaction';
        END $body$;
        CREATE FUNCTION etl.guard_content() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $body$
        BEGIN
            IF EXISTS (
                SELECT 1 FROM etl.module_version v WHERE v.state = 'published'
                    AND v.attempt = CASE WHEN TG_OP = 'DELETE' THEN OLD.attempt ELSE NEW.attempt END)
            THEN
                RAISE EXCEPTION 'what is published is never changed; withdraw the version instead'
                    USING ERRCODE = 'read_only_sql_transaction';
            END IF;
            RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $body$;
        CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON etl.module_version FOR EACH ROW EXECUTE FUNCTION etl.guard_version();
        CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON etl.module_file
            FOR EACH ROW EXECUTE FUNCTION etl.guard_content();
        CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON etl.part
            FOR EACH ROW EXECUTE FUNCTION etl.guard_content();
        CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON etl.tombstone FOR EACH ROW EXECUTE FUNCTION etl.refuse();
        CREATE TRIGGER keep BEFORE TRUNCATE ON etl.module_version EXECUTE FUNCTION etl.refuse();
        CREATE TRIGGER keep BEFORE TRUNCATE ON etl.module_file EXECUTE FUNCTION etl.refuse();
        CREATE TRIGGER keep BEFORE TRUNCATE ON etl.part EXECUTE FUNCTION etl.refuse();
        CREATE TRIGGER keep BEFORE TRUNCATE ON etl.tombstone EXECUTE FUNCTION etl.refuse();
        """
}
