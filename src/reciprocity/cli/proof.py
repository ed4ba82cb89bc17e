"""Proof: audit by replay, receipts, and the public log."""

from pathlib import Path
from typing import Annotated

import typer

from reciprocity.cli.front import AsJson, front_of, opened, print_json, written
from reciprocity.errors import InputError

__all__ = ["app"]

app = typer.Typer()
verifying = typer.Typer(no_args_is_help=True)
log = typer.Typer(no_args_is_help=True)
app.add_typer(verifying, name="verify", help="Check proofs, without the brand's help.")
app.add_typer(log, name="log", help="The public log: its key, its files.")


@app.command()
def audit(context: typer.Context, as_json: AsJson = False) -> None:
    """Replay every delivery from history alone; exit code 1 if one should not have been."""
    from reciprocity.cli.screen import progress, screen

    with opened(context) as shop, progress("Auditing") as (move,):
        found = shop.audit(move)
    if as_json:
        print_json(found)
    else:
        from reciprocity.cli.tables import audit_table, audit_words, breaches_table

        screen().print(audit_table(found))
        screen().print(audit_words(found))
        if found.breaches:
            screen().print(breaches_table(found.breaches))
    if found.breaches:
        raise typer.Exit(1)


@verifying.command("receipt")
def verify_receipt(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt.")],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="KEY",
            help="The log's verifier key, or a file that holds it; else the brand's own.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check that a signed log holds what a receipt says; exit code 1 if it does not."""
    from reciprocity.prove.verify import keys_of
    from reciprocity.prove.verify import verify_receipt as verify

    data = _read(file, "receipt")
    keys = [_key(key)] if key else keys_of(front_of(context).brand / "journal.db")
    found = verify(data, keys)
    if as_json:
        print_json(found)
        return
    print(f"the receipt holds: event {found.position} of the log {found.origin}")
    print(f"under its signed checkpoint of {found.size} events, root {found.root}")
    print(bytes(found.event).decode())


def _key(told: str) -> str:
    """The key itself, or what the file of that name holds."""
    return _read(Path(told), "key").decode("utf-8", "replace") if "+" not in told else told


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} file {path} cannot be read: {error.strerror}") from error


@app.command()
def receipt(
    context: typer.Context,
    position: Annotated[
        int, typer.Argument(metavar="POSITION", min=0, help="Where the event stands in the log.")
    ],
    save: Annotated[
        Path | None,
        typer.Option("--receipt", metavar="FILE", help="Write it there, not to stdout."),
    ] = None,
) -> None:
    """Make the receipt of the event at a position, under the newest checkpoint."""
    with opened(context) as shop:
        size = shop.journal.state().size
        if position >= size:
            raise InputError(f"position {position} is not in the log, which has {size} events")
        data = shop.receipt(position).encode()
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


@log.command("export")
def log_export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New, or of an earlier export.")],
    as_json: AsJson = False,
) -> None:
    """Write the log as static files that anyone may serve and check (C2SP tlog-tiles)."""
    from reciprocity.cli.screen import progress
    from reciprocity.prove.export import export_log

    with opened(context) as shop, progress("Exporting") as (move,):
        found = export_log(shop.journal, folder, move)
    if as_json:
        print_json(found)
        return
    print(f"log {found.origin}: {found.size} events, root {found.root}")
    print(f"{found.files} files written to {folder}")
