"""Beginning: `init` writes a brand to start from, `demo` shows all there is on made-up people."""

import datetime
import sys
import time
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from reciprocity.errors import InputError

__all__ = ["app"]

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What the brand is called.", show_default=False)
    ] = None,
    *,
    database: Annotated[
        str,
        typer.Option(
            "--database",
            metavar="URL",
            help="Keep its rows there (postgresql://user@host:5432/database), not in files.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Write a commented brand file and its templates to start from."""
    from reciprocity.brand import starter
    from reciprocity.storage.place import checked, settle

    today = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).date()
    texts = starter(name, today)
    brand_id, kept = _named_in(texts["brand.toml"])
    place = checked(database, brand_id.replace("-", "_")) if database else None
    beside = (folder / kept).resolve()
    if beside.is_dir() and any(beside.iterdir()):
        raise InputError(
            f"folder {beside} keeps how far the log of another brand with the id {brand_id} has "
            "come: give this one a --name of its own, or delete that folder if it was a trial"
        )
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"folder {folder} is not empty: name a new one, or empty it first")
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        if place is not None:
            settle(folder, place)
    except OSError as error:
        raise InputError(f"folder {folder} cannot be written: {error.strerror}") from error
    for path in texts:
        print(folder / path)
    print(f"\n{beside} will keep how far its log has come, so that no restore can hide any of it;")
    print("on another disk it outlives this one ([safekeeping] in brand.toml).")
    print(f"\nRead {folder / 'brand.toml'}, then put it in force:\n")
    print(f"  reciprocity --brand {folder} check\n  reciprocity --brand {folder} apply")


def _named_in(text: str) -> tuple[str, str]:
    """The brand's id in a brand file, and where its safekeeping is."""
    told = tomllib.loads(text)
    return told["brand"]["id"], told["safekeeping"]["path"]


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    people: Annotated[
        int, typer.Option("--people", min=100, max=100_000, help="How many people to make up.")
    ] = 2_000,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes other people.")] = 1,
    *,
    serve: Annotated[
        bool | None,
        typer.Option(
            "--serve/--no-serve", help="Serve its pages at the end; in a terminal, unless told not."
        ),
    ] = None,
) -> None:
    """Make up a shop and its people, send a campaign, audit it, verify receipts, show its pages."""
    from reciprocity.cli.demo.show import show

    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    show(folder, people, seed, serve=in_terminal if serve is None else serve)
