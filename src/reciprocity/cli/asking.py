"""`sql`: what people share for a purpose, in counts and averages."""

import csv
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.front import AsJson, front_of, opened, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.decide.many.views import Answer

__all__ = ["app"]

app = typer.Typer()


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(metavar="QUERY", help="One SELECT from the view named as the purpose."),
    ] = "",
    *,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="PURPOSE", help="What the answer is used for.")
    ] = "",
    at_least: Annotated[
        int,
        typer.Option(
            "--at-least", metavar="N", help="Leave out groups of fewer people; 5 or more."
        ),
    ] = 10,
    view: Annotated[
        bool,
        typer.Option(
            "--view",
            help="Print a CREATE VIEW for your own DuckDB instead: a convenience, no boundary.",
        ),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask what people share for a purpose: counts and averages, on record, no small groups.

    An attribute is NULL unless its owner shares it for the purpose now. For example:
    sql --purpose research "SELECT region, count(*), avg(visits) FROM research GROUP BY region".
    """
    from reciprocity.cli.screen import progress
    from reciprocity.platform.asking import ask, view_now

    if not purpose or bool(query) == view:
        raise InputError("name a purpose with --purpose, and give a QUERY or --view")
    with opened(context) as shop, progress("Reading", "Asking") as (read, move):
        if view:
            told = view_now(shop.journal, purpose, read)
        else:
            actor = front_of(context).actor
            found = ask(
                shop.journal, purpose, query, actor=actor, least=at_least,
                on_snapshot=read, progress=move,
            )  # fmt: skip
    if view:
        typer.echo(told)
    elif as_json:
        print_json(found._asdict())
    elif as_csv:
        csv.writer(sys.stdout).writerows([found.columns, *found.rows])
    else:
        _show(found, at_least)


def _show(found: "Answer", least: int) -> None:
    from reciprocity.cli.screen import plain_table, screen

    table = plain_table(*found.columns, numbers=found.columns)
    for row in found.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    screen().print(table)
    small = f"Groups of fewer than {least} people are not shown"
    if found.hidden:
        small += f" ({found.hidden:,} of them)"
    screen().print(
        f"Asked of {found.people:,} people. {small}; a figure that rests on fewer is empty."
    )
