"""The example over real customers: what was imported is what the file says, counted apart."""

import csv
import gzip
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from reciprocity.brand import law_packs, load
from reciprocity.collect.imports import import_people
from reciprocity.collect.mapping import read_mapping

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RECIPROCITY_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "hillstrom.csv.gz"
EXAMPLE = ROOT / "examples" / "hillstrom"
ROWS = 3_000


def test_the_example_says_of_everybody_what_their_row_says(shop) -> None:
    if not FILE.exists():
        missing = f"no Hillstrom data in {DATA}: see RECIPROCITY_DATA"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with gzip.open(FILE, "rt", encoding="utf-8") as whole:
        head = list(islice(whole, ROWS + 1))
    (shop.folder / "head.csv").write_text("".join(head), "utf-8")
    rows = list(csv.DictReader(head))
    statement = load(EXAMPLE).statement
    report = import_people(
        shop.journal, statement, law_packs(statement.laws), read_mapping(EXAMPLE / "mapping.toml"),
        shop.folder / "head.csv", shop.folder / "rejects.csv", operator="ada",
    )  # fmt: skip
    assert (report.rows, report.new, report.refused, report.events) == (ROWS, ROWS, 0, ROWS)

    wanted: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        yes = row["segment"] != "No E-Mail"
        wanted[
            "given" if yes else "refused",
            yes and row["mens"] == "1",
            yes and row["womens"] == "1",
            tuple(sorted({
                "recency": int(row["recency"]),
                "history": int(float(row["history"])),
                "zip_code": row["zip_code"],
                "channel": row["channel"],
                "newbie": row["newbie"] == "1",
            }.items())) if yes else (),
        ] += 1  # fmt: skip
    found = Counter(
        (
            kept.standing.wishes.answers["offers/email"].state.value,
            "mens" in kept.standing.wishes.topics,
            "womens" in kept.standing.wishes.topics,
            tuple(sorted(kept.clear.items())),
        )
        for kept in shop.journal.everyone()
    )
    assert found == wanted
    assert shop.profile("c00001@example.com").attributes["recency"] == int(rows[0]["recency"])


def test_everything_the_example_says_names_its_permissions_simulated() -> None:
    mapping = read_mapping(EXAMPLE / "mapping.toml")
    brand = load(EXAMPLE)
    assert "simulated" in mapping.name
    assert all("SIMULATED" in each.value for each in (mapping.evidence.how, mapping.evidence.text))
    assert "simulated" in brand.statement.name
    for notice in brand.statement.notices.values():
        assert all("SIMULATED" in text for text in notice.text.values())
    for message in brand.campaigns["spring"].messages.values():
        assert "SIMULATED" in message.text
        assert "SIMULATED" in message.html
