"""Tables as people see them: whole words, no blanks at the ends, values that can be read."""

import pytest
from rich.table import Table

from reciprocity.cli.screen import plain_table, screen
from reciprocity.cli.tables import campaigns_table, feedback_table, funnel_table, why_table
from reciprocity.decide.one import Named, Why
from reciprocity.listen.feedback import Said
from reciprocity.listen.funnel import Funnel
from reciprocity.model import Decision, Verdict
from reciprocity.platform.campaigns import Listed, ListedMessage
from tests.cli.conftest import Shop

AT = 1_790_000_000_000
DAY = 86_400_000


def drawn(table: Table, capsys: pytest.CaptureFixture[str]) -> str:
    screen().print(table)
    return capsys.readouterr().out


def listed(name: str, subject: str) -> Listed:
    message = ListedMessage(message=name, channel="email", purpose="offers", subject=subject)
    return Listed(
        campaign=name, title="", opens=AT, closes=AT + DAY, in_force=True, applied=True,
        sent_at=AT, waiting=1_234, messages=[message],
    )  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_table_of_campaigns_breaks_no_id(width: int, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    found = [listed("bestseller", "Flour from the mill next door " * 3), listed("spring", "Seeds")]
    out = drawn(campaigns_table(found, AT), capsys)
    assert out.count("bestseller") == 2
    assert max(map(len, out.splitlines())) <= width


def test_a_table_takes_the_columns_it_is_told_of_and_a_word_that_has_no_room_is_folded(
    capsys, monkeypatch
):
    table = plain_table("id", "text")
    table.add_row("a-long-id", "words " * 30)
    for width, whole in ((200, True), (60, True), (40, True), (9, False)):
        monkeypatch.setenv("COLUMNS", str(width))
        out = drawn(table, capsys)
        assert max(map(len, out.splitlines())) <= width
        assert ("a-long-id" in out) == whole
        assert "".join(out.split()).count("w") == 30
    monkeypatch.setenv("COLUMNS", "wide")
    assert 100 < max(map(len, drawn(table, capsys).splitlines())) <= 120


def test_lines_end_with_what_they_say(shop: Shop):
    shop.yes("ann", "kitchen=2")
    for command in (("campaigns",), ("plan", "spring"), ("why", "id:ann", "kitchen"), ("rules",)):
        lines = shop.done(*command).out.split("\n")
        assert all(line == line.rstrip() for line in lines)


def test_every_column_of_figures_has_a_heading(capsys):
    asked = Funnel(purpose="offers", channel="email", asked=2, confirmed=1)
    said = Said(message="m", occasion="o", delivered=2, useful=1, not_for_me=1)
    assert "share confirmed" in drawn(funnel_table([asked]), capsys)
    assert "share useful" in drawn(feedback_table([said]), capsys)


def test_facts_are_told_as_people_read_time(capsys):
    values = {"cap_free_at": AT, "quiet_ends_at": 0, "minute_of_day": 973, "quiet_until": 1_440,
              "cap_7_used": 3}  # fmt: skip
    found = Why(
        message="m", meaning="", rule="", decision=Decision(verdict=Verdict.DELIVER),
        facts=tuple(Named(name=name, value=str(value)) for name, value in values.items()),
    )  # fmt: skip
    rows = [line.split(maxsplit=1) for line in drawn(why_table(found), capsys).splitlines()]
    told = {row[0]: row[1] for row in rows if len(row) == 2}
    assert told["cap_free_at"] == "2026-09-21 14:13 UTC"
    assert told["quiet_ends_at"] == "none"
    assert (told["minute_of_day"], told["quiet_until"]) == ("16:13", "24:00")
    assert told["cap_7_used"] == "3"
