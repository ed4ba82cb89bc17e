"""Spark counts what DuckDB counts, to the letter: random people, and the 64,000 of the example."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reciprocity.collect.imports import import_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.decide.compile import compile_rulebook
from reciprocity.decide.facts import TERMS
from reciprocity.decide.many import count as by_duckdb
from reciprocity.decide.rulebook import EVERY_BASIS, Rulebook, RuleKind, RuleLine
from reciprocity.errors import InputError, Unavailable
from reciprocity.platform import Reciprocity
from tests.decide.conditions import conditions, few
from tests.decide.many.random_snapshot import snapshot_of
from tests.decide.people import person_of, prepared_of, stated_of
from tests.decide.samples import NOW, facts_with, rules_by_spark
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("RECIPROCITY_DATA", ROOT.parent / "shared" / "data"))
KEY = bytes(range(32))
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A session of the caller's own, which counting must leave as it was."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only `make test-long` brings it

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def test_random_people_and_messages_are_counted_and_chosen_alike(spark):
    from reciprocity.decide.many import spark as by_spark  # noqa: PLC0415

    rules = spark.conf.get("spark.sql.optimizer.excludedRules", None)
    for seed in range(6):
        dice = Random(seed)
        stated = stated_of(dice)
        everything = prepared_of(dice, 12, stated)
        people = [person_of(dice, slot, everything) for slot in range(300)]
        with TemporaryDirectory() as place:
            snapshot = snapshot_of(Path(place), stated, people, NOW)
            for occasion in ("spring", "summer"):
                messages = [one for one in everything if one.occasion == occasion]
                told = by_spark.count(snapshot, messages, NOW, KEY)
                assert told == by_duckdb.count(snapshot, messages, NOW, KEY)
    assert spark.conf.get("spark.sql.optimizer.excludedRules", None) == rules
    assert spark.conf.get("spark.sql.codegen.wholeStage") == "true"


@settings(max_examples=25, deadline=None)
@given(told=st.data())
def test_any_condition_of_the_language_means_the_same_on_spark(spark, told):
    condition, changes = told.draw(conditions), told.draw(few)
    line = RuleLine(reason="x", kind=RuleKind.REFUSE, bases=EVERY_BASIS, when=condition)
    rulebook = Rulebook(version="t", facts=TERMS, rules=(line,))
    people = [facts_with(**change) for change in changes]
    decide = compile_rulebook(rulebook).decide
    mine = [decide(facts, 0).reason for facts in people]
    assert mine == [reason for _, reason, _ in rules_by_spark(rulebook, people, spark)]


@pytest.mark.usefixtures("spark")
def test_the_64_000_of_the_example_are_planned_alike_by_all(tmp_path):
    file = DATA / "hillstrom.csv.gz"
    if not file.exists():
        reason = f"needs hillstrom.csv.gz in {DATA} (or set RECIPROCITY_DATA)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    home = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "hillstrom", home, ignore=shutil.ignore_patterns("run"))
    with Reciprocity.create(home) as shop:
        shop.apply("operator:tests")
        mapping = read_mapping(home / "mapping.toml")
        statement, laws = shop.statement, shop.laws
        import_people(
            shop.journal, statement, laws, mapping, file, tmp_path / "rejects.csv",
            operator="operator:tests",
        )  # fmt: skip
        shop.send("spring", "operator:tests")
        at = shop.journal.clock() + 1_000_000
        plans = [shop.plan("spring", at, engine=engine) for engine in ("python", "duckdb", "spark")]
    assert plans[0].people == 64_000
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.usefixtures("spark")
def test_a_null_or_another_type_of_column_permits_nothing():
    from reciprocity.decide.many import spark as by_spark  # noqa: PLC0415

    dice = Random(1)
    stated = stated_of(dice)
    messages = [one for one in prepared_of(dice, 6, stated) if one.occasion == "spring"]
    people = [person_of(dice, slot, messages) for slot in range(50)]
    with TemporaryDirectory() as place:
        snapshot = snapshot_of(Path(place), stated, people, NOW)
        file = snapshot.parts[0].people
        whole = pq.read_table(file)
        number = whole.schema.get_field_index("w0")
        nothing = pa.nulls(whole.num_rows, pa.int64())
        pq.write_table(whole.set_column(number, whole.schema.field(number), nothing), file)
        told = by_spark.count(snapshot, messages, NOW, KEY)
        assert all(one.reason for each in told.met for one in each)
        assert sum(told.chosen) == 0
        text = pa.array(["1"] * whole.num_rows)
        pq.write_table(whole.set_column(number, "w0", text), file)
        with pytest.raises(Unavailable, match="other columns"):
            by_spark.count(snapshot, messages, NOW, KEY)
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(Unavailable, match="delete the folder"):
            by_spark.count(snapshot, messages, NOW, KEY)
        with pytest.raises(InputError, match="good for the instant"):
            by_spark.count(snapshot, messages, NOW + 1, KEY)


def test_the_command_begins_and_ends_a_session_of_its_own(tmp_path):
    with new_shop(tmp_path) as shop:
        add_people(shop, 20, {"garden": 1, "kitchen": 2})
        withdraw(shop, 3)
        folder = str(shop.brand.folder)
    plan = [
        Path(sys.executable).with_name("reciprocity"),
        "--brand",
        folder,
        "plan",
        "spring",
        "--json",
    ]
    at = ["--at", "2027-01-01T00:00:00Z"]
    told = [
        subprocess.run([*plan, *at, *more], capture_output=True, text=True, check=True).stdout
        for more in ([], ["--engine", "spark"])
    ]
    assert told[0] == told[1]
    nothing = {**os.environ, "JAVA_HOME": str(tmp_path), "PATH": ""}
    failed = subprocess.run(
        [*plan, "--engine", "spark"], env=nothing, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 2
    assert "Java 17" in failed.stderr.replace("\n", " ")
