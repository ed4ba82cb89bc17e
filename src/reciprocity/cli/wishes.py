"""What a person says, recorded by an operator: yes, no, preferences, pauses, objections."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.acting import AnyPurposes, Channels, Method, Purposes, Who, act, report
from reciprocity.cli.front import AsJson, SaveReceipt, front_of, instant, opened, pairs
from reciprocity.cli.spelling import cap_pair, level, quiet_minutes
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reciprocity.consent.draft import Drafted, Saying
    from reciprocity.consent.state import Wishes
    from reciprocity.platform import Reciprocity

__all__ = ["app"]

app = typer.Typer()

DAY_MS = 86_400_000


@app.command()
def grant(
    context: typer.Context,
    who: Who,
    purposes: Purposes,
    *,
    channel: Channels = None,
    notice: Annotated[
        str,
        typer.Option("--notice", metavar="ID", help="The notice, or proposition, they were shown."),
    ] = "",
    language: Annotated[
        str, typer.Option("--notice-language", help="In which language; the brand's unless told.")
    ] = "",
    confirmed: Annotated[
        bool,
        typer.Option(
            "--confirmed", help="They proved that the address is theirs: do not ask anew."
        ),
    ] = False,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Record a yes; a purpose that wants confirming waits for that, 7 days.

    Not of somebody whose address is shown to be theirs already: that counts at once.
    """
    from reciprocity.collect.shown import notice_shown, waiting_for_proof
    from reciprocity.consent import draft

    actor = front_of(context).actor
    with opened(context) as shop:
        brand = shop.statement
        shown = notice_shown(brand, shop.laws, notice, language, purposes) if notice else {}
        slot = shop.find(who)
        waits = () if confirmed else waiting_for_proof(brand, shop.wishes(slot), purposes)
        at_once = [one for one in purposes if one not in waits]
        positions = []
        for make, named in ((draft.grant, at_once), (draft.request, waits)):
            if named:
                drafted = partial(
                    _drafted, shop, make, (actor, method), shown, named, channel or ()
                )
                positions.append(shop.act(slot, drafted)[0].position)
        report(shop, positions, receipt, as_json=as_json)
    if waits and not as_json:
        print(f"waits 7 days to be confirmed: {', '.join(waits)}. No mail asks for that from here:")
        print(
            "`reciprocity person confirm` records it; the API and the pages send a mail that asks"
        )


def _drafted(
    shop: "Reciprocity",
    make: "Callable[[Saying, Sequence[str], Sequence[str]], Drafted]",
    who: tuple[str, str],
    shown: "Mapping[str, str]",
    purposes: "Sequence[str]",
    channels: "Sequence[str]",
) -> "Drafted":
    """What *make* makes of *purposes*, said now by *who* (actor, method)."""
    return make(shop.saying(*who, **shown), purposes, channels)


@app.command()
def confirm(
    context: typer.Context,
    who: Who,
    purposes: AnyPurposes = None,
    *,
    channel: Channels = None,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Record that a yes which waits was confirmed."""
    from reciprocity.consent import draft

    act(context, who, method, receipt, as_json, lambda saying, wishes: draft.confirm(
        saying, wishes, purposes or (), channel or ()
    ))  # fmt: skip


@app.command()
def refuse(
    context: typer.Context,
    who: Who,
    purposes: Purposes,
    *,
    channel: Channels = None,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Record a no to what was asked."""
    from reciprocity.consent import draft

    act(context, who, method, receipt, as_json, lambda saying, _: draft.refuse(
        saying, purposes, channel or ()
    ))  # fmt: skip


@app.command()
def withdraw(
    context: typer.Context,
    who: Who,
    purposes: AnyPurposes = None,
    *,
    channel: Channels = None,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Take a yes back, for the purposes named and all below them; for everything unless named."""
    from reciprocity.consent import draft

    act(context, who, method, receipt, as_json, lambda saying, wishes: draft.withdraw(
        saying, wishes, purposes or (), channel or ()
    ))  # fmt: skip


@app.command()
def prefer(
    context: typer.Context,
    who: Who,
    *,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="TOPIC=LEVEL", help="From -2, not for me, to 2, love it."),
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option(
            "--cap", metavar="CHANNEL=A/B", help="At most A in 7 days and B in 30; - for no wish."
        ),
    ] = None,
    quiet: Annotated[
        str, typer.Option("--quiet", metavar="HH:MM-HH:MM", help="Quiet time of their own day.")
    ] = "",
    no_quiet: Annotated[bool, typer.Option("--no-quiet", help="No quiet time any more.")] = False,
    language: Annotated[
        str, typer.Option("--language", metavar="TAG", help="Such as en or pt-BR.")
    ] = "",
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="Such as Europe/Zurich.")
    ] = "",
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Set topics, caps, quiet time, language or time zone; what is not named stays."""
    from reciprocity.consent.prefer import Preferences
    from reciprocity.consent.prefer import prefer as prefer_all

    wanted = Preferences(
        topics={name: level(text) for name, text in pairs(topic or [], "topic").items()},
        caps={name: cap_pair(text) for name, text in pairs(cap or [], "cap").items()},
        quiet=quiet_minutes(quiet) if quiet else None,
        quiet_unset=no_quiet,
        language=language,
        time_zone=time_zone,
    )
    act(context, who, method, receipt, as_json, lambda saying, _: prefer_all(saying, wanted))


@app.command()
def pause(
    context: typer.Context,
    who: Who,
    *,
    until: Annotated[str, typer.Option("--until", metavar="T", help="An instant (ISO 8601).")] = "",
    days: Annotated[int, typer.Option("--days", min=0, max=3_650, help="Or that many days.")] = 0,
    end: Annotated[bool, typer.Option("--end", help="Or: the pause ends now.")] = False,
    channel: Channels = None,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing until then, on all channels unless one is named."""
    from reciprocity.consent.prefer import pause as pause_until

    if [bool(until), bool(days), end].count(True) != 1:
        raise InputError("pause has no end: give one of --until, --days and --end")
    then = instant(until) if until else 0

    def draft(saying: "Saying", _: "Wishes") -> "Drafted":
        return pause_until(saying, then or (0 if end else saying.at + days * DAY_MS),
                           channel or ("*",))  # fmt: skip

    act(context, who, method, receipt, as_json, draft)


@app.command("object")
def object_to_use(
    context: typer.Context,
    who: Who,
    purposes: AnyPurposes = None,
    *,
    channel: Channels = None,
    lift: Annotated[
        bool, typer.Option("--lift", help="Take back what an operator recorded, not the person.")
    ] = False,
    method: Method = "operator",
    receipt: SaveReceipt = None,
    as_json: AsJson = False,
) -> None:
    """Record an objection (GDPR 21), to everything unless purposes are named."""
    from reciprocity.consent import draft

    def made(saying: "Saying", wishes: "Wishes") -> "Drafted":
        if lift:
            return draft.lift(saying, wishes, purposes or (), channel or ())
        return draft.object_to(saying, purposes or ("*",), channel or ("*",))

    act(context, who, method, receipt, as_json, made)
