"""`python -m reciprocity.prove.verify`: the verifiers from a shell, with nothing else installed."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.verify import (
    Agreed,
    verify_challenge,
    verify_consent,
    verify_log,
    verify_person,
    verify_receipt,
)
from reciprocity.tlog.policy import Policy

__all__ = ["main"]

FAILED, REFUSED = 1, 2
_VERIFY: Final[Mapping[str, Callable[..., Any]]] = {
    "receipt": verify_receipt,
    "consent": verify_consent,
    "person": verify_person,
    "challenge": verify_challenge,
}


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m reciprocity.prove.verify",
        description="Check a proof against a log's key. Exit codes: 0 it holds; 1 it does not; "
        "2 bad input.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("receipt", "consent", "person", "challenge", "log"))
    parser.add_argument("path", type=Path, help="the file, or the folder of an exported log")
    parser.add_argument(
        "--key", action="append", default=[], metavar="KEY",
        help="the log's verifier key, or a file that holds it; may be given more than once",
    )  # fmt: skip
    parser.add_argument(
        "--seen", type=Path, metavar="FILE",
        help="a checkpoint of this log that was seen before; for `log` and `person`",
    )  # fmt: skip
    parser.add_argument(
        "--policy", type=Path, metavar="FILE",
        help="a policy (C2SP tlog-policy): which witnesses must have cosigned, and whose log it is",
    )  # fmt: skip
    challenge = parser.add_argument_group("for `challenge`, what you know by yourself")
    challenge.add_argument("--commitment", metavar="SHA256", help="what you handed over, in hex")
    challenge.add_argument("--count", type=int, help="how many slots were agreed")
    challenge.add_argument(
        "--drawn-from", type=Path, metavar="FILE",
        help="the checkpoint you noted before you showed the value",
    )  # fmt: skip
    return parser


def _agreed(told: Namespace) -> Agreed:
    """What the auditor brings; the brand must not be asked for it."""
    if told.commitment is None or told.count is None or told.drawn_from is None:
        raise InputError("challenge needs --commitment, --count and --drawn-from, all of your own")
    return Agreed(told.commitment, told.count, _read(told.drawn_from))


def _more(told: Namespace, seen: bytes | None) -> dict[str, Any]:
    if told.what == "challenge":
        return {"agreed": _agreed(told)}
    return {"seen": seen} if told.what == "person" else {}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"file {path} cannot be read: {error.strerror}") from error


def _seen(path: Path) -> bytes:
    """The checkpoint in the file at *path*; an empty file is no reason to check less."""
    if not (note := _read(path)):
        raise InputError(f"file {path} is empty: expected a checkpoint that was seen before")
    return note


def _key(told: str) -> str:
    """The key itself, or what the file of that name holds."""
    return told if "+" in told else _read(Path(told)).decode("utf-8", "replace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what *arguments* name and print what holds, as JSON; the exit code."""
    told = _parser().parse_args(arguments)
    try:
        keys = [_key(key) for key in told.key]
        policy = Policy.parse(_read(told.policy)) if told.policy else None
        seen = _seen(told.seen) if told.seen else None
        if told.what == "log":
            found = asdict(verify_log(told.path, keys, seen or b"", policy))
        else:
            more = _more(told, seen)
            found = asdict(_VERIFY[told.what](_read(told.path), keys, policy, **more))
    except ProofError as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return FAILED
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    with suppress(BrokenPipeError):  # it holds, whether or not anybody reads on
        print(json.dumps(found, indent=2, ensure_ascii=False), flush=True)
        return 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
