"""Keys for programs: add, list, revoke. Adding and revoking are operators' acts, on record."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, front_of, opened, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.http.api.keys import ApiKey, ApiKeys, Scope
    from reciprocity.platform import Reciprocity

__all__ = ["app"]

app = typer.Typer()
api_key = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(api_key, name="api-key", help="Keys by which programs use the JSON API.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The key's name, as the journal says.")]


@api_key.command()
def add(
    context: typer.Context,
    name: Name,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="people:read, consent:write, events:write, decisions, impressions:write, metrics; "
            "may be repeated.",
        ),
    ],
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="How long it works, at most 3650.")
    ] = 365,
    as_json: AsJson = False,
) -> None:
    """Add a key and print it, this once: only a hash of it is kept."""
    scopes = [_scope(word) for word in scope]
    with _keys(context) as (shop, keys):
        keys.check(name, scopes, days)
        # On record first: a key that works and that nobody has on record must not be.
        _note(shop, front_of(context).actor, "api_key.added", name, scopes)
        made = keys.add(name, scopes, days)
    if as_json:
        print_json({**_told(made.key), "key": made.token})
        return
    print(made.token)
    print(f"API key {name} works until {_day(made.key.until)}; it is not shown again")


@api_key.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys: scopes, until when, and the day each was last used."""
    with _keys(context) as (_, keys):
        found = keys.all()
        now = keys.now()
    if as_json:
        print_json({"keys": [_told(key) for key in found]})
        return
    for key in found:
        state = "revoked" if key.revoked else "expired" if now >= key.until else "in force"
        used = _told(key)["last_used_on"] or "never"
        print(f"{key.name}: {state} until {_day(key.until)}, last used {used}, "
              f"{' '.join(key.scopes)}")  # fmt: skip
    if not found:
        print("no API key was added yet")


@api_key.command()
def revoke(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Refuse a key from the next request on."""
    with _keys(context) as (shop, keys):
        changed = keys.revoke(name)  # first: what takes away waits for nothing
        if changed:
            _note(shop, front_of(context).actor, "api_key.revoked", name, ())
    if as_json:
        print_json({"name": name, "revoked": True, "changed": changed})
    else:
        print(f"API key {name} is revoked" if changed else f"API key {name} was revoked before")


@contextmanager
def _keys(context: typer.Context) -> Iterator[tuple["Reciprocity", "ApiKeys"]]:
    from reciprocity.http.api.keys import ApiKeys

    with opened(context) as shop, closing(ApiKeys(shop.journal.folder, shop.journal.clock)) as keys:
        yield shop, keys


def _scope(word: str) -> "Scope":
    from reciprocity.http.api.keys import Scope

    try:
        return Scope(word)
    except ValueError:
        raise InputError(f"scope {word[:32]!r} is none of {', '.join(Scope)}") from None


def _note(
    shop: "Reciprocity", actor: str, act: str, name: str, scopes: "list[Scope] | tuple[()]"
) -> None:
    import msgspec

    from reciprocity.events import OperatorActed, canonical
    from reciprocity.journal.entry import Entry

    detail = msgspec.Raw(canonical({"name": name, "scopes": sorted(set(scopes))}))
    body = OperatorActed(actor=actor, act=act, detail=detail)
    shop.journal.append([Entry(kind="operator.acted", body=body)])


def _told(key: "ApiKey") -> dict[str, object]:
    from reciprocity.http.api.keys import DAY_MS

    used = "" if key.last_used_on < 0 else _day(key.last_used_on * DAY_MS)
    return {
        "name": key.name,
        "scopes": list(key.scopes),
        "added_on": _day(key.added_on * DAY_MS),
        "until": _day(key.until),
        "revoked": key.revoked,
        "last_used_on": used,
    }


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
