"""What is published is complete: the reference lists every fact and every reason, in order."""

import msgspec

from docs.build import ROOT
from reciprocity.decide.facts import FACTS
from reciprocity.decide.one import meaning_of
from reciprocity.decide.rulebook import REASONS, Rulebook, first_rulebook
from reciprocity.decide.tree import TermType
from reciprocity.events import canonical
from tests.decide.samples import BRAND, with_rules

REFERENCE = ROOT / "docs" / "reference"


def rows_of(name: str) -> list[str]:
    lines = (REFERENCE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| `")]


def shown(fact_type: TermType, value: int, values: tuple[str, ...]) -> str:
    if fact_type is TermType.BOOLEAN:
        return "TRUE" if value else "FALSE"
    return f"`{values[value]}`" if values else f"{value:,}"


def test_every_fact_is_in_the_reference_in_its_published_order():
    assert rows_of("facts.md") == [
        f"| `{fact.name}` | {fact.type.value} | {fact.source.value} | "
        f"{shown(fact.type, fact.refusing, fact.values)} | {fact.meaning} |"
        for fact in FACTS
    ]


def test_the_published_codes_of_enums_are_in_the_reference():
    text = (REFERENCE / "facts.md").read_text(encoding="utf-8")
    for fact in FACTS:
        if fact.values:
            codes = ", ".join(f"{code} {value}" for code, value in enumerate(fact.values))
            assert f"`{fact.name}`: {codes}" in text


def test_every_reason_is_in_the_reference_in_the_order_that_counts():
    assert rows_of("reasons.md") == [
        f"| `{reason.name}` | {reason.kind.value} | "
        f"{'every' if len(reason.bases) > 1 else 'consent'} | {reason.meaning} | "
        + (f"`{reason.when}`" if reason.when else "")
        + " |"
        for reason in REASONS
    ]


def test_every_reason_of_a_rulebook_is_published():
    names = {reason.name for reason in REASONS}
    for line in first_rulebook(with_rules(("own", "stated_age < 21"))).rules:
        assert line.reason in names or line.reason == "brand:own"
        assert meaning_of(line.reason) != line.reason


def test_a_rulebook_reads_back_from_the_log_as_it_was_stated():
    rulebook = first_rulebook(
        with_rules(("a", "recency > 6"), ("b", "channel IN ('Web', 'it''s') AND objected"))
    )
    text = canonical(rulebook)
    assert msgspec.json.decode(text, type=Rulebook) == rulebook
    assert canonical(msgspec.json.decode(text, type=Rulebook)) == text
    assert first_rulebook(BRAND) != rulebook
