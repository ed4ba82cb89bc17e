"""A file of people, taken in: checked as a whole, then what takes away, then all the rest.

The order is the import law's: a no that stands further down the file counts before any yes, so
that a run cut short has never let out what the whole file would have held back. Whoever is named
twice is taken from the first row; from the others only what takes away. A second run finds
everything standing and changes nothing, also when the first was killed half-way.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.collect.drafts import Drafts
from reciprocity.collect.fits import misfits
from reciprocity.collect.mapping import Mapping
from reciprocity.collect.rejects import Rejects, rejects_to
from reciprocity.collect.rows import RowReader
from reciprocity.collect.table import Row, Table
from reciprocity.collect.taking import Job, Taker
from reciprocity.consent.laws import is_import
from reciprocity.errors import InputError, ReciprocityError, Unavailable
from reciprocity.events import Act
from reciprocity.journal.journal import Journal

__all__ = ["ImportReport", "ImportStopped", "import_people"]

AT_ONCE: Final = 2_000
"""Rows in one transaction: more rewrite fewer index pages, and hold the lock for longer."""

Progress = Callable[[int], None]


class ImportReport(Struct, frozen=True, kw_only=True):
    """What became of a file's rows: each is *new*, *changed*, *unchanged* or *refused*.

    Of the refused, *refused_taken* take something away, which was taken all the same; by that
    *refused_new* people became known, who are not among the *new*. *events* is how many were
    appended. A refused row's line and reason are in *rejects*; *reasons* counts them, the most
    frequent first.
    *unknown_words* counts, by column, the cells with a word that no condition of the mapping knows.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    refused_taken: int = 0
    refused_new: int = 0
    events: int = 0
    rejects: str = ""
    reasons: dict[str, int] = {}
    unknown_words: dict[str, int] = {}

    def __str__(self) -> str:
        """The counts in a sentence."""
        taken = (
            f"; what {self.refused_taken} of the refused take away was taken, by which "
            f"{self.refused_new} more people became known"
        )
        return (
            f"{self.rows} rows: {self.new} new, {self.changed} changed, "
            f"{self.unchanged} unchanged, {self.refused} refused{taken * bool(self.refused_taken)}"
        )


class ImportStopped(Unavailable):
    """The import stopped before its end; *report* is what was taken, and it stays taken."""

    def __init__(self, cause: BaseException, report: ImportReport) -> None:
        """Say what stopped it and what was taken until then."""
        why = str(cause) or "interrupted"
        super().__init__(
            f"import stopped: {why}; taken until then, of {report}; "
            "what was taken stays: mend what is wrong and run it again, it goes on from there"
        )
        self.report = report


def import_people(
    journal: Journal,
    statement: BrandStatement,
    laws: Sequence[LawPack],
    mapping: Mapping,
    source: Path,
    rejects: Path,
    *,
    operator: str,
    progress: Progress = lambda _: None,
) -> ImportReport:
    """Take the people of the CSV file *source* into *journal*, as *mapping* reads it.

    *progress* is told how many bytes of the file are done. Rows that cannot be taken go with
    line and reason, and nothing else of theirs, to *rejects*; what they take away is taken all
    the same. Raises `InputError`, with nothing done, for a file or a mapping that cannot be used;
    `ImportStopped`, with the report so far, for whatever stands in the way later.
    """
    with Table(source, mapping.file.delimiter) as table:
        found = misfits(mapping, statement, table.columns)
        if found:
            raise InputError(f"{found[0]}; nothing was taken", found)
        now = journal.clock()
        reader = RowReader(mapping, statement, laws, table.columns, now=now, digest=journal.digest)
        drafts = Drafts(
            statement,
            actor=f"import:{operator.removeprefix('operator:')}",
            source=mapping.name,
            now=now,
            digest=journal.digest,
            by_import=lambda slot, version: _came_by_import(journal, slot, version),
        )
        with rejects_to(rejects, source) as noted:
            run = _Run(table, reader, Taker(journal, drafts, noted.add), noted, progress)
            passes = (run.taking_away, run.all_else)
            return run.run(passes if _takes_away(mapping) else passes[1:])


def _takes_away(mapping: Mapping) -> bool:
    """Can any row of it take something away?"""
    return (
        bool(mapping.objections)
        or any(rule.state != "given" for rule in mapping.consent)
        or any(point.bounced is not None for point in mapping.points.values())
    )


_OTHER_ROW: Final = (
    "another row of this person has a word that may take something away and is in no condition"
)


class _Run:
    """One import, from its first row to its last."""

    def __init__(
        self,
        table: Table,
        reader: RowReader,
        taker: Taker,
        rejects: Rejects,
        progress: Progress,
    ) -> None:
        self._table, self._reader, self._taker = table, reader, taker
        self._rejects, self._progress = rejects, progress
        self._total = 0
        self._unknown: Counter[str] = Counter()
        self._in_doubt: set[bytes] = set()  # all by which people of doubtful rows are found

    def run(self, passes: Sequence[Callable[[Row], Job | None]]) -> ImportReport:
        """Make the *passes* over the file; whatever stops one tells how far it came."""
        try:
            self._total = self._table.check()
        except InputError as error:
            raise InputError(f"{error}; nothing was taken") from None
        try:
            for number, judge in enumerate(passes):
                self._pass(judge, number, len(passes))
            self._rejects.finish()
        except (ReciprocityError, OSError, KeyboardInterrupt) as error:
            with suppress(OSError):
                self._rejects.finish()
            raise ImportStopped(error, self.report()) from error
        return self.report()

    def report(self) -> ImportReport:
        """What became of the rows so far."""
        taker = self._taker
        return ImportReport(
            rows=self._total,
            new=taker.new,
            changed=taker.changed,
            unchanged=taker.unchanged,
            refused=self._rejects.count,
            refused_taken=taker.refused_taken,
            refused_new=taker.refused_new,
            events=taker.events,
            rejects=str(self._rejects.path),
            reasons=dict(sorted(self._rejects.reasons.items(), key=lambda one: (-one[1], one[0]))),
            unknown_words=dict(sorted(self._unknown.items())),
        )

    def _pass(self, judge: Callable[[Row], Job | None], number: int, of: int) -> None:
        """Take what *judge* makes of each row; a row it refuses with `InputError` is noted."""
        rows = self._table.rows()
        while batch := list(islice(rows, AT_ONCE)):
            jobs = []
            for row in batch:
                try:
                    job = judge(row)
                except InputError as error:
                    self._rejects.add(row.line, str(error))
                    continue
                if job is not None:
                    jobs.append(job)
            self._taker.take(jobs)
            self._rejects.passed(batch[-1].line, last=number + 1 == of)
            self._progress((number * self._table.size + self._table.position) // of)

    # -- what a pass makes of a row --

    def taking_away(self, row: Row) -> Job | None:
        """A row that takes something away; all of it, unless it also gives."""
        said = self._reader.heard(row)
        if said is not None and said.doubtful:
            with suppress(InputError):  # of whom it speaks nobody can know, no other row either
                called = self._reader.read(row, said).called
                self._in_doubt.update(digest for _, digest in called.digests)
        if said is None or not said.takes_away:
            return None
        try:
            return Job(self._reader.read(row, said), whole=not said.gives)
        except InputError:
            if said.gives:
                return None  # refused, once, by the pass that takes the rest
            raise

    def all_else(self, row: Row) -> Job | None:
        """A row that the pass before has not taken whole; the one pass that sees every row."""
        said = self._reader.heard(row)
        if said is not None and said.unknown:
            self._unknown.update(said.unknown)
        if said is not None and said.takes_away and not said.gives:
            return None
        wanted = self._reader.read(row, said)
        if self._in_doubt and wanted.said.gives and not wanted.problem:
            digests = (digest for _, digest in wanted.called.digests)
            if not self._in_doubt.isdisjoint(digests):
                wanted = replace(wanted, problem=_OTHER_ROW)
        return Job(wanted, whole=True)


def _came_by_import(journal: Journal, slot: int, version: int) -> bool:
    """Did an import write the event *version* of the person in *slot*?"""
    for told in journal.history(slot, version + 1)[version - 1 :]:
        if isinstance(told.body, Act):
            return is_import(told.kind, told.body.actor)
    return False
