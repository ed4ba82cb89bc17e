"""A key lets in who holds it, for what it names, until it is revoked."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError
from reciprocity.http.api.keys import DAY_MS, ApiKey, ApiKeys, Scope
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = [Scope.PEOPLE_READ]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Iterator[ApiKeys]:
    with closing(ApiKeys(tmp_path, clock)) as keys:
        yield keys


def test_a_key_lets_in_who_holds_it_for_what_it_names(keys: ApiKeys) -> None:
    made = keys.add("till", [Scope.PEOPLE_READ, Scope.CONSENT_WRITE], 30)
    found = keys.let_in(made.token)
    assert found
    assert (found.name, found.actor) == ("till", "operator:till")
    assert found.scopes == (Scope.CONSENT_WRITE, Scope.PEOPLE_READ)


def test_any_other_token_lets_nobody_in(keys: ApiKeys) -> None:
    one, two = keys.add("one", READ, 30).token, keys.add("two", READ, 30).token
    mixed = f"{one[:19]}_{two[20:]}"  # the first key's public part, the second's secret
    last = "A" if one[-1] != "A" else "B"
    for token in ("", "rk_", one[:-1], f"{one}x", one[:-1] + last, mixed, "\ud800", one.upper()):
        assert keys.let_in(token) is None


def test_another_process_refuses_a_revoked_key_at_once(
    keys: ApiKeys, tmp_path: Path, clock: Clock
) -> None:
    token = keys.add("till", READ, 30).token
    with closing(ApiKeys(tmp_path, clock)) as other:
        assert keys.let_in(token)
        assert other.revoke("till")
        assert keys.let_in(token) is None
        assert not other.revoke("till")


def test_a_key_ends_on_time(keys: ApiKeys, clock: Clock) -> None:
    token = keys.add("till", READ, 1).token
    clock.at += DAY_MS - 1
    assert keys.let_in(token)
    clock.at += 1
    assert keys.let_in(token) is None


def test_only_the_day_of_the_last_use_is_kept(keys: ApiKeys, clock: Clock) -> None:
    token = keys.add("till", READ, 30).token
    assert used(keys) == -1
    keys.let_in(token)
    assert used(keys) == clock.at // DAY_MS
    clock.at += 3 * DAY_MS
    keys.let_in(f"{token}x")
    assert used(keys) == clock.at // DAY_MS - 3
    keys.let_in(token)
    assert used(keys) == clock.at // DAY_MS


def used(keys: ApiKeys) -> int:
    return only(keys).last_used_on


def only(keys: ApiKeys) -> ApiKey:
    (key,) = keys.all()
    return key


def test_no_file_holds_the_secret(keys: ApiKeys, tmp_path: Path) -> None:
    secret = keys.add("till", READ, 30).token[20:].encode()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"till" in written
    assert secret not in written


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", READ, 1),
        ("Till", READ, 1),
        ("a" * 49, READ, 1),
        ("till\n", READ, 1),
        ("till", [], 1),
        ("till", READ, 0),
        ("till", READ, 3_651),
    ],
)
def test_what_is_no_key_is_refused(
    keys: ApiKeys, name: str, scopes: list[Scope], days: int
) -> None:
    with pytest.raises(InputError):
        keys.add(name, scopes, days)
    assert keys.all() == []


def test_a_name_is_never_given_twice(keys: ApiKeys) -> None:
    keys.add("till", READ, 30)
    keys.revoke("till")
    with pytest.raises(InputError, match="another name"):
        keys.add("till", READ, 30)
    with pytest.raises(InputError, match="not there"):
        keys.revoke("desk")
