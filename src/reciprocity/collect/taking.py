"""Rows put to the journal, many in one transaction: whom they are about, and what came of them.

What was decided from a person's history is appended only if that history still stands; where
somebody else appended meanwhile, the row is read against the new history and decided anew.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from reciprocity.collect.drafts import Drafts, Known
from reciprocity.collect.rows import Wanted
from reciprocity.errors import Conflict, ReciprocityError
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal

__all__ = ["MOST_TRIES", "Bits", "Job", "Taker"]

MOST_TRIES = 8
"""How often rows are decided anew before they are refused."""
_TAKEN = "; what it takes away was taken"
_TWICE = "person is named by an earlier row, which was taken"
_SEVERAL = "external id and addresses are of different people"
_ERASING = "person asked to be erased"
_LEFT = (
    "person was erased: a file does not speak for them any more; if they came back, enter what "
    "they say with `reciprocity person add`"
)
_MOVING = "person's history kept moving on; import the file again"


class Bits:
    """A set of small whole numbers, one bit each: ten million slots take 1.25 MB.

    >>> bits = Bits()
    >>> bits.add(70_000)
    >>> 70_000 in bits, 3 in bits
    (True, False)
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._bytes = bytearray()

    def add(self, number: int) -> None:
        """Let *number* be in it."""
        place = number >> 3
        if place >= len(self._bytes):
            self._bytes.extend(bytes(max(place + 1 - len(self._bytes), len(self._bytes))))
        self._bytes[place] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        """Is *number* in it?"""
        place = number >> 3
        return place < len(self._bytes) and bool(self._bytes[place] >> (number & 7) & 1)


class Job(Struct, frozen=True, gc=False):
    """A row to take, as a *whole* or only what it takes away, because the rest comes later."""

    wanted: Wanted
    whole: bool


class _Plan(Struct, frozen=True, kw_only=True, gc=False):
    """What one job comes to: *entries* to append as one act, *refused* why the row is refused.

    *slot* is that of the person it is about, -1 for one who becomes known by it.
    """

    job: Job
    entries: tuple[Entry, ...]
    slot: int = -1
    refused: str = ""


class Taker:
    """Takes jobs, and counts what became of their rows."""

    def __init__(
        self, journal: Journal, drafts: Drafts, refuse: Callable[[int, str], None]
    ) -> None:
        """*refuse* is told line and reason of each row that is not taken.

        *refused_taken* counts those of them that take something away, which was taken;
        *refused_new* the people who became known by that. They are not among the *new*.
        """
        self._journal, self._drafts, self._refuse = journal, drafts, refuse
        self.new = self.changed = self.unchanged = self.events = 0
        self.refused_taken = self.refused_new = 0
        self._healed = False
        self._taken = Bits()  # slots whose row was taken whole
        self._made = Bits()  # slots made for a refusal alone: their row is still to come

    def take(self, jobs: Sequence[Job]) -> None:
        """Take *jobs*, in their order where they are about the same person.

        Raises what stops the whole; what was taken before stays taken and counted.
        """
        tries = 0
        while jobs:
            moved, later = self._round(jobs)
            tries += bool(moved)
            if tries >= MOST_TRIES:
                for job in moved:
                    self._refuse(job.wanted.line, _MOVING)
                moved = []
            jobs = sorted((*moved, *later), key=lambda job: job.wanted.line)

    def _round(self, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """Take one job a person; those to decide anew, and those that have to wait for others."""
        digests = [digest for job in jobs for _, digest in job.wanted.called.digests]
        found = self._journal.find_many(digests)
        left = self._journal.left(digests)  # after that: who is in neither was never here
        ready, later = _one_each(jobs, found)
        known = self._known({slot for _, slots in ready for slot in slots})
        plans, moved = [], []
        for job, slots in ready:
            if all(slot in known for slot in slots):
                plans.append(self._plan(job, [known[slot] for slot in slots], found, left))
            else:  # erased between two reads
                moved.append(job)
        asking = [plan for plan in plans if plan.entries]
        answers = self._journal.append_many([plan.entries for plan in asking]) if asking else ()
        for plan in plans:
            if not plan.entries:
                self._settle(plan, ())
        for plan, answer in zip(asking, answers, strict=True):
            if isinstance(answer, Conflict):
                moved.append(plan.job)
            elif isinstance(answer, ReciprocityError):
                raise answer
            else:
                self._settle(plan, answer)
        return moved, later

    def _known(self, slots: set[int]) -> dict[int, Known]:
        """Those of *slots* who stand."""
        if not slots:
            return {}
        wanted = sorted(slots)
        kept, profiles = self._journal.kept_many(wanted), self._journal.profiles(wanted)
        if not self._healed and slots - kept.keys():  # the standing cache lost somebody
            self._journal.rebuild()
            self._healed, kept = True, self._journal.kept_many(wanted)
        return {
            slot: Known(standing=kept[slot].standing, profile=profiles[slot])
            for slot in wanted
            if slot in kept and slot in profiles and not kept[slot].standing.erased
        }

    # -- one job --

    def _plan(
        self, job: Job, people: Sequence[Known], found: dict[bytes, int], left: frozenset[bytes]
    ) -> _Plan:
        """What the job comes to, given the *people* it leads to, and the identities that *left*."""
        wanted = job.wanted
        if not left.isdisjoint(digest for _, digest in wanted.called.digests):
            return self._of_who_left(job, people, found, left)
        refused = wanted.problem or self._objection(wanted, people)
        if refused:
            refused += _TAKEN if wanted.said.takes_away else ""
            entries = tuple(self._refusals(wanted, people, found))
            return _Plan(job=job, entries=entries, refused=refused)
        if not people:
            drafts = self._drafts
            first = drafts.first(wanted) if job.whole else drafts.first_refusal(wanted)
            return _Plan(job=job, entries=(first,))
        (known,) = people
        draft = self._drafts.change if job.whole else self._drafts.refusal
        entry = draft(wanted, known)
        return _Plan(job=job, entries=() if entry is None else (entry,), slot=known.standing.slot)

    def _of_who_left(
        self, job: Job, people: Sequence[Known], found: dict[bytes, int], left: frozenset[bytes]
    ) -> _Plan:
        """Nobody is made known by a name that *left*; what the row takes away, it takes.

        Of those who came back, and of whoever else has one of its names: an id may be given anew.
        """
        wanted = job.wanted
        if not wanted.said.takes_away:
            return _Plan(job=job, entries=(), refused=_LEFT)
        drafts = [self._drafts.refusal(wanted, known) for known in people]
        others = tuple(
            each for each in wanted.called.digests if each[1] not in found and each[1] not in left
        )
        if others and not people:
            drafts.append(self._drafts.first_refusal(wanted, others))
        taken = _TAKEN if people or others else ""
        entries = tuple(entry for entry in drafts if entry is not None)
        return _Plan(job=job, entries=entries, refused=_LEFT + taken)

    def _objection(self, wanted: Wanted, people: Sequence[Known]) -> str:
        """Why the row cannot be taken whole of *people*; empty if it can."""
        if len(people) > 1:
            return _SEVERAL
        for known in people:
            called, profile = wanted.called.external_id, known.profile
            if called and profile.external_id and called != profile.external_id:
                return _SEVERAL
            if known.standing.slot in self._taken:
                return _TWICE
            if known.standing.wishes.erase_at:
                return _ERASING
        return ""

    def _refusals(
        self, wanted: Wanted, people: Sequence[Known], found: dict[bytes, int]
    ) -> Iterable[Entry]:
        """What a refused row takes away, of everyone whom any of its identities leads to."""
        if not wanted.said.takes_away:
            return
        for known in people:
            entry = self._drafts.refusal(wanted, known)
            if entry is not None:
                yield entry
        new = tuple(each for each in wanted.called.digests if each[1] not in found)
        if new and (not people or any(not channel for channel, _ in new)):
            yield self._drafts.first_refusal(wanted, new)

    def _settle(self, plan: _Plan, answer: Sequence[Appended]) -> None:
        """Count what became of the job's row; a row of which more is to come is counted then."""
        self.events += len(answer)
        slot = answer[0].slot if answer else plan.slot
        if plan.refused:
            self.refused_new += sum(entry.new is not None for entry in plan.entries)
        if not plan.job.whole:
            if plan.slot < 0 and not plan.refused:
                self._made.add(slot)
            return
        if plan.refused:
            self.refused_taken += plan.refused.endswith(_TAKEN)
            self._refuse(plan.job.wanted.line, plan.refused)
            return
        self._taken.add(slot)
        if plan.slot < 0 or slot in self._made:
            self.new += 1
        elif answer:
            self.changed += 1
        else:
            self.unchanged += 1


def _one_each(
    jobs: Sequence[Job], found: dict[bytes, int]
) -> tuple[list[tuple[Job, list[int]]], list[Job]]:
    """Jobs about different people, each with the slots it leads to; and those that must wait."""
    ready: list[tuple[Job, list[int]]] = []
    later: list[Job] = []
    busy: set[bytes | int] = set()
    for job in jobs:
        digests = [digest for _, digest in job.wanted.called.digests]
        slots = list({found[digest]: 0 for digest in digests if digest in found}) if found else []
        if busy.isdisjoint(digests) and busy.isdisjoint(slots):
            ready.append((job, slots))
        else:
            later.append(job)
        busy.update(digests)
        busy.update(slots)
    return ready, later
