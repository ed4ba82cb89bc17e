"""Every sentence of the pages is there in every language, with the same things in its places."""

from __future__ import annotations

import re

import pytest

from tests.http.catalogs import TRANSLATED, catalog, said

PLACES = re.compile(r"%\(\w+\)[sd]|<[^>]+>|&\w+;")


def test_the_pages_say_something() -> None:
    assert len(said()) > 20


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalog_has_what_is_said_and_nothing_else(language: str) -> None:
    assert {one.id for one in catalog(language)} == {one.id for one in said()}, (
        "run `make words`, then translate what is empty"
    )


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_and_keeps_its_places(language: str) -> None:
    for one in catalog(language):
        if not one.id:
            continue
        told = one.string if isinstance(one.string, tuple) else (one.string,)
        asked = one.id if isinstance(one.id, tuple) else (one.id,)
        assert not one.fuzzy, f"{asked[0]!r} is not sure of its {language}: nobody would see it"
        assert all(told), f"{asked[0]!r} is not translated into {language}"
        places = set(PLACES.findall(asked[-1]))
        for text in told:
            found = set(PLACES.findall(text))
            assert found <= places, text
            assert found == places or isinstance(one.id, tuple), text
