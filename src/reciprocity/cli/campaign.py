"""Campaigns: which there are, what one would meet, why for one person, sending, what waited."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reciprocity.cli.acting import Who
from reciprocity.cli.front import AsJson, front_of, instant, opened, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reciprocity.decide.one import Why
    from reciprocity.deliver.campaign import Plan
    from reciprocity.deliver.run import SendReport
    from reciprocity.platform import Reciprocity, Ticked

__all__ = ["app"]

app = typer.Typer()


def _campaigns(context: typer.Context) -> list[str]:
    """The ids of campaigns, for completion in the shell; none if the file does not read."""
    import tomllib
    from pathlib import Path

    root = context.find_root()
    folder = Path(root.params.get("brand") or ".")
    try:
        return list(tomllib.loads((folder / "brand.toml").read_text("utf-8"))["campaigns"])
    except (OSError, ValueError, KeyError):
        return []


CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A campaign in force.", autocompletion=_campaigns)
]


@app.command()
def campaigns(context: typer.Context, as_json: AsJson = False) -> None:
    """List the campaigns and their messages, and how far each has come."""
    from reciprocity.platform.campaigns import list_campaigns

    with opened(context) as shop:
        found, at = list_campaigns(shop), shop.journal.clock()
    if as_json:
        print_json({"campaigns": found})
    elif not found:
        print("brand.toml has no campaign yet: write [campaigns.NAME], then `reciprocity apply`")
    else:
        from reciprocity.cli.screen import screen
        from reciprocity.cli.tables import campaigns_table

        screen().print(campaigns_table(found, at))
        if any(not one.applied for one in found):
            print("* the brand file says otherwise: `reciprocity apply` puts it in force")


@app.command()
def plan(
    context: typer.Context,
    campaign: CampaignId,
    at: Annotated[
        str, typer.Option("--at", metavar="T", help="As it would go then, not now (ISO 8601).")
    ] = "",
    engine: Annotated[
        Literal["python", "duckdb", "spark"],
        typer.Option(
            "--engine",
            help="What works it out. Each says the same: `python` reads one person after the "
            "other; `duckdb` keeps a file of all and counts them at once, for millions "
            "(pip install 'reciprocity[duckdb]'); `spark` does so on a cluster "
            "('reciprocity[spark]').",
        ),
    ] = "python",
    as_json: AsJson = False,
) -> None:
    """Show what a campaign would meet: who would be reached, who waits, who not and why."""
    from reciprocity.cli.screen import progress
    from reciprocity.deliver.campaign import instant_of

    asked = instant(at) if at else None
    with opened(context) as shop:
        when = instant_of(shop.journal, asked)
        try:
            with progress("Reading", "Planning") as (read, move):
                found = shop.plan(campaign, when, move, engine=engine, on_snapshot=read)
        except KeyboardInterrupt:
            if engine == "duckdb":  # what it has counted is good for this instant alone
                print(
                    f"until something new is recorded it goes on with: reciprocity --brand "
                    f"{shlex.quote(str(front_of(context).brand))} plan {campaign} --engine duckdb "
                    f"--at {when}",
                    file=sys.stderr,
                )
            raise
        if as_json:
            print_json(found)
        else:
            _show_plan(shop, found, then=asked is not None)
        _tell_gap(shop.journal.state().gap, as_json=as_json)


def _show_plan(shop: "Reciprocity", found: "Plan", *, then: bool) -> None:
    from reciprocity.cli.screen import screen
    from reciprocity.cli.tables import plan_head, plan_table, plan_words
    from reciprocity.decide.statements import campaign_in_force
    from reciprocity.deliver.campaign import is_on_site

    campaign = campaign_in_force(shop.journal, found.campaign).campaign
    on_site = is_on_site(shop.statement, campaign)
    screen().print(plan_head(found))
    screen().print(plan_table(found))
    screen().print(plan_words(found, then=then, on_site=on_site))


def _tell_gap(missing: int, *, as_json: bool) -> None:
    """Say that nothing leaves while signatures of a restore's gap are *missing*.

    Where JSON is printed it is said on stderr.
    """
    from reciprocity.cli.screen import counted

    if missing:
        print(
            "nothing is sent or shown yet: the log was restored and may lack withdrawals, and "
            f"{counted(missing, 'more operator')} must sign that each was entered again "
            "(`reciprocity gap sign`)",
            file=sys.stderr if as_json else sys.stdout,
        )


@app.command()
def why(
    context: typer.Context,
    person: Who,
    message: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="A message of a campaign in force.")
    ],
    campaign: Annotated[
        str,
        typer.Option(
            "--campaign", help="The campaign, if several have it.", autocompletion=_campaigns
        ),
    ] = "",
    engine: Annotated[
        Literal["python", "duckdb"],
        typer.Option(
            "--engine",
            help="`duckdb` has the query of `plan --engine duckdb` decide as well, on this row.",
        ),
    ] = "python",
    as_json: AsJson = False,
) -> None:
    """Tell why a person would get a message now, or not, and the facts that decide it."""
    from reciprocity.cli.screen import progress

    with opened(context) as shop:
        slot, campaign = shop.find(person), campaign or _campaign_of(shop, message)
        queried = None
        if engine == "duckdb":
            from reciprocity.platform.planning import why_by_query

            with progress("Reading") as (read,):
                queried = why_by_query(shop.journal, slot, campaign, message, read)
        found = shop.why(slot, campaign, message)
        if as_json:
            print_json(found if engine == "python" else {"why": found, "by_query": queried})
        else:
            _show_why(found)
            if engine == "duckdb":
                said = "the same" if queried == found.decision else f"otherwise: {queried}"
                print(f"The query of plan --engine duckdb decides {said}.")
        _tell_gap(shop.journal.state().gap, as_json=as_json)


def _show_why(found: "Why") -> None:
    from reciprocity.cli.screen import screen
    from reciprocity.cli.tables import why_table, why_words

    screen().print(why_words(found))
    screen().print(why_table(found))


def _campaign_of(shop: "Reciprocity", message: str) -> str:
    """The campaign that has *message*; raises `InputError` if none, or several, have it."""
    found = [name for name, each in shop.brand.campaigns.items() if message in each.messages]
    if len(found) != 1:
        if not found:
            campaigns = shop.brand.campaigns.values()
            known = ", ".join(sorted({name for each in campaigns for name in each.messages}))
            raise InputError(f"message {message[:64]!r} is in no campaign: there are {known}")
        raise InputError(
            f"message {message[:64]!r} is in {len(found)} campaigns: name one with --campaign "
            f"({', '.join(found)})"
        )
    return found[0]


@app.command()
def send(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """Send a campaign: plan it, choose, decide each again at the door, hand over."""
    from reciprocity.cli.screen import progress

    actor = front_of(context).actor
    with opened(context) as shop, progress("Planning", "Sending") as (planned, sent):
        report = shop.send(campaign, actor, planned, sent)
        missing = shop.journal.state().gap
    if as_json:
        print_json(report)
    else:
        _show([report])
    _tell_gap(missing, as_json=as_json)


@app.command()
def tick(context: typer.Context, as_json: AsJson = False) -> None:
    """Do what is due: erase, send, audit, commit, be cosigned. Run it every few minutes."""
    actor = front_of(context).actor
    with opened(context) as shop:
        done = shop.tick(actor)
    if as_json:
        print_json(done)
    else:
        _show_tick(done)
    in_conflict = done.cosigning is not None and done.cosigning.conflicts
    if in_conflict or (done.audited and done.audited.new_breaches):
        raise typer.Exit(1)


def _show_tick(done: "Ticked") -> None:
    from reciprocity.cli.screen import counted, moment

    print(f"people erased: {done.erased}")
    if done.forgotten:
        print(f"rows of observed behaviour deleted: {done.forgotten}")
    if done.epoch:
        print(f"epoch published: {done.epoch}")
    _show(done.sent)
    if not done.sent:
        print("nothing waits to be sent")
    if done.audited:
        said, fresh = done.audited.said, done.audited.new_breaches
        breaches = counted(fresh, "new breach", "new breaches")
        print(f"audit {said.number} published: {breaches}")
        if fresh:
            print("which they are: `reciprocity audit`")
    for line in done.shortfalls():
        print(line)
    if done.cosigning is not None:
        from reciprocity.cli.witness import tell_cosigning

        tell_cosigning(done.cosigning)
    for name, at in done.last_success.items():
        print(f"job {name} last succeeded: {moment(at)}")


def _show(reports: "Sequence[SendReport]") -> None:
    from reciprocity.cli.screen import screen
    from reciprocity.cli.tables import send_table

    for report in reports:
        screen().print(send_table(report))
