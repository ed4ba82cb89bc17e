"""Keeping the brand's files: rebuild, back up, restore, drill, sign a gap, and serve links."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, folder_of, front_of, opened, print_json
from reciprocity.errors import ReciprocityError

if TYPE_CHECKING:
    from threading import Event

    from reciprocity.brand import Brand

__all__ = ["app"]

app = typer.Typer()
journal = typer.Typer(cls=Contents, no_args_is_help=True)
gap = typer.Typer(cls=Contents, no_args_is_help=True)
app.add_typer(journal, name="journal", help="The journal's caches.")
app.add_typer(gap, name="gap", help="What a restore lost.")

JournalBackups = Annotated[
    Path, typer.Option("--journal", metavar="DIR", help="Where the journal's backups are.")
]
KeysBackups = Annotated[
    Path,
    typer.Option("--keys", metavar="DIR", help="Where the keys' backups are: another place."),
]


@journal.command()
def rebuild(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Make what stands for everyone anew from the events."""
    from reciprocity.cli.screen import counted, progress

    with opened(context) as shop, progress("Rebuilding") as (move,):
        size = shop.journal.state().size
        shop.journal.rebuild(lambda done: move(done, size))
        people = shop.journal.count()
    if as_json:
        print_json({"events": size, "people": people})
    else:
        print(f"made anew from {counted(size, 'event')}: {counted(people, 'person', 'people')}")


@app.command()
def backup(
    context: typer.Context,
    *,
    journal_to: JournalBackups,
    keys_to: KeysBackups,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=1, help="Older backups are removed.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Back up journal and keys, each to its own place; one of them alone can be read by nobody."""
    from reciprocity.journal.backup import back_up

    with opened(context) as shop:
        manifest = back_up(shop.journal, journal_to, keys_to, keep_days=keep_days)
    if as_json:
        print_json(manifest)
        return
    from reciprocity.cli.screen import counted

    size = counted(manifest.size, "event")
    print(f"backed up {size} of {manifest.origin}, root {manifest.root}")
    print("the master key is in neither: keep a copy of it in a third place")


@app.command()
def restore(
    context: typer.Context,
    *,
    journal_from: JournalBackups,
    keys_from: KeysBackups,
    as_json: AsJson = False,
) -> None:
    """Bring the newest backup to life in the brand's folder, and say what it lost."""
    from reciprocity.journal.backup import newest
    from reciprocity.journal.journal import now_ms
    from reciprocity.journal.restore import restore as bring_back

    brand, actor = _declared(context), front_of(context).actor
    from_journal, from_keys = newest(journal_from, keys_from)
    found = bring_back(
        brand.folder,
        journal_from=from_journal,
        keys_from=from_keys,
        master_key=brand.master_key,
        safekeeping=brand.safekeeping,
        clock=now_ms,
        operator=actor,
    )
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted

    print(f"restored {counted(found.restored, 'event')}; the log is {found.origin}")
    if found.erased_again:
        people = counted(len(found.erased_again), "person", "people")
        print(f"erased again, because the backup was older: {people}")
    if found.signatures_needed:
        print(f"events lost: {'nobody can say how many' if found.lost < 0 else found.lost}")
        print("nothing is sent before every withdrawal among them was entered again, and")
        print(f"{found.signatures_needed} operators have signed that: `reciprocity gap sign`")
        print("campaigns that had opened are ended, since some of them may have left in what was")
        print("lost: `reciprocity gap resume CAMPAIGN` says of one that nothing of it did")


@app.command()
def drill(
    context: typer.Context,
    *,
    journal_from: JournalBackups,
    keys_from: KeysBackups,
    as_json: AsJson = False,
) -> None:
    """Restore the newest backup aside, check it, compare it with the live journal, forget it."""
    from reciprocity.journal.backup import newest
    from reciprocity.journal.restore import drill as try_out

    from_journal, from_keys = newest(journal_from, keys_from)
    with opened(context) as shop, tempfile.TemporaryDirectory(prefix="drill-") as scratch:
        found = try_out(
            journal_from=from_journal,
            keys_from=from_keys,
            master_key=shop.brand.master_key,
            scratch=Path(scratch),
            clock=shop.journal.clock,
            live=shop.journal,
        )
    if as_json:
        print_json(found)
        return
    from reciprocity.cli.screen import counted

    people = counted(found.people, "person", "people")
    print(f"the backup can be restored: {counted(found.size, 'event')}, {people}")
    moved_on = counted(found.moved_on, "person", "people")
    print(f"the live log is {counted(found.behind, 'event')} ahead; {moved_on} moved on since,")
    print(f"{counted(found.same, 'stands', 'stand')} exactly as in the backup")


@gap.command("sign")
def sign(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Sign that every withdrawal which a restore lost was entered again."""
    from reciprocity.journal.restore import sign_gap

    actor = front_of(context).actor
    with opened(context) as shop:
        missing = sign_gap(shop.journal, actor)
    if as_json:
        print_json({"signatures_needed": missing})
    elif missing:
        from reciprocity.cli.screen import counted

        more = counted(missing, "more operator")
        print(f"signed; {more} must sign before anything is sent")
    else:
        print("signed; the brand may send again")


@gap.command("resume")
def resume(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="One in brand.toml.")],
) -> None:
    """Say that nothing of a campaign had left in what a restore lost, so that it may be sent."""
    from reciprocity.platform.apply import resume as put_back

    actor = front_of(context).actor
    with opened(context) as shop:
        put_back(shop.journal, shop.brand, campaign, actor)
    print(f"campaign {campaign} is in force again")


def _declared(context: typer.Context) -> "Brand":
    from reciprocity.brand import load
    from reciprocity.platform.shop import CHECKERS

    return load(folder_of(front_of(context).brand), CHECKERS)


# --- serving ------------------------------------------------------------------------------------


@app.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any.")] = 8080,
    tick: Annotated[
        int, typer.Option("--tick", min=0, help="Do what is due every so many seconds; 0: never.")
    ] = 60,
    key_rate: Annotated[
        int, typer.Option("--key-rate", min=1, help="Requests a second that an API key may make.")
    ] = 500,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that answer, one a core.")
    ] = 1,
) -> None:
    """Answer the links in messages, so that one click stops them, and do what is due."""
    from threading import Event, Thread

    from reciprocity.http.serve import run

    front, ended = front_of(context), Event()
    folder = folder_of(front.brand)
    if tick:
        told = (folder, front.actor, tick, ended)
        Thread(target=_tick, args=told, daemon=True).start()
    try:
        run(folder.resolve(), host, port, _announce, key_rate=key_rate, workers=workers)
    except KeyboardInterrupt:  # as it was told how to stop; open requests were answered
        print("stopped", file=sys.stderr)
    finally:
        ended.set()


def _announce(url: str) -> None:
    print(f"answering on {url}; stop with Ctrl-C", file=sys.stderr, flush=True)


def _tick(folder: Path, actor: str, seconds: int, ended: "Event") -> None:
    """Do what is due, every so often; what stands in the way is said and tried again."""
    from reciprocity.platform import Reciprocity

    while not ended.wait(seconds):
        try:
            with Reciprocity.open(folder) as shop:
                done = shop.tick(actor)
        except ReciprocityError as error:
            print(f"tick: {error}", file=sys.stderr)
            continue
        for line in done.shortfalls():
            print(f"tick: {line}", file=sys.stderr)
        if done.erased or any(report.delivered for report in done.sent):
            sent = sum(report.delivered for report in done.sent)
            print(f"tick: {done.erased} erased, {sent} sent", file=sys.stderr)
