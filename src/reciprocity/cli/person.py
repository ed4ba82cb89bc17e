"""One person: what stands for them, becoming known, addresses and attributes, being erased."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli import wishes
from reciprocity.cli.acting import Method, Who, report
from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, SaveReceipt, front_of, opened, pairs, print_json, written
from reciprocity.errors import Conflict, InputError

if TYPE_CHECKING:
    from reciprocity.consent.draft import Drafted, Saying
    from reciprocity.platform import Reciprocity

__all__ = ["app"]

app = typer.Typer()
person = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(person, name="person", help="Show, and act for, one person.")
person.add_typer(wishes.app)


@person.command()
def show(
    context: typer.Context,
    who: Who,
    *,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Addresses and values in clear; goes on record.")
    ] = False,
    events: Annotated[int, typer.Option("--events", min=0, help="How many last events.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what stands for a person: yes and no, wishes, addresses, last events."""
    from reciprocity.cli.standing import view_of

    with opened(context) as shop:
        slot = shop.find(who)
        if reveal:
            shop.note_look(slot, front_of(context).actor)
        found = view_of(shop.journal, slot, reveal=reveal, events=events)
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import screen
    from reciprocity.cli.standing import draw

    draw(found, screen())


@person.command()
def proof(
    context: typer.Context,
    who: Who,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")
    ],
    since: Annotated[
        list[int] | None,
        typer.Option(
            "--since", min=0, metavar="SIZE", help="How large they saw the log before. Repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is recorded of a person, and why it is all: they can check it offline."""
    from reciprocity.prove.person import person_proof

    with opened(context) as shop:
        slot = shop.find(who)
        shop.note_look(slot, front_of(context).actor)
        found = person_proof(shop.journal, slot, since or [])
    written(output, found.encode())
    told = {"events": len(found.events), "covered": found.epoch.version, "file": str(output)}
    if as_json:
        print_json(told)
        return
    from reciprocity.cli.screen import counted

    events = counted(len(found.events), "event")
    print(f"{events}, {found.epoch.version} of them in an epoch: {output}")
    print("whoever holds the file can read it; check it with `reciprocity verify person`")


@person.command()
def add(
    context: typer.Context,
    *,
    external_id: Annotated[
        str, typer.Option("--id", metavar="ID", help="How your other systems call the person.")
    ] = "",
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="CHANNEL=ADDRESS", help="May be repeated."),
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They proved that the addresses are theirs.")
    ] = False,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Make a person known; nothing is granted by it."""
    from reciprocity.vault.people import register

    actor, addresses = front_of(context).actor, pairs(address or [], "address")
    with opened(context) as shop:
        try:
            appended = register(
                shop.journal,
                shop.statement,
                actor=actor,
                external_id=external_id,
                addresses=addresses,
                confirmed=confirmed,
                method=method,
            )
        except Conflict as error:
            named = [f"id:{external_id}"] if external_id else []
            _point_to(shop, [*named, *addresses.values()], error)
            raise
        report(shop, [appended.position], receipt, as_json=as_json)


def _point_to(shop: "Reciprocity", names: list[str], conflict: Conflict) -> None:
    """Raise `Conflict` that says whom to act for, if somebody is known by one of *names*.

    By their pseudonyms, since no error repeats what somebody is called.
    """
    found = dict[str, None]()
    for name in names:
        with suppress(InputError):
            found[shop.journal.pseudonym(shop.find(name))] = None
    if found:
        commands = " or ".join(f"`reciprocity person show {one}`" for one in found)
        raise Conflict(
            "person is known already by one of these identities: act for them instead, "
            f"{commands}; nothing was done"
        ) from conflict


@person.command("set")
def set_facts(
    context: typer.Context,
    who: Who,
    *,
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="CHANNEL=ADDRESS", help="May be repeated."),
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They proved that the addresses are theirs.")
    ] = False,
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="NAME=VALUE", help="Without VALUE, it is taken back."),
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(
            "--share",
            metavar="PURPOSE=NAMES",
            help="All attributes shared for the purpose from now on, with commas between.",
        ),
    ] = None,
    age: Annotated[
        int, typer.Option("--age-at-least", min=0, max=120, help="They state to be that old.")
    ] = 0,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Set addresses, attribute values, what is shared for which purpose, a least age."""
    from reciprocity.vault.people import set_address
    from reciprocity.vault.profile import set_attributes

    actor = front_of(context).actor
    addresses, values = pairs(address or [], "address"), pairs(attribute or [], "attribute")
    shares = pairs(share or [], "share")
    shared = {name: [one for one in each.split(",") if one] for name, each in shares.items()}
    if not (addresses or values or shared or age):
        raise InputError("nothing to set: give --address, --attribute, --share or --age-at-least")
    with opened(context) as shop:
        slot, positions = shop.find(who), list[int]()
        if values or shared:
            told = {name: _value(shop, name, text) for name, text in values.items()}
            done = set_attributes(
                shop.journal, shop.statement, slot, told, shared=shared, actor=actor, method=method
            )
            positions += [done.position] if done else []
        for channel, text in addresses.items():
            done = set_address(
                shop.journal, shop.statement, slot, channel, text,
                confirmed=confirmed, actor=actor, method=method,
            )  # fmt: skip
            positions += [done.position] if done else []
        if age:
            stated, _ = shop.act(slot, lambda: _age(shop.saying(actor, method), age))
            positions.append(stated.position)
        report(shop, positions, receipt, as_json=as_json)


def _age(saying: "Saying", years: int) -> "Drafted":
    from reciprocity.consent.draft import said_by

    return "age.stated", said_by(saying, age_at_least=years)


def _value(shop: "Reciprocity", name: str, text: str) -> int | bool | str | None:
    """*text* as a value of the type that attribute *name* is declared with; None for no text."""
    declared = shop.statement.attributes.get(name)
    if not text or declared is None:
        return text or None
    if declared.type == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
    if declared.type == "integer" and text.removeprefix("-").isdecimal() and text.isascii():
        return int(text)
    return text


@person.command()
def erase(
    context: typer.Context,
    who: Who,
    *,
    now: Annotated[bool, typer.Option("--now", help="At once: there is no undoing it.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the request back, in time.")] = False,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person, 48 hours from now unless taken back; nothing is sent from now on."""
    actor = front_of(context).actor
    if now and undo:
        raise InputError("erasure cannot be undone and done at once: give --now or --undo")
    with opened(context) as shop:
        slot = shop.find(who)
        if now:
            done, _ = shop.erase(slot, actor, now=True)
        elif undo:
            done, _ = shop.undo_erasure(slot, actor, method)
        else:
            done, _ = shop.ask_erasure(slot, actor, method)
        report(shop, [done.position], receipt, as_json=as_json)


@person.command()
def merge(
    context: typer.Context,
    who: Who,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="Who is the same person, as for PERSON.")
    ],
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Bring two records of one person to the strictest wishes of both; nothing is granted."""
    actor = front_of(context).actor
    with opened(context) as shop:
        done = shop.merge(shop.find(who), shop.find(other), actor)
        report(shop, [each.position for each in done], receipt, as_json=as_json)
