"""`migrate`: from files into PostgreSQL, when a brand has outgrown them."""

from typing import Annotated

import typer

from reciprocity.cli.front import AsJson, folder_of, front_of, print_json

__all__ = ["app"]

app = typer.Typer()


@app.command()
def migrate(
    context: typer.Context,
    *,
    to: Annotated[
        str,
        typer.Option("--to", metavar="URL", help="As postgresql://user@host:5432/database."),
    ],
    schemas: Annotated[
        str | None,
        typer.Option(
            "--schemas",
            metavar="NAME",
            help="What its schemas' names begin with; else the brand's id.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move the brand from its files into PostgreSQL: the same log, shown to be. Back up first.

    Its servers must be stopped, and started anew afterwards. The files go when all has arrived.
    """
    from reciprocity.brand import load
    from reciprocity.cli.screen import counted, progress
    from reciprocity.journal.journal import now_ms
    from reciprocity.journal.move import move
    from reciprocity.platform.shop import CHECKERS
    from reciprocity.storage.place import checked

    brand = load(folder_of(front_of(context).brand), CHECKERS)
    place = checked(to, schemas or brand.statement.id.replace("-", "_"))
    with progress("Moving") as (step,):
        moved = move(
            brand.folder,
            place,
            master_key=brand.master_key,
            safekeeping=brand.safekeeping,
            clock=now_ms,
            progress=step,
        )
    if as_json:
        print_json(moved)
        return
    print(f"moved {counted(moved.size, 'event')} of {moved.origin}, root {moved.root}")
    for name, rows in moved.rows.items():
        print(f"  {place.schema(name)}: {counted(rows, 'row')}")
    print(f"database.toml names the place; start the servers of {brand.folder} anew")
