"""The brand file: what is wrong with it, what it may hold, and putting it in force."""

from pathlib import Path
from typing import Annotated, Final

import typer

from reciprocity.cli.front import AsJson, folder_of, front_of, opened, print_json
from reciprocity.errors import InputError

__all__ = ["app"]

app = typer.Typer()
_PICTURES: Final = (".svg", ".png", ".pdf", ".eps")


@app.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """List everything that is wrong with the brand file."""
    from reciprocity.platform import check_brand

    folder = front_of(context).brand
    try:
        found = check_brand(folder_of(folder)) or _unfair(folder)
    except InputError as error:
        found = error.problems
    if as_json:
        print_json({"problems": found})
        if found:
            raise typer.Exit(2)
    elif found:
        raise InputError(found[0], found)
    else:
        print(f"{folder / 'brand.toml'}: all is well; `reciprocity apply` puts it in force")


def _unfair(folder: Path) -> tuple[str, ...]:
    """What is unfair about the pages of a brand file that is else in order."""
    from reciprocity.brand import FILE_NAME, load
    from reciprocity.http.join import unfair

    return tuple(f"{FILE_NAME}: {line}" for line in unfair(load(folder).statement))


@app.command()
def schema() -> None:
    """Print the JSON Schema of brand.toml, for editors."""
    from reciprocity.brand import schema as schema_of_file

    print_json(schema_of_file())


@app.command()
def apply(context: typer.Context, as_json: AsJson = False) -> None:
    """Put the brand file in force in the log; the first time, open the log."""
    from reciprocity.platform import Reciprocity

    front = front_of(context)
    actor = front.actor
    if found := _unfair(folder_of(front.brand)):
        raise InputError(found[0], found)
    with Reciprocity.create(front.brand) as shop:
        changed, state = shop.apply(actor), shop.journal.state()
        declared = {f"campaign:{name}" for name in shop.brand.campaigns}
    ended = [one for one in changed if one.startswith("campaign:") and one not in declared]
    forced = [one for one in changed if one not in ended]
    if as_json:
        print_json({"in_force": forced, "ended": ended, "position": state.size})
        return
    from reciprocity.cli.screen import counted

    for name in forced:
        print(f"in force: {name}")
    for name in ended:
        print(f"no longer in force: {name}")
    size = counted(state.size, "event")
    print(f"log {state.origin} has {size}" if changed else "nothing changed")


@app.command()
def qr(
    context: typer.Context,
    proposition: Annotated[
        str, typer.Argument(metavar="PROPOSITION", help="One of the brand file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write .svg, .png, .pdf or .eps; else it is shown."),
    ] = None,
) -> None:
    """Make a QR code of a proposition's page, for a counter, a letter or a parcel."""
    import segno

    from reciprocity.collect.proposition import asked_on_site

    with opened(context) as shop:
        brand = shop.statement
        base = shop.brand.base_url
    if proposition not in brand.propositions:
        known = ", ".join(brand.propositions) or "none is declared"
        raise InputError(f"proposition {proposition!r} is not in force: {known}")
    if asked_on_site(brand, proposition):
        raise InputError(f"proposition {proposition!r} is asked on your site: it has no page")
    url = f"{base}/join/{proposition}"
    code = segno.make(url, error="m", micro=False)
    if output is None:
        code.terminal(compact=True)
    elif output.suffix not in _PICTURES:
        raise InputError(f"file {output} must end in one of {', '.join(_PICTURES)}")
    else:
        code.save(str(output), scale=10)
    print(url)
