"""API keys from the command line: shown once, and who gave or took one is on record."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from reciprocity.http.api.keys import ApiKeys
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


def recorded(shop: Shop) -> list[tuple[str, str, object]]:
    """The acts on API keys that the journal holds: who, what, of which key."""
    with Reciprocity.open(shop.folder) as opened:
        told = [
            json.loads(each.text)["body"] for each in opened.journal.brand_events("operator.acted")
        ]
    return [
        (body["actor"], body["act"], body["detail"])
        for body in told
        if body["act"].startswith("api_key.")
    ]


def lets_in(shop: Shop, token: str) -> bool:
    with Reciprocity.open(shop.folder) as opened:
        journal = opened.journal
        with closing(ApiKeys(journal.folder, journal.clock)) as keys:
            return keys.let_in(token) is not None


def test_a_key_is_shown_once_and_both_acts_are_on_record(shop: Shop) -> None:
    scopes = ("--scope", "people:read", "--scope", "consent:write")
    token = shop.done("api-key", "add", "till", *scopes).out.splitlines()[0]
    assert lets_in(shop, token)
    listed = shop.done("api-key", "list")
    assert "till: in force" in listed.out
    assert token[20:] not in listed.out + shop.done("api-key", "list", "--json").out
    assert "is revoked" in shop.done("api-key", "revoke", "till").out
    assert not lets_in(shop, token)
    assert "before" in shop.done("api-key", "revoke", "till").out
    assert recorded(shop) == [
        ("operator:tests", "api_key.added",
         {"name": "till", "scopes": ["consent:write", "people:read"]}),
        ("operator:tests", "api_key.revoked", {"name": "till", "scopes": []}),
    ]  # fmt: skip


def test_a_refused_key_leaves_no_record(shop: Shop) -> None:
    assert "scope 'all'" in shop.refused("api-key", "add", "till", "--scope", "all").err
    shop.refused("api-key", "add", "Till", "--scope", "decisions")
    shop.refused("api-key", "revoke", "till")
    assert recorded(shop) == []
    assert "no API key" in shop.done("api-key", "list").out


def test_json_says_what_was_added(shop: Shop) -> None:
    told = shop.done("api-key", "add", "till", "--scope", "decisions", "--days", "1", "--json").json
    assert lets_in(shop, told["key"])
    (listed,) = shop.done("api-key", "list", "--json").json["keys"]
    assert listed["name"] == told["name"] == "till"
    assert (listed["scopes"], listed["revoked"]) == (["decisions"], False)
