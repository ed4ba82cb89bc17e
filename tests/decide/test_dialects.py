"""The rules in the dialects of others: as they were reviewed, and read back by each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlglot import exp, parse_one

from reciprocity.cli import main
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.decide.sql import DIALECTS, to_sql
from reciprocity.errors import InputError
from tests.decide.dialects import FOLDER, printed
from tests.decide.samples import with_rules
from tests.shop import new_shop

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = printed()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_rules_are_printed_as_they_were_reviewed(dialect: str) -> None:
    assert PRINTED[dialect] == (FOLDER / f"{dialect}.sql").read_text()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_reads_its_own_and_finds_every_reason(dialect: str) -> None:
    tree = parse_one(PRINTED[dialect], read=dialect)
    found = {literal.this for literal in tree.find_all(exp.Literal) if literal.is_string}
    rulebook = first_rulebook(with_rules(("large", "recency > 6 AND NOT newbie")))
    assert {line.reason for line in rulebook.rules} <= found
    assert {f"facts_incomplete:{term.name}" for term in rulebook.facts} <= found


def test_another_dialect_is_refused() -> None:
    with pytest.raises(InputError, match="none of bigquery, duckdb"):
        to_sql(first_rulebook(with_rules()), "dbase")


@pytest.mark.parametrize("table", ["", "facts; DROP TABLE x", "a.b.c.d", "1facts", 'f"'])
def test_a_table_is_a_name_and_nothing_else(table: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        to_sql(first_rulebook(with_rules()), "duckdb", table)


def test_the_command_prints_the_rules_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with new_shop(tmp_path) as shop:
        folder = str(shop.brand.folder)
    assert main(["--brand", folder, "rules", "--dialect", "spark", "--table", "dw.facts"]) == 0
    told = capsys.readouterr().out
    tables = {one.sql() for one in parse_one(told, read="spark").find_all(exp.Table)}
    assert "dw.facts" in tables
    assert "'quiet_time'" in told
    assert main(["--brand", folder, "rules", "--dialect", "dbase"]) == 2
