"""Audits: replay every delivery, publish what it came to, and list what was published."""

from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli import challenge
from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, opened, print_json

if TYPE_CHECKING:
    from reciprocity.prove.published import Published

__all__ = ["app"]

app = typer.Typer()
auditing = typer.Typer(cls=Contents)
app.add_typer(auditing, name="audit")
auditing.add_typer(
    challenge.app, name="challenge", help="Open people whom nobody chose, to an auditor."
)


@auditing.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    *,
    new: Annotated[
        bool, typer.Option("--new", help="Only what was recorded since the last published audit.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="State the result, in counts, in the public log.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            max=64,
            help="How many to share the work among; 0: as the work and this machine allow.",
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Replay every delivery from history alone; exit code 1 if one should not have been."""
    if context.invoked_subcommand:
        return
    from reciprocity.cli.screen import progress, screen
    from reciprocity.prove import published

    stated = None
    with opened(context) as shop, progress("Auditing") as (move,):
        if publish:
            found, stated = published.publish(shop.journal, move, full=not new, processes=processes)
        elif new:
            found = published.audit_new(shop.journal, move, processes=processes)
        else:
            found = published.audit_all(shop.journal, move, processes=processes)
    if as_json:
        print_json(found)
    else:
        from reciprocity.cli.tables import audit_table, audit_words, breaches_table

        screen().print(audit_table(found))
        screen().print(audit_words(found))
        if stated:
            print(_published(stated))
        if found.breaches:
            screen().print(breaches_table(found.breaches))
    if found.breaches:
        raise typer.Exit(1)


def _published(stated: "Published") -> str:
    missed = f"; {stated.said.missed} nights were missed before it" if stated.said.missed else ""
    return f"published as audit {stated.said.number} at position {stated.position}{missed}"


@auditing.command("list")
def audits(context: typer.Context, as_json: AsJson = False) -> None:
    """List the published audits, and say if a nightly one is overdue (after 26 hours)."""
    from reciprocity.cli.screen import screen
    from reciprocity.cli.tables import audits_table
    from reciprocity.prove.published import overdue, published

    with opened(context) as shop:
        found, late = published(shop.journal), overdue(shop.journal)
    if as_json:
        print_json({"audits": found, "overdue": late})
        return
    if found:
        screen().print(audits_table(found))
    else:
        print("no audit was published yet")
    if late:
        print("an audit is overdue: run `reciprocity tick`, or `reciprocity audit --publish`")
