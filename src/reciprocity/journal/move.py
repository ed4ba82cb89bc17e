"""Moving a brand from its files into PostgreSQL: all rows, shown to be the same, then the switch.

    lock      nobody writes to any of the files until it is done
    load      each database into a schema of its own, the journal last; what arrived is compared
    verify    the journal is opened there, and every leaf makes the root its checkpoint signed
    fence     the old journal says that it has moved: whoever has it open still can do nothing more
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
from reciprocity.journal.fence import fence, fenced
from reciprocity.journal.journal import Journal
from reciprocity.journal.load import ORDER, Progress, holds_log, load
from reciprocity.journal.restore import check_tree
from reciprocity.storage import SHARED, Place, explained, place_of
from reciprocity.storage.place import settle
from reciprocity.storage.sqlite import SqliteDatabase, open_sqlite

__all__ = ["Moved", "move"]

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
) -> Moved:
    """Move the brand in *folder* to *place*; every server of it must be started anew.

    Raises `InputError` if it is not in files, or another brand is at *place*, `Unavailable` if
    somebody writes to it all the time or PostgreSQL cannot be reached: nothing was changed then.
    """
    if (now := place_of(folder)) is not None:
        raise InputError(
            f"brand lies in PostgreSQL already, in the schemas {now.schemas}_*: to change servers, "
            "use pg_dump and pg_restore, then change database.toml"
        )
    rows: dict[str, int] = {}

    def opened(where: Path) -> Journal:
        return Journal(where, master_key=master_key, safekeeping=safekeeping, clock=clock)

    with closing(open_sqlite(folder / "journal.db", durable=True, busy_ms=_WAIT_MS)) as db:
        begun = fenced(db)
    if begun and begun != place:
        raise InputError(
            f"brand was moved to {begun.url}, schemas {begun.schemas}_*, and not finished: name "
            "that place again"
        )
    if not begun:
        if holds_log(place):
            raise InputError(
                f"schemas {place.schemas}_* hold a brand already: name others with --schemas"
            )
        with opened(folder) as journal:
            rows = _moved(journal, place, progress)
    with TemporaryDirectory() as staging:
        settle(Path(staging), place)
        with opened(Path(staging)) as there:
            state = there.state()
            root = there.root(state.size)
    settle(folder, place)
    for name in SHARED:
        for each in folder.glob(f"{name}.db*"):
            each.unlink()
    return Moved(origin=state.origin, size=state.size, root=root.hex(), rows=rows)


def _moved(journal: Journal, place: Place, progress: Progress | None) -> dict[str, int]:
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
        with TemporaryDirectory() as staging:
            rows = load(sources, place, Path(staging), progress=progress)
            with Journal(
                Path(staging),
                master_key=journal.master_key,
                safekeeping=journal.safekeeping.path,
                clock=journal.clock,
            ) as there:
                check_tree(there)
        fence(db, place)
    return rows
