"""Runs stopped at random moments from sealing to their end: what they say, the ledger and the store agree, for good.

By default a dozen stops; with ETL_NIGHT=1 three hundred, and records that are held for up to half a minute.
"""
import concurrent.futures
import errno
import random

from lib.checks import expect, expect_equal
from lib.etlx import run_well
from lib.marks import by_night, long
from lib.s3 import real_server
from lib.stops import Folder, Postgres, S3, states, stop_often


@long
def test_stopped_while_publishing():
    endpoints = real_server()
    lanes = by_night(
        [("folder", 3.0, 50)] * 2 + [("bucket", 30.0, 25)] * 4 + [("database", 5.0, 50)] * 2,
        [("folder", 0.5, 5), ("bucket", 3.0, 5), ("database", 1.0, 5)])
    makers = {
        "folder": lambda hold: lambda chance: Folder(hold, chance),
        "bucket": lambda hold: lambda chance: S3(hold, chance, endpoints),
        "database": lambda hold: lambda chance: Postgres(hold, chance),
    }
    seeds = random.Random()
    # Most of a stop is waiting: lanes go on beside each other.
    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        running = [
            pool.submit(stop_often, makers[kind](hold), count, seeds.randrange(1 << 32)) for kind, hold, count in lanes]
        done = [lane.exception() or lane.result() for lane in running]
    failures = [str(outcome) for outcome in done if isinstance(outcome, BaseException)]
    expect(not failures, "\n".join(failures))
    return "; ".join(done)


def test_flush_that_fails_behind_the_link():
    """The version is there and may not last: no failure is told, nothing is removed, and the next run settles it."""
    place = Folder(0.0, random.Random(1))
    run_well_in(place)
    for wrong, number in (("FLUSH", errno.EIO), ("FLUSH", errno.ENOSPC), ("FLUSH", errno.EDQUOT), ("LINK", errno.EIO)):
        known = states(place.ledger())
        result = place.pipeline.run(
            {"directory": place.store}, **{"LD_PRELOAD": place.library, f"ETL_TEST_{wrong}_ERROR": str(number)})
        name = (set(states(place.ledger())) - set(known)).pop()
        versions = place.attempts()
        if wrong == "LINK":
            # The name of our own file is the proof that it was made.
            expect_equal((result.status, states(place.ledger())[name]), (0, "published"), f"a link that was made: {result.text[-500:]}")
            continue
        expect_equal(result.status, 6, f"errno {number}: exit code ({result.text[-500:]})")
        expect("nothing was removed" in result.err, f"errno {number}: {result.err[-500:]}")
        expect_equal(states(place.ledger())[name], "committing", f"errno {number}: the ledger")
        expect(place.holds(name) and versions[max(versions)] == name, f"errno {number}: the version is not there")
        run_well("modules", place.store, "verify", f"clinic@{max(versions)}")
        result = run_well_in(place)
        expect(f"is version {max(versions)}" in result.err, f"errno {number}: what became of it is not told: {result.text[-500:]}")
        expect_equal(states(place.ledger())[name], "published", f"errno {number}: the ledger afterwards")
    run_well("modules", place.store, "verify", "clinic")


def run_well_in(place: Folder):
    result = place.run()
    expect(result.status == 0, f"the run ended with {result.status}: {result.text[-1500:]}")
    return result
