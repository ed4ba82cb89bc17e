"""`docs/reference/events.md` names every kind under its scope and every field of every body."""

import re

import pytest

from docs.build import ROOT
from reciprocity import events
from reciprocity.events import KINDS, Body, Envelope, Scope

PAGE = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
RECORDS = {
    Envelope,
    *(each for each in vars(events).values()
      if isinstance(each, type) and issubclass(each, Body) and each is not Body),
}  # fmt: skip


def fields() -> dict[str, list[str]]:
    """The fields that the page lists for each body, by its name."""
    sections = re.split(r"^### `(\w+)`$", PAGE, flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r"^- `(\w+)`: \S", text, flags=re.MULTILINE)
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }


@pytest.mark.parametrize("record", sorted(RECORDS, key=lambda each: each.__name__))
def test_every_field_of_a_body_is_explained(record):
    assert sorted(fields()[record.__name__]) == sorted(record.__struct_fields__)


def test_no_body_is_explained_that_does_not_exist():
    assert fields().keys() == {record.__name__ for record in RECORDS}


@pytest.mark.parametrize("scope", [Scope.PERSONAL, Scope.BRAND, Scope.PUBLIC])
def test_every_kind_stands_under_its_scope(scope):
    (section,) = (
        part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)
        if f"Scope: {scope.name.lower()}." in part
    )  # fmt: skip
    named = re.findall(r"^\| `([\w.]+)` \| (\d+) \|", section, flags=re.MULTILINE)
    expected = [key for key, kind in KINDS.items() if kind.scope is scope]
    assert [(name, int(version)) for name, version in named] == expected
