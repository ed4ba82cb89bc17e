"""The command `reciprocity`: global options, all command groups, and what an error looks like."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reciprocity.cli import (
    api_key,
    asking,
    auditing,
    brand,
    campaign,
    heard,
    keeping,
    moving,
    people,
    person,
    proof,
    rules,
    starting,
    witness,
)
from reciprocity.cli.contents import CHAPTERS, Contents
from reciprocity.cli.front import Front
from reciprocity.errors import InputError, ProofError, ReciprocityError

__all__ = ["app", "run"]

FAILED: Final = 1
REFUSED: Final = 2
FAULT: Final = 70  # EX_SOFTWARE; Python's own 1 would read as a breach
INTERRUPTED: Final = 130
UNREAD: Final = 141
"""As the shell says of a program that SIGPIPE ended."""


class _Commands(Contents):
    """All commands; an error that was raised on purpose becomes a message and an exit code."""

    chapters = CHAPTERS

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the type is not a public name of Typer
        """Run the command; with `--debug` errors pass, and `run` shows where they come from."""
        try:
            return super().invoke(ctx)
        except ReciprocityError as error:
            if ctx.params.get("debug"):
                raise
            _tell(error)
            raise typer.Exit(_code(error)) from error
        except KeyboardInterrupt:
            print("interrupted; what was done until then stands", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # who reads has seen enough (`| head`)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(UNREAD) from None


app = typer.Typer(
    name="reciprocity",
    cls=_Commands,
    help="Say to people what they want to hear from this brand, nothing else, and prove it.",
    epilog="Exit codes: 0 done; 1 a breach was found or a proof failed; 2 bad input or usage, or "
    "something stands in the way; 70 a fault of this program; 130 interrupted.",
    no_args_is_help=True,
    context_settings={"max_content_width": 100},
    rich_markup_mode=None,  # help in colour takes three times as long to appear
    pretty_exceptions_enable=False,
)
for group in (
    starting,
    brand,
    rules,
    people,
    person,
    asking,
    campaign,
    heard,
    auditing,
    proof,
    keeping,
    moving,
    api_key,
    witness,
):
    app.add_typer(group.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"reciprocity {version('reciprocity')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    brand: Annotated[
        Path,
        typer.Option(
            "--brand",
            metavar="DIR",
            envvar="RECIPROCITY_BRAND",
            help="The brand's folder, where brand.toml is.",
        ),
    ] = Path(),
    operator: Annotated[
        str,
        typer.Option(
            "--operator",
            metavar="NAME",
            envvar="RECIPROCITY_OPERATOR",
            help="Who acts, as the journal will say it; your login name unless told.",
            show_default=False,
        ),
    ] = "",
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Keep what the global options said for the command."""
    del debug, show_version  # read by `_Commands.invoke`, and by its own callback
    context.obj = Front(brand=brand, operator=operator)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line on *arguments*, by default the process's own; its exit code."""
    try:
        app(arguments)
    except ReciprocityError as error:
        traceback.print_exc()
        return _code(error)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except Exception:  # noqa: BLE001 - whatever it is, it must not look like a breach
        traceback.print_exc()
        print("this is a fault of the program: please report it", file=sys.stderr)
        return FAULT
    return 0


def _code(error: ReciprocityError) -> int:
    return FAILED if isinstance(error, ProofError) else REFUSED


def _tell(error: ReciprocityError) -> None:
    """Say what is wrong on stderr, all of it."""
    problems = error.problems if isinstance(error, InputError) else (str(error),)
    if len(problems) > 1:
        print(f"{len(problems)} problems:", file=sys.stderr)
    for problem in problems:
        print(f"error: {problem}" if len(problems) == 1 else f"  {problem}", file=sys.stderr)
