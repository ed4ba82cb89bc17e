"""Proof: receipts, and the public log."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli import verifying
from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, opened, print_json, read, written
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.platform import Reciprocity

__all__ = ["app"]

app = typer.Typer()
log = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(verifying.app, name="verify", help="Check proofs, without the brand's help.")
app.add_typer(log, name="log", help="The public log: its key, its files.")


class Form(StrEnum):
    """How a receipt is written."""

    JSON = "json"
    JSONLD = "jsonld"
    HTML = "html"


def _formed(shop: "Reciprocity", position: int, form: Form, *, cosigned: bool) -> bytes:
    if form is Form.JSON:
        return shop.receipt(position, cosigned=cosigned).encode()
    document = shop.consent_receipt(position, cosigned=cosigned)
    if form is Form.HTML:
        from reciprocity.prove.printable import printable

        return printable(document).encode()
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _position(shop: "Reciprocity", what: str) -> int:
    """The place in the log that *what* names; or its receipt, if it is one of this log."""
    if not what.isdecimal():
        from reciprocity.prove.receipt import read_receipt

        return shop.position_of(read_receipt(read(Path(what), "receipt")))
    size = shop.journal.state().size
    if int(what) >= size:
        raise InputError(f"position {what} is not in the log, which has {size} events")
    return int(what)


@app.command()
def receipt(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="POSITION|FILE", help="Where the event stands in the log, or its old receipt."
        ),
    ],
    save: Annotated[
        Path | None,
        typer.Option("--receipt", metavar="FILE", help="Write it there, not to stdout."),
    ] = None,
    form: Annotated[
        Form,
        typer.Option(
            "--format", help="`jsonld`: ISO/IEC TS 27560 in W3C DPV terms; `html`: a page to print."
        ),
    ] = Form.JSON,
    cosigned: Annotated[
        bool, typer.Option("--cosigned", help="Under the newest checkpoint witnesses cosigned.")
    ] = False,
) -> None:
    """Make the receipt of an event, under the newest checkpoint or the newest cosigned one.

    A receipt given for POSITION is refreshed: the same event, vouched for by the witnesses too.
    """
    with opened(context) as shop:
        again = not what.isdecimal()
        data = _formed(shop, _position(shop, what), form, cosigned=cosigned or again)
    if save is None:
        print(data.decode(), end="")
    else:
        written(save, data)


@log.command("key")
def log_key(context: typer.Context, as_json: AsJson = False) -> None:
    """Print the key with which anyone can check this log's checkpoints."""
    with opened(context) as shop:
        key = shop.journal.signer().verifier_key.encode()
    if as_json:
        print_json({"key": key})
    else:
        print(key)


@log.command("rotate-key")
def log_rotate_key(context: typer.Context, as_json: AsJson = False) -> None:
    """Let the log sign with a new key, which old and new key vouch for; hand the new one out."""
    from reciprocity.journal.rotation import rotate_log_key

    with opened(context) as shop:
        changed = rotate_log_key(shop.journal)
        key = shop.journal.signer().verifier_key.encode()
    if as_json:
        print_json({"key": key, "position": changed.position})
        return
    print(key)
    print(f"the change is event {changed.position} of the log, signed by both keys")


@log.command("epoch")
def log_epoch(context: typer.Context, as_json: AsJson = False) -> None:
    """Commit, now and not within the hour, to how many events each person has."""
    from reciprocity.cli.screen import progress
    from reciprocity.prove.epochs import publish_epoch

    with opened(context) as shop, progress("Hashing") as (move,):
        found = publish_epoch(shop.journal, move)
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted

    covered = f"{counted(found.sum_n, 'event')} of {counted(found.slots, 'slot')}"
    print(f"epoch {found.number}: {covered}, root {found.root}")
    print("it was stated just now" if found.new else "nothing was written since it was stated")


@log.command("export")
def log_export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New, or of an earlier export.")],
    as_json: AsJson = False,
) -> None:
    """Write the log as static files that anyone may serve and check (C2SP tlog-tiles)."""
    from reciprocity.cli.screen import counted, progress
    from reciprocity.prove.export import export_log

    with opened(context) as shop, progress("Exporting") as (move,):
        found = export_log(shop.journal, folder, move)
    if as_json:
        print_json(found)
        return
    print(f"log {found.origin}: {counted(found.size, 'event')}, root {found.root}")
    print(f"{counted(found.files, 'file')} written to {folder}")


@log.command("cosign")
def log_cosign(context: typer.Context, as_json: AsJson = False) -> None:
    """Ask the witnesses, now, to cosign the newest checkpoint; exit code 1 if one contradicts."""
    with opened(context) as shop:
        found = shop.cosign()
    if as_json:
        print_json(found)
    else:
        from reciprocity.cli.screen import screen
        from reciprocity.cli.witness import cosigning_table, tell_cosigning

        screen().print(cosigning_table(found))
        tell_cosigning(found)
    if found.conflicts:
        raise typer.Exit(1)
    if not found.holds:
        raise typer.Exit(2)
