"""The example documents of cluster/pipelines are run as they stand."""
import os
import shutil

import pyarrow.parquet

from lib.checks import expect, expect_equal
from lib.etlx import run_well
from lib.published import Version, audit, check_module
from lib.samples import sample
from lib.surroundings import ROOT, scratch

# Tests below, by document.
TESTED = {"pagila.yaml"}


def test_every_example_is_tested():
    expect_equal(set(os.listdir(f"{ROOT}/cluster/pipelines")), TESTED, "documents in cluster/pipelines")


def test_pagila():
    folder, database = scratch("pagila"), sample("pagila")
    shutil.copy(f"{ROOT}/cluster/pipelines/pagila.yaml", folder)
    run_well("keys", "new", f"{folder}/people.key")
    environment = {"PAGILA_URL": database.url, "PAGILA_KEYS": folder, "PAGILA_STORE": f"{folder}/modules"}
    run_well("plan", f"{folder}/pagila.yaml", env=environment)
    run_well("run", f"{folder}/pagila.yaml", "--workers", "2", env=environment)
    version = Version(f"{folder}/modules", "pagila-rentals")
    tables = {name: version.read(name) for name in version.record["tables"]}
    for name, rows in database.execute(
            "select 'customer', count(*) from customer union all select 'address', count(*) from address "
            "union all select 'rental', count(*) from rental union all select 'payment', count(*) from payment"):
        expect_equal(tables[name].num_rows, rows, f"rows of {name}")
    customers = set(tables["customer"].column("customer_id").to_pylist())
    for name in ("rental", "payment"):
        expect(set(tables[name].column("customer_id").to_pylist()) <= customers, f"{name} does not join to customer")
    expect(
        set(tables["payment"].column("rental_id").to_pylist()) <= set(tables["rental"].column("rental_id").to_pylist()),
        "payment does not join to rental")
    # Protected columns carry no statistics.
    footer = pyarrow.parquet.ParquetFile(version.parts("customer")[0]).metadata.row_group(0)
    for index in range(footer.num_columns):
        column = footer.column(index)
        if column.path_in_schema in ("customer_id", "first_name", "email", "create_date"):
            statistics = column.statistics
            expect(statistics is None or not statistics.has_min_max, f"{column.path_in_schema} is protected and has statistics")
    audit(version.all_parts())
    check_module(f"{folder}/modules", "pagila-rentals")
