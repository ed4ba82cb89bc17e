"""A brand in PostgreSQL beside the same in files, in one run, both on this disk and both durable.

The limit of a single append is what the database itself takes for a row and a commit.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import psycopg

from benchmarks.table import Row, as_markdown
from reciprocity.journal.journal import Journal
from reciprocity.journal.move import move
from reciprocity.storage import Place
from reciprocity.storage.place import settle
from tests.journal.small import Clock, create, no_more, registration, yes
from tests.postgresql import Server

__all__ = ["rows"]

PEOPLE: Final = 5_000
AT_ONCE: Final = 250
SINGLES: Final = 1_000
WRITERS: Final = 16


def rows() -> list[Row]:
    """Appends one by one, by sixteen at a time, in bulk; readings; moving there."""
    with Server(fsync="on") as server, TemporaryDirectory() as place:
        bare = _bare(server)
        with (
            _journal(Path(place) / "files") as files,
            _journal(Path(place) / "there", server) as pg,
        ):
            slots = {id(one): _people(one) for one in (files, pg)}
            bulk = {key: PEOPLE / took for key, (_, took) in slots.items()}
            single = {id(one): _singles(one, slots[id(one)][0]) for one in (files, pg)}
            many = {id(one): _many(one, slots[id(one)][0]) for one in (files, pg)}
            read = {id(one): _read(one, slots[id(one)][0]) for one in (files, pg)}
            mine, theirs = id(pg), id(files)
        moved = _moved(Path(place) / "files", server)
    beside = "in files"
    return [
        Row(work="PostgreSQL: one act, durable, with receipt", measured=single[mine], unit="/s",
            limit=bare, limit_is="a bare INSERT and COMMIT there"),
        Row(work="the same beside files", measured=single[mine], unit="/s",
            limit=single[theirs], limit_is=beside),
        Row(work=f"the same, {WRITERS} at a time", measured=many[mine], unit="/s",
            limit=many[theirs], limit_is=beside),
        Row(work="PostgreSQL: people registered in bulk", measured=bulk[mine], unit="/s",
            limit=bulk[theirs], limit_is=beside),
        Row(work="PostgreSQL: standing of one person read", measured=read[mine] * 1e6, unit="us",
            limit=read[theirs] * 1e6, limit_is=beside),
        Row(work="rows moved into PostgreSQL, compared, verified", measured=moved, unit="/s"),
    ]  # fmt: skip


@contextmanager
def _journal(place: Path, server: Server | None = None) -> Iterator[Journal]:
    if server is not None:
        (place / "live").mkdir(parents=True)
        settle(place / "live", Place(server.url, "bench"))
    with create(place, Clock()) as journal:
        yield journal


def _bare(server: Server) -> float:
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute("CREATE TABLE bare (x BIGINT PRIMARY KEY, data BYTEA)")
        begun = perf_counter()
        for number in range(SINGLES):
            db.execute("INSERT INTO bare VALUES (%s, %s)", (number, bytes(600)))
        return SINGLES / (perf_counter() - begun)


def _people(journal: Journal) -> tuple[list[int], float]:
    slots, begun = list[int](), perf_counter()
    for start in range(0, PEOPLE, AT_ONCE):
        told = [[registration(journal, f"p{start + n}"), yes()] for n in range(AT_ONCE)]
        for answer in journal.append_many(told):
            assert isinstance(answer, list)
            slots.append(answer[0].slot)
    return slots, perf_counter() - begun


def _singles(journal: Journal, slots: list[int]) -> float:
    begun = perf_counter()
    for slot in slots[:SINGLES]:
        journal.append([no_more(slot)], prove=True)
    return SINGLES / (perf_counter() - begun)


def _many(journal: Journal, slots: list[int]) -> float:
    def write(slot: int) -> None:
        journal.append([yes(slot)], prove=True)

    return _rate(lambda pool: list(pool.map(write, slots[: 2 * SINGLES])), 2 * SINGLES)


def _rate(work: Callable[[ThreadPoolExecutor], object], count: int) -> float:
    with ThreadPoolExecutor(WRITERS) as pool:
        begun = perf_counter()
        work(pool)
        return count / (perf_counter() - begun)


def _read(journal: Journal, slots: list[int]) -> float:
    begun = perf_counter()
    for slot in slots[:SINGLES]:
        journal.kept(slot)
    return (perf_counter() - begun) / SINGLES


def _moved(place: Path, server: Server) -> float:
    begun = perf_counter()
    done = move(
        place / "live", Place(server.url, "moved"), master_key=place / "away" / "master.key",
        safekeeping=place / "safe", clock=Clock(),
    )  # fmt: skip
    return sum(done.rows.values()) / (perf_counter() - begun)


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
