"""Many people at once: `import people`, and addresses that are never to be written to."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, front_of, opened, print_json

__all__ = ["app"]

MOST_REASONS: Final = 10
"""How many of the reasons for which rows are refused are shown."""

app = typer.Typer()
importing = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(importing, name="import", help="Take people in from a file.")


@importing.command("people")
def import_people(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8, plain or gzip.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", "-m", metavar="M", help="What its columns say (TOML).")
    ],
    rejects: Annotated[
        Path | None,
        typer.Option(
            "--rejects",
            metavar="F",
            help="Where refused rows go, with line and reason; FILE.rejects.csv unless told.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take people in from a CSV file; a second run changes nothing."""
    from reciprocity.cli.screen import progress

    refused = rejects or file.parent / f"{file.name}.rejects.csv"
    actor = front_of(context).actor
    with opened(context) as shop, progress("Importing") as (move,):
        report = shop.import_people(file, mapping, refused, actor=actor, progress=move)
    if as_json:
        print_json(report)
        return
    print(report)
    if report.refused:
        print(f"the refused rows' lines and reasons are in {refused}")
        for reason, rows in islice(report.reasons.items(), MOST_REASONS):
            print(f"{rows:>9}  {reason}")
        if len(report.reasons) > MOST_REASONS:
            print(f"{'':>9}  and {len(report.reasons) - MOST_REASONS} more reasons")
    for column, cells in report.unknown_words.items():
        print(f"column {column!r}: cells whose word no condition of the mapping knows: {cells}")


@app.command()
def suppress(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="E-mail addresses.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in one line.")] = "asked",
    as_json: AsJson = False,
) -> None:
    """Never write to these addresses again, whoever has them; there is no way back."""
    from reciprocity.vault.suppression import suppress as put_on_list

    actor = front_of(context).actor
    with opened(context) as shop:
        added = put_on_list(shop.journal, addresses, actor=actor, reason=reason)
    if as_json:
        print_json({"given": len(addresses), "added": added})
    else:
        print(f"{added} of {len(addresses)} were not on the suppression list before, and are now")
