"""A program with a key, as tests play one."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

from reciprocity.http.api.keys import ApiKeys, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from httpx import Response

    from tests.http.conftest import Site

_numbers = count(1)


def new_key(
    folder: Path, clock: Callable[[], int], *scopes: Scope, name: str = "till"
) -> dict[str, str]:
    """The header of a new key to the brand in *folder*, for all *scopes* unless some are named."""
    with closing(ApiKeys(folder, clock)) as keys:
        return {"Authorization": f"Bearer {keys.add(name, scopes or tuple(Scope), 30).token}"}


def key_of(site: Site, *scopes: Scope, name: str = "till") -> dict[str, str]:
    return new_key(site.shop.journal.folder, site.clock, *scopes, name=name)


def fresh() -> str:
    """An Idempotency-Key that was not used before."""
    return f"test-{next(_numbers)}"


def write(
    site: Site, key: dict[str, str], path: str, said: Any, name: str | None = None
) -> Response:
    """POST *said* to *path*, under a fresh Idempotency-Key unless *name* is one."""
    headers = {**key, "Idempotency-Key": fresh() if name is None else name}
    return site.client.post(path, json=said, headers=headers)


def problem(got: Response, name: str, status: int) -> str:
    """The detail of the problem *name*, which *got* must be."""
    assert got.headers["content-type"].startswith("application/problem+json"), got.text
    told = got.json()
    assert (got.status_code, told["status"]) == (status, status), told
    assert told["type"] == f"urn:reciprocity:problem:{name}"
    assert told["title"]
    assert told["detail"]
    return str(told["detail"])
