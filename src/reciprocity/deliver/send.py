"""Sending: out of the outbox, decided anew, written down, checked at the door, handed over.

At most once, by the journal: an attempt is on record, at the version of the person it was decided
from, before anything is handed over, and a killed sender leaves it `unknown`, never sends again.
Between the attempt and the hand-over the person's version is read once more: a withdrawal that
came in between stops the letter at the door.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.statements import in_force_for
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.attempt import attempt_of
from reciprocity.deliver.channel import Handed, Letter, Result, Transport
from reciprocity.deliver.letters import Letters
from reciprocity.deliver.outbox import Outbox, Queued
from reciprocity.errors import Conflict, InputError, ReciprocityError, Unavailable
from reciprocity.events import Act, Attempt, Held, Outcome, PointSet
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.standing import held_key
from reciprocity.model import Decision, Profile, Verdict

__all__ = ["BATCH", "Sender", "Tally"]

BATCH: Final = 32
"""Attempts in one commit, at most: what a killed sender leaves unknown."""
RETRY_MS: Final = 300_000
MOST_DOUBLINGS: Final = 8
"""A hindrance is waited for longer each time, from 5 minutes to 21 hours."""
STOPS_AT_ONCE: Final = 2
"""Stops at the door, in one run, after which a letter is still tried anew at once."""
STOPPED_MS: Final = 60_000
"""From then on it waits for so long each time, and for as much longer the next."""
STANDSTILL: Final = 100
"""Batches in a row in which everything conflicts: then the fault is not that people are quick."""


class Tally(Struct):
    """What became of the rows taken out of the outbox."""

    delivered: int = 0
    cancelled: int = 0
    failed: int = 0
    unknown: int = 0


class _Going(NamedTuple):
    """An attempt that is on record, on its way to the door."""

    row: Queued
    prepared: Prepared
    attempt: Attempt
    appended: Appended
    profile: Profile


class _Sorted(Struct):
    """The rows of a batch: attempts on record, done with, to come later; and what went wrong."""

    going: list[_Going] = field(default_factory=list)
    done: list[Queued] = field(default_factory=list)
    later: list[Queued] = field(default_factory=list)
    trouble: ReciprocityError | None = None


class Sender:
    """Sends what is due of one occasion; one process at a time (see `platform`)."""

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        letters: Letters,
        transports: Mapping[str, Transport],
        messages: Mapping[str, Prepared],
        stated: tuple[int, int, int, int],
    ) -> None:
        """Send *messages* as the statements at *stated* have them, through *transports*."""
        self._journal, self._outbox, self._letters = journal, outbox, letters
        self._transports, self._messages, self._stated = transports, messages, stated
        self.tally, self.refused = Tally(), Counter[str]()
        self.stops = Counter[tuple[int, str]]()
        self._standstill = 0

    def batch(self, occasion: str) -> int:
        """Take one batch out of the outbox; how many rows it held (0: nothing is due).

        Raises `Conflict` when something else came into force, and what stood in the way of one
        person only after all others of the batch went their way.
        """
        at = self._now()
        if self._stated != in_force_for(self._journal, occasion):
            raise Conflict("brand file, rulebook or campaign changed while sending: read it anew")
        rows = self._outbox.due(occasion, at, BATCH)
        if not rows:
            return 0
        told = self._decide(rows, at)
        pairs, stopped = self._write(told.going)
        told.done += [one.row for one in stopped]
        for one, handed in self._hand_over(pairs):
            (told.later if handed.again else told.done).append(self._after(one, handed))
        self._outbox.settle(told.done, told.later)
        if told.trouble is not None:
            raise told.trouble
        self._standstill = 0 if told.done or told.later else self._standstill + 1
        if self._standstill > STANDSTILL:
            raise Unavailable(
                "attempts keep being refused as decided from an older state: check that the clock "
                "runs evenly and that nobody else writes to the journal, then send again"
            )
        return len(rows)

    def _now(self) -> int:
        return max(self._journal.clock(), self._journal.state().last_at)

    # -- deciding, and writing the attempt down --

    def _decide(self, rows: Sequence[Queued], at: int) -> _Sorted:
        """Decide each row anew; what may go is on record when this returns."""
        kept = self._journal.kept_many([row.slot for row in rows])
        told, notes = _Sorted(), list[list[Entry]]()
        trying: list[tuple[Queued, Prepared, Attempt, Entry]] = []
        for row in rows:
            prepared, person = self._messages.get(row.message), kept.get(row.slot)
            if person is None or person.standing.erased:
                self.refused["erased"] += 1
                told.done.append(row)
                continue
            if prepared is None:  # the campaign no longer has it
                decision = Decision(verdict=Verdict.REFUSE, reason="message_closed")
            else:
                judged = self._judge(prepared, person, at)
                decision = judged.decision
                if decision.verdict is Verdict.DELIVER:
                    attempt = attempt_of(judged, person.standing, self._stated, at, row.draw)
                    trying.append((row, prepared, attempt, _entry(attempt, person)))
                    continue
            waits = decision.verdict is Verdict.WAIT
            (told.later if waits else told.done).append(row._replace(due_at=decision.until))
            if not waits:
                self.refused[decision.reason] += 1
            notes += _note(decision, person, row)
        self._record(told, notes, trying)
        return told

    def _record(
        self,
        told: _Sorted,
        notes: Sequence[list[Entry]],
        trying: Sequence[tuple[Queued, Prepared, Attempt, Entry]],
    ) -> None:
        """Put notes and attempts on record, in one commit.

        What the letters need is read before: nothing may stand in their way once an attempt is on
        record, and whatever changes meanwhile moves the person's version.
        """
        profiles = self._journal.profiles([row.slot for row, *_ in trying])
        answers = self._journal.append_many([*notes, *([entry] for *_, entry in trying)])
        for answer in answers:
            if isinstance(answer, ReciprocityError) and not isinstance(answer, Conflict):
                told.trouble = told.trouble or answer
        for (row, prepared, attempt, _), answer in zip(trying, answers[len(notes) :], strict=True):
            if not isinstance(answer, ReciprocityError):
                profile = profiles.get(row.slot, Profile())
                told.going.append(_Going(row, prepared, attempt, answer[0], profile))
            # otherwise: history moved on, the row stays due and is decided anew

    def _judge(self, prepared: Prepared, person: Kept, at: int) -> Judged:
        offset = zone_offset(person.standing.wishes.time_zone, at)
        return decide_one([prepared], person.standing, person.clear, at, offset)[0]

    # -- the letters --

    def _write(self, going: Sequence[_Going]) -> tuple[list[tuple[_Going, Letter]], list[_Going]]:
        """The letters of those that can be written; the others are failed on record."""
        pairs, stopped, failures = [], [], []
        for one in going:
            try:
                letter = self._letters.write(one.prepared, one.attempt, one.appended, one.profile)
                pairs.append((one, letter))
            except InputError:
                stopped.append(one)
                failures.append(_outcome(one, "failed", "letter_unwritable"))
        if failures:
            self._journal.append_many(failures)
            self.tally.failed += len(failures)
        return pairs, stopped

    # -- the door --

    def _hand_over(self, written: Sequence[tuple[_Going, Letter]]) -> list[tuple[_Going, Handed]]:
        """Through the door, each checked once more; what became of each is on record."""
        by_channel: dict[str, list[tuple[_Going, Letter]]] = {}
        for one, letter in written:
            by_channel.setdefault(one.attempt.channel, []).append((one, letter))
        outcomes: list[tuple[_Going, Handed]] = []
        for channel, pairs in by_channel.items():
            expected = {letter.message_id: one.appended for one, letter in pairs}

            def still(letter: Letter, expected: Mapping[str, Appended] = expected) -> bool:
                appended = expected[letter.message_id]
                try:
                    return self._journal.version(appended.slot) == appended.version
                except ReciprocityError:
                    return False  # whoever cannot tell keeps the letter in the house

            handed = self._transports[channel].hand_over([letter for _, letter in pairs], still)
            outcomes += [(one, each) for (one, _), each in zip(pairs, handed, strict=True)]
        requests = []
        for one, each in outcomes:
            requests.append(_outcome(one, each.outcome, each.reason, again=each.again, at=each.at))
            requests += _bounce(one) if each.hard_bounce else []
        for answer in self._journal.append_many(requests) if requests else []:
            if isinstance(answer, ReciprocityError) and not isinstance(answer, Conflict):
                raise answer
        return outcomes

    def _after(self, one: _Going, handed: Handed) -> Queued:
        """Count what became of it; the row with its next due instant, should it come again."""
        name = str(handed.outcome)
        setattr(self.tally, name, getattr(self.tally, name) + 1)
        tries = one.row.tries
        wait = RETRY_MS << min(tries, MOST_DOUBLINGS)
        if handed.outcome is Result.CANCELLED:
            letter = one.row.slot, one.row.message
            self.stops[letter] += 1
            if self.stops[letter] <= STOPS_AT_ONCE:
                return one.row  # due at once: permission is decided anew
            wait = STOPPED_MS * (tries + 1)  # else one person's clicks could hold up everybody
        return one.row._replace(due_at=self._now() + wait, tries=tries + 1)


def _entry(attempt: Attempt, person: Kept) -> Entry:
    standing = person.standing
    return Entry(
        kind="delivery.attempted", body=attempt, slot=standing.slot, expect=standing.version
    )


def _outcome(
    one: _Going, what: str, reason: str = "", *, again: bool = False, at: int = 0
) -> list[Entry]:
    """The event that tells what became of it; *at* is when, as the transport told it."""
    body = Outcome(attempt=one.appended.version, reason=reason, again=again)
    happened_at = max(at, one.appended.at) if at else 0
    kind, slot = f"delivery.{what}", one.appended.slot
    return [Entry(kind=kind, body=body, slot=slot, happened_at=happened_at)]


def _bounce(one: _Going) -> list[list[Entry]]:
    point = PointSet(channel=one.attempt.channel, point=one.attempt.point, bounced=True)
    act = Act(actor="system", method="bounce", points=(point,))
    return [[Entry(kind="contact_point.bounced", body=act, slot=one.appended.slot)]]


def _note(decision: Decision, person: Kept, row: Queued) -> list[list[Entry]]:
    """A `delivery.held` event, once for each reason."""
    if person.standing.held.get(held_key(row.message, row.occasion)) == decision.reason:
        return []
    held = Held(
        message=row.message, occasion=row.occasion, reason=decision.reason, until=decision.until
    )
    return [[Entry(kind="delivery.held", body=held, slot=row.slot)]]
