"""`sql`: what people share for a purpose, in counts; `views`: as views in the brand's database."""

import csv
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, front_of, opened, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.decide.many.views import Answer

__all__ = ["app"]

app = typer.Typer()
views = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(views, name="views", help="A view for each purpose, in the brand's own database.")


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
    from reciprocity.cli.screen import counted, plain_table, screen

    table = plain_table(*found.columns, numbers=found.columns)
    for row in found.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    screen().print(table)
    small = f"Groups of fewer than {least} people are not shown"
    if found.hidden:
        small += f" ({found.hidden:,} of them)"
    screen().print(
        f"Asked of {counted(found.people, 'person', 'people')}. {small}; a figure that rests on "
        "fewer is empty."
    )


@views.command()
def publish(
    context: typer.Context,
    purposes: Annotated[list[str], typer.Argument(metavar="PURPOSE...", help="For which uses.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Make a view a purpose; an attribute is NULL unless its owner shares it for that now.

    In PostgreSQL each has a role that can read it and nothing else; in a file a view is a
    convenience and no boundary. New values come when it is run again; what is taken back goes at
    once.
    """
    from reciprocity.cli.screen import counted, progress
    from reciprocity.platform.asking import publish_views

    actor = front_of(context).actor
    with opened(context) as shop, progress("Reading", "Copying") as (read, move):
        made = publish_views(shop.journal, purposes, actor=actor, on_snapshot=read, progress=move)
        where = shop.brand.folder / "standing.db"
    if as_json:
        print_json([one._asdict() for one in made])
        return
    for one in made:
        people = counted(one.people, "person", "people")
        print(f"{one.name}: {', '.join(one.columns) or 'no attribute'}; {people}")
        if one.role:
            print(f'  let somebody read it: GRANT "{one.role}" TO ...;')
        else:
            print(f"  in {where}; whoever opens that file reads all that is in it")


@views.command("list")
def list_views(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the purposes that have a view."""
    from contextlib import closing

    from reciprocity.decide.many.named_views import views_in
    from reciprocity.storage import connect

    with (
        opened(context) as shop,
        closing(connect(shop.brand.folder / "standing.db", durable=False)) as db,
    ):
        found = views_in(db)
    if as_json:
        print_json(found)
    else:
        print("\n".join(found) or "no view: `reciprocity views publish PURPOSE`")


@views.command()
def drop(
    context: typer.Context,
    purposes: Annotated[
        list[str] | None, typer.Argument(metavar="[PURPOSE...]", help="All, unless told which.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take views away, and the values copied for them."""
    from reciprocity.decide.many.named_views import drop_views

    with opened(context) as shop:
        gone = drop_views(shop.brand.folder, *(purposes or ()))
    if as_json:
        print_json(gone)
    else:
        print(f"gone: {', '.join(gone) or 'there was none'}")
