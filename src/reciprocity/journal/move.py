"""Moving a brand from its files into PostgreSQL: all rows, shown to be the same, then the switch.

    lock      nobody writes to any of the files until it is done
    load      each database into a schema that no brand can have; what arrived is compared
    verify    the journal is opened there, and every leaf makes the root its checkpoint signed
    fence     the old files say that it has moved: whoever has it open still can do nothing more
    arrive    the schemas take their places, all or none
    settle    `database.toml` names the new place
    remove    the files go; keys must not lie where no erasure reaches them

Stopped before the fence, nothing has changed; stopped after it, the same command finishes.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from reciprocity.errors import InputError, Unavailable
from reciprocity.journal import pending
from reciprocity.journal.backup import sync
from reciprocity.journal.copies import SHARED_FOR
from reciprocity.journal.destroy import Step, quiet
from reciprocity.journal.fence import fence, fence_tables, fenced
from reciprocity.journal.journal import Journal
from reciprocity.journal.load import ORDER, Progress, arrive, load, loading, taken
from reciprocity.journal.restore import check_tree
from reciprocity.storage import Place, explained, place_of
from reciprocity.storage.place import arriving, settle
from reciprocity.storage.sqlite import SqliteDatabase, open_sqlite

__all__ = ["STEPS", "Moved", "move"]

STEPS: Final = ("load", "verify", "fence", "fence the others", "arrive", "settle", "remove")
_WAIT_MS: Final = 10_000


class Moved(Struct, frozen=True, kw_only=True):
    """What was moved: the log as it is in both, and the rows of each database."""

    origin: str
    size: int
    root: str
    rows: dict[str, int]


def move(
    folder: Path,
    place: Place,
    *,
    master_key: Path,
    safekeeping: Path,
    clock: Callable[[], int],
    progress: Progress | None = None,
    step: Step = quiet,
) -> Moved:
    """Move the brand in *folder* to *place*; every server of it must be started anew.

    Raises `InputError` if it is not in files, or anything is at *place*, `Unavailable` if somebody
    writes to it all the time or PostgreSQL cannot be reached: nothing was changed then. *step* is
    told the name of each of `STEPS` before it is done.
    """

    def opened(where: Path) -> Journal:
        return Journal(where, master_key=master_key, safekeeping=safekeeping, clock=clock)

    now = place_of(folder)
    if now is not None and (now != place or not (folder / "journal.db").exists()):
        raise InputError(
            f"brand lies in PostgreSQL already, in the schemas {now.schemas}__*: to change servers "
            "use pg_dump and pg_restore, then change database.toml"
        )
    if not (folder / "journal.db").exists():
        raise InputError(f"journal in {folder} is not there: nothing is to be moved")
    rows: dict[str, int] = {}
    with loading(place):
        if now is None and not _begun(folder, place):
            if there := taken(place):
                raise InputError(
                    f"schemas are there already ({', '.join(there)}): name others with --schemas"
                )
            with opened(folder) as journal:
                rows = _moved(journal, place, progress, step)
        if not taken(place):
            step("arrive")
            arrive(place)
        with TemporaryDirectory() as staging:
            settle(Path(staging), place)
            with opened(Path(staging)) as there_now:
                state = there_now.state()
                root = there_now.root(state.size)
        step("settle")
        settle(folder, place)
        step("remove")
        _remove(folder)
    return Moved(origin=state.origin, size=state.size, root=root.hex(), rows=rows)


def _begun(folder: Path, place: Place) -> bool:
    """Was the move to *place* stopped after the fence? Raises `InputError` for another place."""
    with closing(open_sqlite(folder / "journal.db", durable=True, busy_ms=_WAIT_MS)) as db:
        begun = fenced(db)
    if begun and begun != place:
        raise InputError(
            f"brand was moved to {begun.url}, schemas {begun.schemas}__*, and not finished: name "
            "that place again"
        )
    return begun is not None


def _moved(journal: Journal, place: Place, progress: Progress | None, step: Step) -> dict[str, int]:
    """Load, verify and fence, while nobody writes; the rows of each database."""
    journal.appender.refresh()  # seals what waits
    with ExitStack() as held:
        db = held.enter_context(journal.appender.alone())
        if pending.any_waiting(db):
            raise Unavailable("acts were noted without keys just now: run the same again")
        sources: dict[str, SqliteDatabase] = {}
        for name in ORDER:
            path = journal.folder / f"{name}.db"
            if path.exists():
                with explained(f"hold {path.name}"):
                    sources[name] = open_sqlite(path, durable=True, busy_ms=_WAIT_MS)
                    held.callback(sources[name].close)
                    if name == "journal":  # held already
                        sources[name].begin_reading()
                    else:
                        sources[name].begin()
        _drop_views(sources.get("standing"))
        step("load")
        rows = load(sources, place, progress)
        step("verify")
        with TemporaryDirectory() as staging:
            settle(Path(staging), arriving(place))
            with Journal(
                Path(staging),
                master_key=journal.master_key,
                safekeeping=journal.safekeeping.path,
                clock=journal.clock,
            ) as there:
                check_tree(there)
        step("fence")
        fence(db, place)
        with explained("say that the journal has moved"):
            db.commit()
        step("fence the others")
        for name, source in sources.items():  # who waits for a lock must not write what is left
            if name != "journal":
                fence_tables(source)
    return rows


def _drop_views(standing: SqliteDatabase | None) -> None:
    """What was copied for views stays behind: they are published anew."""
    for table in standing.tables() if standing else ():
        if standing and table.startswith(SHARED_FOR):
            standing.execute(f'DROP TABLE "{table}"')


def _remove(folder: Path) -> None:
    """Take the files away, the keys first; the journal, by which a rerun knows, last."""
    for name in ("keys", *(name for name in ORDER if name != "keys")):
        for suffix in ("-wal", "-shm", ""):
            path = folder / f"{name}.db{suffix}"
            for each in (path.resolve(), path):
                each.unlink(missing_ok=True)
    sync(folder)
