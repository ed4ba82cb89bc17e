"""Checking proofs: works with a file and a key alone, on a machine that has no brand."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, front_of, print_json, read, written
from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.prove.verify import VerifiedLog
    from reciprocity.tlog.policy import Policy

__all__ = ["app"]

app = typer.Typer(cls=Contents, no_args_is_help=True)

HOUR_MS: Final = 3_600_000
_FORMAT: Final = re.compile(r"reciprocity-(receipt|person|challenge)@v\d+")

Key = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The log's verifier key, or a file that holds it; else the brand's own. Repeatable.",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="Which witnesses must have cosigned, and whose log it is (C2SP tlog-policy).",
    ),
]
Seen = Annotated[
    Path | None,
    typer.Option("--seen", metavar="FILE", help="A checkpoint of this log, seen before."),
]


@app.command("receipt")
def verify_receipt(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt.")],
    key: Key = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that a signed log holds what a receipt says; exit code 1 if it does not."""
    from reciprocity.prove.verify import verify_receipt as verify

    found = verify(_proof(file, "receipt", "receipt"), *_trust(context, key, policy))
    if as_json:
        print_json(found)
        return
    print(f"the receipt holds: event {found.position} of the log {found.origin}")
    _under(found.size, found.root)
    _cosigned(found.cosigned_by)
    print(json.dumps(found.event, ensure_ascii=False, sort_keys=True))


@app.command("consent")
def verify_consent(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `--format jsonld` wrote.")],
    key: Key = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that a consent receipt (ISO/IEC TS 27560) says only what the log proves."""
    from reciprocity.prove.verify import verify_consent as verify

    found = verify(_proof(file, "consent receipt", "consent"), *_trust(context, key, policy))
    if as_json:
        print_json(found)
        return
    print(f"the consent receipt holds: event {found.act.position} of the log {found.act.origin}")
    print("act, brand file and notice are in the log, and it says nothing besides")
    _cosigned(found.act.cosigned_by)


@app.command("person")
def verify_person(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `person proof` wrote.")],
    key: Key = None,
    policy: PolicyFile = None,
    seen: Seen = None,
    as_json: AsJson = False,
) -> None:
    """Check that a person's proof holds all there is of them, and decide each delivery again."""
    from reciprocity.prove.verify import verify_person as verify

    before = _seen(seen) if seen else None
    found = verify(_proof(file, "proof", "person"), *_trust(context, key, policy), before)
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted, moment, screen
    from reciprocity.cli.tables import events_table

    screen().print(events_table(found.events))
    events = counted(len(found.events), "event")
    print(f"the proof holds: {events} of slot {found.slot} in {found.origin}")
    print(f"epoch {found.epoch} shows that the first {found.covered} of them are all there were")
    print(f"among the first {found.epoch_size} of {found.size} records of the log")
    print(f"(stated at {moment(found.epoch_at)}, the brand's word)")
    if newer := len(found.events) - found.covered:
        print(f"newer of them: {newer}; whether more is missing there shows with the next epoch")
    deliveries = counted(found.decided, "delivery was", "deliveries were")
    print(f"{deliveries} decided again: each was permitted", end="")
    print(f", by {counted(found.fewest_rules, 'rule')} at least" if found.decided else "")
    if seen:
        before_it = counted(found.consistent_with, "event")
        print(f"the log goes on from the {before_it} seen before")
    _under(found.size, found.root)
    _cosigned(found.cosigned_by)


@app.command("challenge")
def verify_challenge(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `challenge answer` wrote.")],
    commitment: Annotated[
        str, typer.Option("--commitment", metavar="SHA256", help="What you handed over, in hex.")
    ],
    count: Annotated[int, typer.Option("--count", min=1, help="How many slots were agreed.")],
    drawn_from: Annotated[
        Path,
        typer.Option(
            "--drawn-from",
            metavar="FILE",
            help="The checkpoint you noted before you showed the value: it fixes the draw.",
        ),
    ],
    key: Key = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that the slots were drawn as agreed and each is opened whole; exit code 1 if not."""
    from reciprocity.prove.verify import Agreed
    from reciprocity.prove.verify import verify_challenge as verify

    agreed = Agreed(commitment, count, read(drawn_from, "checkpoint"))
    found = verify(
        _proof(file, "challenge", "challenge"), *_trust(context, key, policy), agreed=agreed
    )
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted, moment

    print(f"the answer to challenge {found.number} holds: slots {list(found.slots)}")
    print(f"as epoch {found.epoch} has them, as of {moment(found.epoch_at)}, which is")
    print(f"{counted(found.before_begun, 'event')} before the challenge was begun")
    people = counted(found.people, "person", "people")
    deliveries = counted(found.decided, "delivery", "deliveries")
    print(f"{people} opened whole, {deliveries} decided again")
    print(f"{found.erased} erased before, {found.unused} never used")
    _cosigned(found.cosigned_by)
    if found.erased_since or found.not_shown:
        print(f"{found.erased_since} erased since: nothing of them can be opened any more")
        print(f"{found.not_shown} said to be erased since, of whom not even that can be shown")
    for one in found.erasures:
        print(f"slot {one.slot}: erased {one.recorded}, {moment(one.at)}, event {one.index}")


@app.command("log")
def verify_log(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `log export` wrote.")],
    key: Key = None,
    policy: PolicyFile = None,
    seen: Seen = None,
    as_json: AsJson = False,
) -> None:
    """Check every leaf, tile and epoch of an exported log; exit code 1 if one does not hold."""
    from reciprocity.prove.verify import verify_log as verify

    before = _seen(seen) if seen else b""
    keys, asked = _trust(context, key, policy)
    found = verify(folder, keys, before, asked)
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted

    leaves = counted(found.size, "leaf", "leaves")
    print(f"the log holds: {leaves} of {found.origin}, root {found.root}")
    print(f"{found.personal} personal, {found.brand} of the brand, {found.public} public")
    if found.hashed:
        print(
            f"{found.hashed} of the public ones are hashes of texts kept elsewhere, not read here"
        )
    _epochs(found)
    if found.challenges:
        left = ", ".join(map(str, found.unanswered)) or "none"
        print(f"challenges: {found.challenges}, not answered: {left}")
    _cosigned(found.cosigned_by)
    if seen:
        print(f"it goes on from the {found.consistent_with} leaves that were seen before")


@app.command("page")
def verify_page(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")
    ],
) -> None:
    """Write the page that checks receipts and proofs in a browser; anyone may host it."""
    from reciprocity.prove.page import verifier_page

    written(output, verifier_page().encode())
    print(f"{output}: open it from disk, or host it; it loads nothing and sends nothing")


def _proof(file: Path, what: str, kind: str) -> bytes:
    """What *file* holds, which is to be a *kind*; raises `InputError` if it says it is another.

    Whether it is what it says, and holds, is for the check to find: that is no matter of kind.
    """
    data = read(file, what)
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return data
    told = _kind(said) if isinstance(said, dict) else ""
    if told and told != kind:
        raise InputError(
            f"file {file} is no {what}: check it with `reciprocity verify {told} {file}`"
        )
    return data


def _kind(said: dict[str, object]) -> str:
    """Which of `verify`'s commands checks what says this of itself; empty for none."""
    if "@context" in said:
        return "consent"
    found = _FORMAT.fullmatch(form) if isinstance(form := said.get("format"), str) else None
    return found[1] if found else ""


def _seen(file: Path) -> bytes:
    """The checkpoint in *file*; an empty one is no reason to check less."""
    if not (note := read(file, "checkpoint")):
        raise InputError(f"checkpoint file {file} is empty: name one that `log export` wrote")
    return note


def _trust(
    context: typer.Context, told: list[str] | None, policy: Path | None
) -> tuple[list[str], "Policy | None"]:
    """The keys told, or those in the files told, and the policy.

    Where neither names a log it is the brand's own, as its journal says.
    """
    from reciprocity.tlog.policy import Policy

    asked = Policy.parse(read(policy, "policy")) if policy else None
    keys = [
        one if "+" in one else read(Path(one), "key").decode("utf-8", "replace")
        for one in told or []
    ]
    if keys or (asked and asked.logs):
        return keys, asked
    from reciprocity.prove.own_keys import keys_of

    return keys_of(front_of(context).brand / "journal.db"), asked


def _epochs(found: "VerifiedLog") -> None:
    """Which epochs there are, and what they leave open."""
    print(f"epochs: {found.epochs}, each with the number of personal leaves below it")
    if not found.epochs:
        return
    from reciprocity.cli.screen import moment

    print(f"the newest is of {moment(found.epoch_at)}, the last statement of", end=" ")
    print(f"{moment(found.newest_at)}; {found.behind} personal leaves are not covered yet")
    print(f"between two epochs passed {found.longest_ms / HOUR_MS:.1f} hours at most, and one left")
    print(f"{found.most_behind} personal leaves before it uncovered, at most")


def _under(size: int, root: str) -> None:
    """Say which checkpoint it was checked under."""
    from reciprocity.cli.screen import counted

    print(f"under its signed checkpoint of {counted(size, 'event')}, root {root}")


def _cosigned(names: Sequence[str]) -> None:
    if names:
        print(f"cosigned by {', '.join(names)}")
