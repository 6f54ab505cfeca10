"""Versions in PostgreSQL: the same bytes as on disk, readers who never wait, failures that nobody sees."""
import datetime
import os
import random
import time

import psycopg2.errors

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.document import Document, Table, relation
from lib.etlx import Running, run, run_well
from lib.marks import alone, by_night, long
from lib.private import wait_until
from lib.published import Version, check_module
from lib.samples import clinic, sample, wide_document, wide_table
from lib.surroundings import scratch
from lib.target import AnswerThief, DatabaseVersion, Readers, check_chain, fresh_target, into_database, versions


def test_same_bytes_and_values_as_on_disk():
    folder = scratch("clinic")
    document = clinic(folder)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "2")
    on_disk = Version(f"{folder}/modules", "clinic")
    database = fresh_target("clinic")
    path = into_database(
        document, database,
        options=", tables: {patients: {primary_key: id}, visits: {references: {patient_id: patients.id}, indexes: [patient_id]}}")
    shown = run_well("run", path, "--workers", "2").text
    expect(database.url not in shown, "the target's URL with its password is shown")

    version = DatabaseVersion(database, "clinic")
    version.check()
    parts = version.part_digests()
    expect_equal(parts, on_disk.part_digests(), "digests of the parts")
    for table in ("patients", "visits"):
        wanted = [tuple(row.values()) for row in on_disk.read(table).to_pylist()]
        expect_equal(list(map(plain, version.rows(table))), list(map(plain, wanted)), f"rows of {table}")
    comments = dict(database.execute(
        "select attname::text, col_description(attrelid, attnum) from pg_attribute where attrelid = %s::regclass and attnum > 0",
        f'"{version.schema}".patients'))
    expect_equal(comments["id"], "pseudonymised by token", "the comment of patients.id")
    foreign = database.execute("select count(*) from pg_constraint where contype = 'f' and connamespace = %s::regnamespace", f'"{version.schema}"')
    expect_equal(foreign, [(1,)], "foreign keys")

    run_well("run", path, "--workers", "1")
    check_chain(database, "clinic")
    again = DatabaseVersion(database, "clinic", 2)
    expect_equal(again.part_digests(), parts, "parts of version 2")
    return verified(database, "clinic")


def test_a_silent_publisher_does_not_hold_the_next_number():
    """The transaction of the commit ends by itself when its publisher says nothing any more; a part's need not."""
    folder = scratch("silent")
    document = clinic(folder, 50)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("silent")
    path = into_database(document, database)
    run_well("run", path, "--workers", "1")
    database.execute("create table public.seen (setting text)")
    database.execute(
        "create function public.see() returns trigger language plpgsql as"
        " $$ begin insert into public.seen values (current_setting('idle_in_transaction_session_timeout')); return new; end $$")
    database.execute("create trigger see before insert on etl.module_version for each row execute function public.see()")
    run_well("run", path, "--workers", "1")
    expect_equal(database.execute("select setting from public.seen"), [("30s",)], "how long the commit's transaction may be idle")


def plain(row: tuple) -> tuple:
    """A row as both readers give it: instants in UTC, arrays as lists."""
    return tuple(
        value.astimezone(datetime.timezone.utc) if isinstance(value, datetime.datetime) and value.tzinfo else value
        for value in row)


def verified(database: Database, module: str) -> str:
    """Lets etlx verify the module in the database and pull it to a folder, where an outsider checks it."""
    run_well("modules", database.url, "verify", module)
    folder = scratch("pulled")
    run_well("modules", database.url, "pull", module, folder)
    check_module(folder, module)
    return "verified, pulled and checked by an outsider"


def test_every_type_of_pagila():
    """Tables of a sample database, arrays and all, published to disk and into a database."""
    source = sample("pagila")
    tables = [
        Table(table, relation("db", schema, table), {column: "keep" for column, _ in columns})
        for (schema, table), columns in source.columns("public").items() if "payment" not in table]
    document = Document(scratch("pagila"), "pagila", {"db": {"kind": "postgres", "url": source.url}}, tables)
    path = document.write()
    first = run("run", path, "--workers", "2")
    if first.status != 0:
        for table, column in document.columns_named(first.text):
            next(one for one in tables if one.name == table).columns[column] = {"cast": "text"}
        document.write()
        run_well("run", path, "--workers", "2")
    database = fresh_target("pagila")
    run_well("run", into_database(path, database), "--workers", "2")
    version = DatabaseVersion(database, "pagila")
    version.check()
    parts = version.part_digests()
    expect_equal(parts, Version(document.store, "pagila").part_digests(), "digests of the parts")
    return f"{len(parts)} parts; {verified(database, 'pagila')}"


@alone
def test_readers_never_wait():
    folder = scratch("readers")
    document = clinic(folder, patients=1_000)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("readers")
    path = into_database(document, database)
    run_well("run", path, "--workers", "2")
    broken = into_database(document, database, "broken", ", tables: {visits: {primary_key: patient_id}}")

    def look(cursor, schema):
        cursor.execute(f"select count(*), count(distinct id) from {schema}.patients")
        patients = cursor.fetchone()
        cursor.execute(f"select count(*), count(distinct patient_id), min(patient_id) from {schema}.visits")
        return patients + cursor.fetchone()

    with Readers(database, "clinic", 50, look, pause=0.5) as readers:
        wait_until(lambda: 1 in readers.seen, "somebody to read version 1")
        clinic(folder, patients=1_200)
        path = into_database(f"{folder}/clinic.yaml", database)
        run_well("run", path, "--workers", "2")
        failed = run("run", broken, "--workers", "2")
        expect(failed.status not in (0, 2), f"the broken promise ended with {failed.status}: {failed.text[-500:]}")
        expect("occur more than once" in failed.text, f"what was promised is not told: {failed.text[-500:]}")
        attempts = "select count(*) from etl.attempt"
        before = database.execute(attempts)
        killed = Running("run", path, "--workers", "2")
        wait_until(lambda: database.execute(attempts) != before, "the next run to begin")
        killed.kill()
        # Whoever read version 1 as the newest is done with it.
        time.sleep(1.5)
        run_well("modules", database.url, "withdraw", "clinic@1", "--reason", "test")
        time.sleep(1)
    readers.expect_well()
    expect(set(readers.seen) >= {1, 2}, f"versions seen: {sorted(readers.seen)}")
    expect(readers.seen[1] != readers.seen[2], "versions 1 and 2 look the same, so a mix would not be seen")
    check_chain(database, "clinic")
    expect_equal(database.execute("select state from etl.module_version where version = 1"), [("withdrawn",)], "state")
    expect_equal(
        database.execute("select schema_name from etl.module_version v join pg_namespace n on n.nspname = v.schema_name "
                         "where version = 1"), [], "the schema of version 1")
    run_well("modules", database.url, "verify", "clinic")
    return f"{readers.reads} reads by 50 readers, the longest {readers.longest:.2f} s"


def test_a_changed_row_is_named():
    folder = scratch("changed")
    document = clinic(folder, patients=300)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("changed")
    run_well("run", into_database(document, database), "--workers", "1")
    schema = DatabaseVersion(database, "clinic").schema
    change = f'update "{schema}".visits set cost = cost + 0.01 where ctid = \'(0,3)\''
    try:
        database.execute(change)
        raise AssertionError("a published row was changed")
    except psycopg2.errors.ReadOnlySqlTransaction:
        pass
    database.execute(f"set session_replication_role = replica; {change}")
    result = run("modules", database.url, "verify", "clinic")
    expect_equal(result.status, 5, f"exit code of verify: {result.text[-500:]}")
    expect("data/visits/part-00000.parquet" in result.text, f"verify does not name the part: {result.text[-500:]}")
    expect("patients" not in result.text, f"verify names a table that nobody changed: {result.text[-500:]}")


def test_racing_publishers():
    folder = scratch("race")
    document = clinic(folder, patients=300)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("race")
    path = into_database(document, database)
    # Six machines: each has its own ledgers.
    racers = [{"XDG_STATE_HOME": scratch(f"machine{index}")} for index in range(6)]
    done, lost = 0, 0
    for _ in range(8):
        running = [Running("run", path, "--workers", "1", env=machine) for machine in racers]
        left = []
        for machine, one in zip(racers, running):
            result = one.wait()
            if result.status == 0:
                done += 1
            else:
                expect("published this version first" in result.text, f"a racer failed: {result.text[-800:]}")
                lost += 1
                left.append(machine)
        racers = left
        expect_equal(versions(database, "clinic"), list(range(1, done + 1)), "versions")
        if not racers:
            break
    expect_equal(done, 6, "publishers that published")
    check_chain(database, "clinic")
    expect_equal(
        database.execute("select count(*) from etl.attempt"), [(6,)], "attempts left; a loser leaves nothing")
    return f"{lost} races lost and run again"


@long
def test_killed_at_any_time():
    """Kills coordinator, keeper and workers at random times; readers see whole versions, and the next run works."""
    seed = int(os.environ.get("ETL_TEST_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    folder = scratch("killed")
    document = clinic(folder, patients=1_000)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("killed")
    path = into_database(document, database)
    start = time.monotonic()
    run_well("run", path, "--workers", "2")
    whole = time.monotonic() - start

    def look(cursor, schema):
        cursor.execute(f"select count(*) from {schema}.patients p join {schema}.visits v on v.patient_id = p.id")
        return cursor.fetchone()

    rounds, committed = by_night(14, 6), 0
    with Readers(database, "clinic", 3, look, pause=0.05) as readers:
        for _ in range(rounds):
            before = len(versions(database, "clinic"))
            one = Running("run", path, "--workers", "2")
            time.sleep(chance.uniform(0.1 * whole, 1.1 * whole))
            one.kill()
            time.sleep(0.1)
            committed += len(versions(database, "clinic")) - before
        run_well("run", path, "--workers", "2")
    readers.expect_well(longest=5)
    check_chain(database, "clinic")
    for number in versions(database, "clinic"):
        DatabaseVersion(database, "clinic", number).check()
    expect_equal(len({frozenset(results) for results in readers.seen.values()}), 1, "forms of equal versions")
    return f"seed {seed}: {rounds} kills, {committed} of them behind the commit; {readers.reads} reads; {verified(database, 'clinic')}"


def test_killed_worker_changes_no_byte():
    folder = scratch("worker")
    source = Database.fresh("e2e_target_source")
    wide_table(source, "wide", leaves=10, rows_per_leaf=40_000)
    document = wide_document(folder, source, "wide")
    path = document.write()
    run_well("run", path, "--workers", "2")
    digests = Version(document.store, "wide").part_digests()
    database = fresh_target("worker")
    target = into_database(path, database)
    running = Running("run", target, "--workers", "2")
    killed = 0
    while running.is_running() and killed < 2:
        time.sleep(1.0)
        for pid in running.workers()[:1]:
            os.kill(pid, 9)
            killed += 1
    result = running.wait()
    expect_equal(result.status, 0, f"exit code: {result.text[-800:]}")
    version = DatabaseVersion(database, "wide")
    version.check()
    expect_equal(version.part_digests(), digests, "digests")
    tables = database.execute("select count(*) from pg_tables where schemaname = %s", version.schema)[0][0]
    expect_equal(tables, 11, "tables: the parent and its ten parts")
    return f"{killed} workers killed"


def test_lost_answers_to_the_commit():
    folder = scratch("thief")
    document = clinic(folder, patients=300)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("thief")
    thief = AnswerThief(database, 1)
    behind = Database.__new__(Database)
    behind.name, behind.url = database.name, thief.url
    run_well("run", into_database(document, behind), "--workers", "1")
    thief.close()
    expect_equal(thief.stolen, 1, "answers lost")
    expect_equal(versions(database, "clinic"), [1], "versions")
    DatabaseVersion(database, "clinic").check()
    run_well("run", into_database(document, database), "--workers", "1")
    check_chain(database, "clinic")


def test_promises_are_checked():
    folder = scratch("promises")
    document = clinic(folder, patients=300)
    run_well("keys", "new", f"{folder}/people.key")
    database = fresh_target("promises")
    misspelt = run("plan", into_database(document, database, "a", ", tables: {patient: {primary_key: id}}"))
    expect(misspelt.status == 2 and 'did you mean "patients"?' in misspelt.text, f"{misspelt.status}: {misspelt.text[-500:]}")
    column = run("plan", into_database(document, database, "b", ", tables: {patients: {primary_key: ids}}"))
    expect(column.status == 2 and 'did you mean "id"?' in column.text, f"{column.status}: {column.text[-500:]}")
    broken = run("run", into_database(document, database, "c", ", tables: {visits: {unique: [[patient_id]]}}"))
    expect(broken.status not in (0, 2), f"exit code {broken.status}")
    expect('visits: ' in broken.text and '"patient_id"' in broken.text, broken.text[-500:])
    expect_equal(versions(database, "clinic"), [], "versions after the failure")
    expect_equal(database.execute("select count(*) from etl.attempt"), [(0,)], "attempts after the failure")
    readers = run("run", into_database(document, database, "d", ", readers: [nobody_at_all]"))
    expect(readers.status != 0 and "nobody_at_all" in readers.text, readers.text[-500:])
