"""Running a witness for logs, ours or anybody's, and showing how witnesses answered ours."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, print_json
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from reciprocity.prove.cosigning import Cosigning

__all__ = ["app", "cosigning_table", "tell_cosigning"]

app = typer.Typer()
witness = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(witness, name="witness", help="A witness: it vouches that logs have one history.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.")]
Logs = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="VKEY", help="A log's verifier key; may be repeated."),
]
_SEED_BYTES = 32


@witness.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Its name, as witness.example/w1.")
    ],
    log: Logs = None,
    as_json: AsJson = False,
) -> None:
    """Make a witness with a new key, and print the key by which it is known."""
    from reciprocity.witness.folder import init_witness

    key = init_witness(folder, name, log or [], os.urandom(_SEED_BYTES)).verifier_key.encode()
    if as_json:
        print_json({"key": key})
    else:
        print(key)


@witness.command()
def add(folder: Folder, log: Logs = None) -> None:
    """Let a witness know more logs; one that runs takes them at once."""
    from reciprocity.witness.folder import add_logs

    if not log:
        raise InputError("log is missing: name one with --log VKEY")
    add_logs(folder, log)


@witness.command()
def show(folder: Folder, as_json: AsJson = False) -> None:
    """Show a witness's key, the logs it knows, and how far it cosigned each."""
    from contextlib import closing

    from reciprocity.witness.folder import open_key, open_state
    from reciprocity.witness.serve import now_ms
    from reciprocity.witness.witness import Witness

    key = open_key(folder)
    with closing(open_state(folder, key)) as state:
        logs = Witness(folder, key, state, now_ms).logs()
    if as_json:
        told = [
            {
                "origin": origin,
                "size": last.size,
                "root": last.root.hex(),
                "cosigned_at": last.cosigned_at * 1000,
                "second_histories": splits,
            }
            for origin, (last, splits) in logs.items()
        ]
        print_json({"key": key.verifier_key.encode(), "logs": told})
        return
    from reciprocity.cli.screen import moment, plain_table, screen

    table = plain_table("log", "size", "last cosigned", "second histories", numbers=("size",))
    for origin, (last, splits) in logs.items():
        table.add_row(origin, str(last.size), moment(last.cosigned_at * 1000), str(splits))
    print(key.verifier_key.encode())
    screen().print(table)


@witness.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option("--host", help="An address of this machine.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")
    ] = 8081,
) -> None:
    """Answer logs that ask for a cosignature, until told to end."""
    from reciprocity.witness.serve import run

    def announce(url: str) -> None:
        print(f"witness at {url}", file=sys.stderr, flush=True)

    try:
        run(folder, host, port, announce)
    except KeyboardInterrupt:  # the way to stop it
        print("stopped", file=sys.stderr)


def cosigning_table(found: "Cosigning") -> "Table":
    """How it went with each witness."""
    from reciprocity.cli.screen import moment, plain_table

    table = plain_table("witness", "cosigned", "knows", "what was wrong", numbers=("knows",))
    for one in found.witnesses:
        table.add_row(one.name, moment(one.cosigned_at) or "no", str(one.size), one.problem)
    return table


def tell_cosigning(found: "Cosigning") -> None:
    """Say whether the policy holds; a conflict goes to stderr, with what to do."""
    from reciprocity.cli.screen import counted

    count, size = sum(one.cosigned_at > 0 for one in found.witnesses), counted(found.size, "event")
    print(f"checkpoint of {size}: cosigned by {count} of {len(found.witnesses)}")
    if not found.holds:
        print(found.lacking, file=sys.stderr)
    for conflict in found.conflicts:
        print(f"CONFLICT: {conflict}", file=sys.stderr)
    if found.conflicts:
        print(
            "this is not the log that was cosigned before: stop, keep the files, and find out "
            "whether an older journal was put in place (then `reciprocity restore`)",
            file=sys.stderr,
        )
