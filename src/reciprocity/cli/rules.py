"""The rules in force: listed, printed as SQL, and held against those of another brand file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.front import AsJson, folder_of, opened, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.platform.difference import Side

__all__ = ["app"]

app = typer.Typer()
rules = typer.Typer(invoke_without_command=True)
app.add_typer(rules, name="rules", help="The rules in force, in the order in which they are asked.")


@rules.callback()
def listed(
    context: typer.Context,
    dialect: Annotated[
        str,
        typer.Option(
            "--dialect",
            help="Print them as SQL: bigquery, duckdb, postgres, snowflake, spark or sqlite.",
        ),
    ] = "",
    table: Annotated[
        str, typer.Option("--table", help="The table, or view, of facts that it reads.")
    ] = "facts",
    as_json: AsJson = False,
) -> None:
    """List the rules in force, in the order in which they are asked."""
    if context.invoked_subcommand:
        return
    from reciprocity.decide.one import meaning_of
    from reciprocity.decide.sql import to_sql
    from reciprocity.decide.statements import statements_in_force

    with opened(context) as shop:
        rulebook = statements_in_force(shop.journal).rulebook
    if dialect:
        print(to_sql(rulebook, dialect, table))
        return
    if as_json:
        print_json(
            [
                {
                    "order": order,
                    "kind": rule.kind,
                    "reason": rule.reason,
                    "bases": rule.bases,
                    "when": rule.when,
                    "until": rule.until,
                    "meaning": meaning_of(rule.reason),
                }
                for order, rule in enumerate(rulebook.rules, start=1)
            ]
        )
        return
    from reciprocity.cli.screen import screen
    from reciprocity.cli.tables import rules_table

    screen().print(rules_table(rulebook))


@rules.command()
def diff(
    context: typer.Context,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A folder with the new brand.toml.")],
    old: Annotated[
        Path | None,
        typer.Option("--old", metavar="OLD", help="A folder in the place of what is in force."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="F.svg", help="Draw it, too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell who would be treated otherwise under another brand file, before it is applied."""
    from reciprocity.cli.picture import picture_of
    from reciprocity.cli.screen import progress, screen
    from reciprocity.cli.tables import diff_table, diff_words
    from reciprocity.platform.difference import difference, side_in_force

    if picture is not None and picture.suffix != ".svg":
        raise InputError(f"file {picture} must end in .svg")
    with opened(context) as shop, progress("Deciding twice") as (moved,):
        before = side_in_force(shop.journal) if old is None else _side(old)
        found = difference(shop.journal, before, _side(new), moved)
    if picture is not None:
        picture.write_text(picture_of(found), encoding="utf-8")
    if as_json:
        print_json(found)
        return
    screen().print(diff_table(found))
    screen().print(diff_words(found))


def _side(path: Path) -> "Side":
    """The brand file in the folder *path*, or *path* itself; `InputError` for all that is wrong."""
    from reciprocity.brand import FILE_NAME
    from reciprocity.platform import check_brand
    from reciprocity.platform.difference import side_of_file

    folder = path.parent if path.name == FILE_NAME else path
    if problems := check_brand(folder_of(folder)):
        raise InputError(problems[0], problems)
    return side_of_file(folder)
