"""A word that no condition knows never gives, and never hides what somebody took back."""

from pathlib import Path

import pytest

from reciprocity.collect.imports import ImportReport
from reciprocity.collect.mapping import read_mapping
from reciprocity.errors import InputError
from tests.collect.test_imports import ANN

BASE = """
name = "crm"
external_id = "id"

[points.email]
column = "mail"

[[consent]]
purpose = "offers"
channel = "email"
state = "given"
if = { column = "offers", is = ["yes"] }

[evidence]
when = "when"
how = "how"
text = { value = "the 2025 form" }
"""
FLAG = '{ column = "flag", is = ["ja"], is_not = ["nein", "-"] }'
RULE = '\n[[consent]]\npurpose = "{}"\nchannel = "email"\nstate = "{}"\nif = {}\n'
TAKING = {
    "withdrawn": BASE + RULE.format("marketing", "withdrawn", FLAG),
    "refused": BASE + RULE.format("offers", "refused", FLAG),
    "objection": BASE + f'\n[[objections]]\npurpose = "*"\nif = {FLAG}\n',
    "bounced": BASE.replace('"mail"', f'"mail"\nbounced = {FLAG}'),
}
WITHDRAWN = TAKING["withdrawn"]


def row(flag: str, offers: str = "yes", number: int = 1) -> str:
    return f"{number},p{number}@shop.example,{offers},{flag},2026-03-01,form\n"


def take(shop, mapping: str, *rows: str) -> ImportReport:
    source = shop.folder / "people.csv"
    source.write_text("id,mail,offers,flag,when,how\n" + "".join(rows), "utf-8")
    return shop.take(source, mapping=mapping)


def lost(shop) -> bool:
    """Did person 1 lose what a yes alone would have given them?"""
    wishes = shop.standing("1").wishes
    stands = shop.state("1") == "given" and not wishes.objections
    return not stands or wishes.points["email"].bounced


@pytest.mark.parametrize("taking", TAKING)
@pytest.mark.parametrize("flag", ["vielleicht", "x", "1", "no", "2025-03-01", "jа", "N/A"])  # noqa: RUF001  (a Cyrillic a)
def test_a_word_that_may_take_away_and_is_not_known_gives_nothing(
    shop, taking: str, flag: str
) -> None:
    report = take(shop, TAKING[taking], row(flag), row("nein", number=2))
    assert (report.new, report.refused, shop.journal.count()) == (1, 1, 1)
    ((line, reason),) = shop.rejects()
    assert line == 2
    assert "column 'flag'" in reason
    assert "add it to the `is` of a rule, or to `is_not`" in reason


@pytest.mark.parametrize("taking", TAKING)
@pytest.mark.parametrize("flag", ["ja", "JA", " Ja\t", "\xa0jA"])
def test_a_word_takes_away_in_any_case_and_with_any_blanks(shop, taking: str, flag: str) -> None:
    assert take(shop, TAKING[taking], row(flag)).refused == 0
    assert lost(shop)


@pytest.mark.parametrize("taking", TAKING)
@pytest.mark.parametrize("flag", ["", "  ", "nein", "NEIN", " - "])
def test_a_word_that_is_said_to_take_nothing_takes_nothing(shop, taking: str, flag: str) -> None:
    assert take(shop, TAKING[taking], row(flag)).refused == 0
    assert not lost(shop)


def test_a_row_in_doubt_still_takes_away_what_another_column_says(shop) -> None:
    mapping = WITHDRAWN + RULE.format("news", "refused", '{ column = "how", is = ["letter"] }')
    known = mapping.replace('["letter"]', '["letter"], is_not = ["form"]')
    take(shop, known, row("nein"))
    take(shop, known, row("vielleicht").replace("form", "letter"))
    assert (shop.state("1"), shop.state("1", "news/email")) == ("given", "refused")
    assert "what it takes away was taken" in shop.rejects()[0][1]


def test_a_word_of_any_condition_over_the_column_is_known_to_all(shop) -> None:
    both = BASE + RULE.format("offers", "refused", '{ column = "offers", is = ["no"] }')
    words = ("yes", "no", "NO", "", "never", "false")
    report = take(shop, both, *(row("", offers, number) for number, offers in enumerate(words, 1)))
    assert [shop.state(str(number)) for number in range(1, 5)] == [
        "given", "refused", "refused", "never_asked",
    ]  # fmt: skip
    assert (report.new, [line for line, _ in shop.rejects()]) == (4, [6, 7])


def test_a_word_that_only_gives_and_is_not_known_gives_nothing(shop) -> None:
    report = take(shop, BASE, row("", "vielleicht"))
    assert (report.new, report.refused, shop.state("1")) == (1, 0, "never_asked")


def test_the_report_counts_by_column_the_words_that_no_condition_knows(shop) -> None:
    words = ("yes", "YES", "perhaps", "Perhaps", "no", "0", "N", "False", " ", "nein")
    rows = [row("", offers, number) for number, offers in enumerate(words, 1)]
    report = take(shop, WITHDRAWN, *rows, row("x", number=20), row("y", number=21), "22,a\n")
    assert (report.new, report.refused) == (10, 3)
    assert report.unknown_words == {"flag": 2, "offers": 3}
    assert take(shop, WITHDRAWN, *rows[:2]).unknown_words == {}


@pytest.mark.parametrize(
    ("flag", "shown"),
    [
        ("vielleicht", True), ("N/A", True), ("opt-out", True), ("JA!", True), ("?", True),
        ("12", True), ("ann@shop.example", False), ("Ann Smith", False), ("1980-02-29", False),
        ("0301234567", False), ("Donaudampfschiff", False), ("she called on Monday", False),
    ],
)  # fmt: skip
def test_a_cell_is_repeated_only_if_it_is_a_flag(shop, flag: str, shown: bool) -> None:  # noqa: FBT001
    take(shop, WITHDRAWN, row(flag))
    ((_, reason),) = shop.rejects()
    assert (repr(flag) in reason) is (flag in reason) is shown


def test_a_condition_that_says_both_of_a_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(WITHDRAWN.replace('["nein", "-"]', '["nein", " JA"]'), "utf-8")
    with pytest.raises(InputError, match=r"consent\[1\]\.if: 'ja' is in `is` and in `is_not`"):
        read_mapping(path)


@pytest.mark.parametrize("turned", [False, True])
def test_a_row_in_doubt_holds_back_the_yes_of_the_same_person_in_another(shop, turned) -> None:
    rows = [{**ANN, "offers": "STOPP", "id": ""}, ANN]
    report = shop.import_rows(*(reversed(rows) if turned else rows))
    assert (report.new, report.refused, report.events) == (0, 2, 0)
    assert "another row of this person" in " ".join(reason for _, reason in shop.rejects())
