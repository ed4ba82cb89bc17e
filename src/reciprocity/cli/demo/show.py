"""The demo itself: a shop, its people, a campaign, people leaving meanwhile, and the proof."""

import datetime
import re
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote

from rich.console import Console

from reciprocity.brand import starter
from reciprocity.cli.demo.acts import Leaving, say_all
from reciprocity.cli.demo.check import Compared, compare, letters_in
from reciprocity.cli.demo.pages import serve_pages
from reciprocity.cli.demo.people import Made, chosen, make_people, write_file
from reciprocity.cli.screen import counted, plain_table, progress, screen
from reciprocity.cli.tables import (
    audit_table,
    audit_words,
    breaches_table,
    plan_head,
    plan_table,
    plan_words,
    send_table,
)
from reciprocity.collect.imports import ImportReport
from reciprocity.deliver.campaign import Plan
from reciprocity.errors import Damaged, InputError
from reciprocity.journal.journal import now_ms
from reciprocity.platform import Reciprocity
from reciprocity.prove.figures import Audit
from reciprocity.prove.page import verifier_page
from reciprocity.prove.person import person_proof
from reciprocity.prove.published import publish
from reciprocity.prove.verify import verify_person, verify_receipt

__all__ = ["next_steps", "show"]

CAMPAIGN: Final = "spring"
ACTOR: Final = "operator:demo"
_FILES: Final = ("receipt.json", "proof.json", "log.key", "log")
_QUIET: Final = re.compile(r'^(quiet_(?:from|until)) = "[^"]*"', re.MULTILINE)
_NO_QUIET: Final = r'\1 = "00:00"'


def show(folder: Path, count: int, seed: int, *, serve: bool) -> None:
    """Run the demo in *folder* with *count* people; raises `Damaged` if the truth is missed.

    With *serve* it ends by serving the brand's pages, until told to end.
    """
    begun, console = time.monotonic(), screen()
    place = _new_place(folder)
    people = make_people(count, seed, now_ms())
    _head(console, "1. A brand, and what its till knows of people")
    _write(place, people)
    with Reciprocity.create(place / "shop") as shop:
        shop.apply(ACTOR)
        _say_imported(console, _import(shop, place))
        _head(console, "2. People say themselves what they want")
        _opt_in(console, shop, people)
        _head(console, "3. A campaign is planned: nothing is sent, everyone is decided")
        plan = _plan(console, shop)
        _head(console, "4. It is sent, and people withdraw while it is on its way")
        leaving = _send(console, shop, people)
        _head(console, "5. Every delivery is judged again, from history alone")
        audit = _audit(console, shop)
        _head(console, "6. One who left holds a receipt, and a proof that nothing is missing")
        _verify(console, shop, place, leaving)
        _head(console, "7. These people were made up, so it is known what had to be")
        letters = letters_in(place / "shop" / "maildir")
        found = compare(shop, people, plan, letters, leaving.withdrawn)
    _judge(console, found, audit)
    _say_next(console, place, people, leaving)
    console.print(f"\n{count:,} people in {time.monotonic() - begun:.1f} s.")
    if serve:
        serve_pages(console, place / "shop", people, leaving.withdrawn)


def _head(console: Console, text: str) -> None:
    console.print(f"\n{text}\n", style="bold")


# --- the steps ------------------------------------------------------------------------------------


def _new_place(folder: Path) -> Path:
    """A folder of this run's own: *folder*, or the next `run-N` in it if it holds earlier ones."""
    try:
        if not folder.exists() or not any(folder.iterdir()):
            place = folder
        elif (folder / "shop" / "brand.toml").exists() and (folder / "people.csv").exists():
            numbers = [
                int(path.name[4:]) for path in folder.glob("run-*") if path.name[4:].isdecimal()
            ]
            place = folder / f"run-{max(numbers, default=1) + 1}"
        else:
            raise InputError(f"folder {folder} holds other things: name a new or empty one")
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {folder} cannot be used: {error.strerror}") from error
    return place


def _write(place: Path, people: Sequence[Made]) -> None:
    """The starter brand without its quiet time, so that the demo shows the same at any hour."""
    today = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).date()
    for path, text in starter(None, today).items():
        target = place / "shop" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_QUIET.sub(_NO_QUIET, text), encoding="utf-8")
    mapping = files("reciprocity.cli.demo") / "mapping.toml"
    (place / "mapping.toml").write_text(mapping.read_text("utf-8"), encoding="utf-8")
    write_file(people, place / "people.csv")


def _import(shop: Reciprocity, place: Path) -> ImportReport:
    with progress("Importing") as (move,):
        return shop.import_people(
            place / "people.csv", place / "mapping.toml", place / "rejects.csv",
            actor=ACTOR, progress=move,
        )  # fmt: skip


def _say_imported(console: Console, report: ImportReport) -> None:
    console.print(f"people.csv, {report}")


def _opt_in(console: Console, shop: Reciprocity, people: Sequence[Made]) -> None:
    with progress("Listening") as (move,):
        told = say_all(shop, people, move)
    table = plain_table("what was said", "times", numbers=("times",))
    for kind, times in sorted(told.items()):
        table.add_row(kind, f"{times:,}")
    console.print(table)


def _plan(console: Console, shop: Reciprocity) -> Plan:
    with progress("Planning") as (move,):
        plan = shop.plan(CAMPAIGN, progress=move)
    console.print(plan_head(plan))
    console.print(plan_table(plan))
    console.print(plan_words(plan))
    return plan


def _send(console: Console, shop: Reciprocity, people: Sequence[Made]) -> Leaving:
    leaving = Leaving(shop, people)
    with progress("Planning", "Sending") as (planned, sent):

        def move(done: int, total: int) -> None:
            sent(done, total)
            leaving.move(done, total)

        report = shop.send(CAMPAIGN, ACTOR, planned, move)
    leaving.join()
    console.print(send_table(report))
    withdrew = counted(len(leaving.withdrawn), "person", "people")
    console.print(
        f"{withdrew} withdrew while it was being sent. Who did so before their message was on its "
        "way did not get it."
    )
    return leaving


def _audit(console: Console, shop: Reciprocity) -> Audit:
    with progress("Auditing") as (move,):
        found, stated = publish(shop.journal, move, full=True)
    console.print(audit_table(found))
    console.print(audit_words(found))
    console.print(
        f"Its counts are published in the log, at position {stated.position}: "
        "the brand's page of promises shows them."
    )
    if found.breaches:
        console.print(breaches_table(found.breaches))
    return found


def _verify(console: Console, shop: Reciprocity, place: Path, leaving: Leaving) -> None:
    if leaving.receipt is None:
        raise InputError("demo has nobody to reach, so nobody to leave: give it more --people")
    key = shop.journal.signer().verifier_key.encode()
    (place / "receipt.json").write_bytes(leaving.receipt.encode())
    (place / "log.key").write_text(f"{key}\n", encoding="utf-8")
    found = verify_receipt((place / "receipt.json").read_bytes(), [key])
    console.print(f"event {found.position} stands in the log {found.origin},")
    console.print(f"under its signed checkpoint of {found.size:,} events, root {found.root}")
    _prove(console, shop, place, cast("int", found.event["slot"]), key)


def _prove(console: Console, shop: Reciprocity, place: Path, slot: int, key: str) -> None:
    (place / "proof.json").write_bytes(person_proof(shop.journal, slot).encode())
    (place / "verify.html").write_text(verifier_page(), encoding="utf-8")
    whole = verify_person((place / "proof.json").read_bytes(), [key])
    console.print(f"\n{whole.covered} events are all that is recorded of this person among the")
    console.print(f"first {whole.epoch_size:,} of {whole.size:,} records, as epoch {whole.epoch}")
    console.print(f"shows; {whole.decided} of their deliveries, decided again from the rules in")
    console.print("the log and their own words, were permitted. Check it yourself, with")
    console.print("proof.json, on the page")
    page = f"{(place / 'verify.html').absolute().as_uri()}#key={quote(key, safe='')}"
    console.print(page, soft_wrap=True)


def _judge(console: Console, found: Sequence[Compared], audit: Audit) -> None:
    table = plain_table("", "had to be", "was", "", numbers=("had to be", "was"))
    for one in found:
        table.add_row(
            one.what, f"{one.must:,}", f"{one.found:,}", "equal" if one.equal else "DIFFERENT"
        )
    console.print(table)
    wrong = [one for one in found if not one.equal]
    if wrong or audit.breaches:
        raise Damaged(
            f"demo missed the truth in {len(wrong)} of {len(found)} counts, and the audit found "
            f"{len(audit.breaches)} breaches: please report this"
        )
    console.print(
        f"All {len(found)} counts are equal, and the audit found no breach.", style="green"
    )


# --- what to try next -----------------------------------------------------------------------------


def _say_next(console: Console, place: Path, people: Sequence[Made], leaving: Leaving) -> None:
    _head(console, f"Try it yourself: all of it lies in {place}")
    for command in next_steps(place, people, leaving):
        console.print(f"  {command}", soft_wrap=True)
    mails = shlex.quote(str(place / "shop" / "maildir" / "new"))
    console.print(f"\nThe letters are in {mails}; each names its receipt and how to stop.")


def next_steps(place: Path, people: Sequence[Made], leaving: Leaving) -> list[str]:
    """Commands to copy, which work on what the demo left behind."""
    command, shop = _command(), shlex.quote(str(place / "shop"))
    stayed = next(
        one.customer for one in people if chosen(one) and one.customer not in leaving.withdrawn
    )
    left = next(iter(leaving.withdrawn))
    brand = f"{command} --brand {shop}"
    quoted = {name: shlex.quote(str(place / name)) for name in _FILES}
    return [
        f"{brand} person show id:{stayed}",
        f"{brand} why id:{left} garden",
        f"{brand} person withdraw id:{stayed} marketing",
        f"{brand} plan {CAMPAIGN}",
        f"{brand} rules",
        f"{command} verify receipt {quoted['receipt.json']} --key {quoted['log.key']}",
        f"{command} verify person {quoted['proof.json']} --key {quoted['log.key']}",
        f"{brand} log export {quoted['log']}",
        f"{command} verify log {quoted['log']} --key {quoted['log.key']}",
        f"{brand} audit",
        f"{brand} serve",
    ]


def _command() -> str:
    """How to call this very command: by its name if the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    found = shutil.which("reciprocity")
    if found and called.exists() and Path(found).samefile(called):
        return "reciprocity"
    return shlex.quote(sys.argv[0])
