"""Acting for a person: the options such commands share, the act itself, and its report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reciprocity.cli.front import front_of, opened, print_json, written

if TYPE_CHECKING:
    from reciprocity.consent.draft import Drafted, Saying
    from reciprocity.consent.state import Wishes
    from reciprocity.platform import Reciprocity

__all__ = ["AnyPurposes", "Channels", "Method", "Purposes", "Who", "act", "report"]

Who = Annotated[
    str,
    typer.Argument(metavar="PERSON", help="An address, an external id (id:...) or a pseudonym."),
]
Purposes = Annotated[
    list[str], typer.Argument(metavar="PURPOSE...", help="Purposes, or behaviours.")
]
AnyPurposes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PURPOSE]...", help="Purposes, or behaviours; all unless named."),
]
Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", metavar="CHANNEL", help="On this channel only; may be repeated."),
]
Method = Annotated[
    str, typer.Option("--method", help="How they said it: phone, letter, counter, ...")
]


def act(
    context: typer.Context,
    who: str,
    method: str,
    receipt: Path | None,
    as_json: bool,
    draft: Callable[["Saying", "Wishes"], "Drafted"],
) -> None:
    """Append what *draft* makes of what stands for the person, and report it."""
    actor = front_of(context).actor
    with opened(context) as shop:
        slot = shop.find(who)
        appended, _ = shop.act(slot, lambda: draft(shop.saying(actor, method), shop.wishes(slot)))
        report(shop, [appended.position], receipt, as_json=as_json)


def report(shop: "Reciprocity", positions: list[int], save: Path | None, *, as_json: bool) -> None:
    """Say where each event stands, and save receipts: of several, as FILE, FILE.2, ..."""
    told = [_recorded(shop, position) for position in positions]
    if save is not None:
        for number, position in enumerate(positions, start=1):
            path = save if number == 1 else save.with_name(f"{save.name}.{number}")
            written(path, shop.receipt(position).encode())
    if as_json:
        print_json({"recorded": told})
        return
    for each in told:
        person = f"event {each['version']} of {each['person']}" if each["person"] else "the brand's"
        print(f"recorded: {each['kind']} at position {each['position']} ({person})")
    if not told:
        print("nothing changed: it stands so already")
    elif save is None:
        print(f"its receipt: reciprocity receipt {told[-1]['position']}")
    else:
        print(f"its receipt: {save}")


def _recorded(shop: "Reciprocity", position: int) -> Mapping[str, Any]:
    told = shop.journal.told(position)
    return {
        "kind": told.kind,
        "position": position,
        "version": told.version,
        "at": told.at,
        "person": shop.journal.pseudonym(told.slot) if told.slot >= 0 else "",
    }
