"""Importing people: rows like those of the Hillstrom example, with evidence, sealed and durable.

People a second from the first byte of the CSV to the last durable commit, best of three runs into
an empty journal; the second run over the same file, which finds everything standing; and what the
import itself costs a row (reading, mapping, drafting) without the journal.
"""

import csv
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.table import Row, as_markdown
from reciprocity.brand import law_packs, load
from reciprocity.collect.drafts import Drafts
from reciprocity.collect.imports import import_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.collect.rows import RowReader
from reciprocity.collect.table import Table
from reciprocity.collect.taking import Job, Taker
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal, now_ms
from reciprocity.keys import blind

PEOPLE = 64_000
RUNS = 3
EXAMPLE = Path(__file__).parents[1] / "examples" / "hillstrom"
COLUMNS = ("recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie",
           "channel", "segment", "visit", "conversion", "spend")  # fmt: skip


def write_people(path: Path, people: int) -> None:
    """A file with the columns and proportions of the example's, made up from a fixed seed."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for _ in range(people):
            mens = chance.random() < 0.55
            writer.writerow((
                chance.randint(1, 12), "3) $200 - $350", f"{chance.expovariate(1 / 242) + 30:.2f}",
                int(mens), int(not mens or chance.random() < 0.18),
                chance.choice(("Rural", "Surburban", "Urban")), chance.randint(0, 1),
                chance.choice(("Phone", "Web", "Multichannel")),
                chance.choice(("No E-Mail", "Mens E-Mail", "Womens E-Mail")), 0, 0, 0,
            ))  # fmt: skip


def seconds(source: Path, folder: Path) -> tuple[float, float]:
    """How long the first import into a new journal took, and the second, which changes nothing."""
    statement = load(EXAMPLE).statement
    mapping, laws = read_mapping(EXAMPLE / "mapping.toml"), law_packs(statement.laws)
    with Journal.create(
        folder / "journal",
        origin="hillstrom.example/log",
        master_key=folder / "master.key",
        safekeeping=folder / "safe",
    ) as journal:
        took = []
        for _ in range(2):
            start = perf_counter()
            report = import_people(
                journal, statement, laws, mapping, source, folder / "rejects.csv", operator="bench"
            )
            took.append(perf_counter() - start)
            assert report.refused == 0
        assert (report.unchanged, report.events) == (report.rows, 0)
    return took[0], took[1]


class NoJournal:
    """Knows nobody and takes everything: what is left is the import's own work."""

    def find_many(self, _: Sequence[bytes]) -> dict[bytes, int]:
        """Nobody is known."""
        return {}

    def left(self, _: Sequence[bytes]) -> frozenset[bytes]:
        """Nobody was erased."""
        return frozenset()

    def append_many(self, requests: Sequence[Sequence[Entry]]) -> list[list[Appended]]:
        """Everything is taken."""
        return [[Appended(position=0, at=0, slot=0)] for _ in requests]


def own_microseconds(source: Path) -> float:
    """CPU time a row without the journal: three readings of the file, mapping, drafting."""
    statement = load(EXAMPLE).statement
    mapping, laws = read_mapping(EXAMPLE / "mapping.toml"), law_packs(statement.laws)

    def digest(namespace: str, value: str) -> bytes:
        return blind(bytes(32), namespace, value)

    now = now_ms()
    drafts = Drafts(statement, actor="import:bench", source="bench", now=now, digest=digest,
                    by_import=lambda _, __: True)  # fmt: skip
    start = process_time()
    with Table(source) as table:
        reader = RowReader(mapping, statement, laws, table.columns, now=now, digest=digest)
        rows = table.check()
        for _ in filter(None, map(reader.heard, table.rows())):
            pass
        batch: list[Job] = []
        for row in table.rows():
            batch.append(Job(reader.read(row, reader.heard(row)), whole=True))
            if len(batch) == 1_000:
                # a new taker each time, since everybody gets slot 0 here
                Taker(NoJournal(), drafts, lambda *_: None).take(batch)  # type: ignore[arg-type]
                batch = []
    return (process_time() - start) / rows * 1e6


def rows(people: int = PEOPLE) -> list[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "people.csv"
        write_people(source, people)
        runs = []
        for run in range(RUNS):
            folder = Path(temporary) / str(run)
            folder.mkdir()
            runs.append(seconds(source, folder))
        own = min(own_microseconds(source) for _ in range(RUNS))
    first, second = min(one for one, _ in runs), min(two for _, two in runs)
    return [
        Row(work="people imported, durable, best of 3", measured=people / first, unit="people/s",
            at_least=11_000),
        Row(work="people imported again, nothing changed", measured=people / second,
            unit="people/s"),
        Row(work="import's own share of a row (CPU)", measured=own, unit="us", at_most=25),
    ]  # fmt: skip


def main() -> None:
    print(as_markdown(rows(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)))


if __name__ == "__main__":
    main()
