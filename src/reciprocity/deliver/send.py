"""Sending: out of the outbox, decided anew, written down, checked at the door, handed over.

At most once, by the journal: an attempt is on record, at the version of the person it was decided
from, before anything is handed over, and a killed sender leaves it `unknown`, never sends again.
Between the attempt and the hand-over the person's version is read once more: a withdrawal that
came in between stops the letter at the door.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import DAY_MS, Prepared
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.channel import Handed, Letter, Result, Transport
from reciprocity.deliver.letters import Letters, content_hash
from reciprocity.deliver.outbox import Outbox, Queued
from reciprocity.errors import Conflict, InputError, ReciprocityError
from reciprocity.events import Act, Attempt, Held, Outcome, PointSet
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Basis, Verdict

__all__ = ["BATCH", "HANDOVER_MS", "Sender", "Tally"]

BATCH: Final = 32
"""Attempts in one commit, at most: what a killed sender leaves unknown."""
HANDOVER_MS: Final = 30_000
RETRY_MS: Final = 300_000
COUNTED_DAYS: Final = 30


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
        self._content = {name: content_hash(each.message) for name, each in messages.items()}
        self.tally, self.refused = Tally(), Counter[str]()

    def batch(self, occasion: str) -> int:
        """Take one batch out of the outbox; how many rows it held (0: nothing is due)."""
        at = self._now()
        if not self._journal.still_in_force(self._stated, occasion):
            raise Conflict("brand file, rulebook or campaign changed while sending: read it anew")
        rows = self._outbox.due(occasion, at, BATCH)
        if not rows:
            return 0
        going, done, later = self._decide(rows, at)
        letters, stopped = self._write(going)
        done += [one.row for one in stopped]
        outcomes = self._hand_over([one for one in going if one not in stopped], letters)
        for one, handed in outcomes:
            (later if handed.again else done).append(self._after(one, handed))
        self._outbox.settle(done, later)
        return len(rows)

    def _now(self) -> int:
        return max(self._journal.clock(), self._journal.state().last_at)

    # -- deciding, and writing the attempt down --

    def _decide(
        self, rows: Sequence[Queued], at: int
    ) -> tuple[list[_Going], list[Queued], list[Queued]]:
        """Attempts on record; rows that are done with; rows that wait until later."""
        kept = self._journal.kept_many([row.slot for row in rows])
        done: list[Queued] = []
        later: list[Queued] = []
        notes: list[list[Entry]] = []
        trying: list[tuple[Queued, Prepared, Attempt, Entry]] = []
        for row in rows:
            prepared, person = self._messages.get(row.message), kept.get(row.slot)
            if prepared is None or person is None or person.standing.erased:
                self.refused["erased" if prepared else "message_closed"] += 1
                done.append(row)
                continue
            judged = self._judge(prepared, person, at)
            if judged.decision.verdict is Verdict.DELIVER:
                attempt = self._attempt(judged, person, row, at)
                trying.append((row, prepared, attempt, _entry(attempt, person)))
                continue
            waits = judged.decision.verdict is Verdict.WAIT
            (later if waits else done).append(row._replace(due_at=judged.decision.until))
            if not waits:
                self.refused[judged.decision.reason] += 1
            notes += _note(judged, person, row)
        answers = self._journal.append_many([*notes, *([entry] for *_, entry in trying)])
        going = []
        for (row, prepared, attempt, _), answer in zip(trying, answers[len(notes) :], strict=True):
            if isinstance(answer, Conflict):
                continue  # history moved on: the row stays due and is decided anew
            if isinstance(answer, ReciprocityError):
                raise answer
            going.append(_Going(row, prepared, attempt, answer[0]))
        return going, done, later

    def _judge(self, prepared: Prepared, person: Kept, at: int) -> Judged:
        offset = zone_offset(person.standing.wishes.time_zone, at)
        return decide_one([prepared], person.standing, person.clear, at, offset)[0]

    def _attempt(self, judged: Judged, person: Kept, row: Queued, at: int) -> Attempt:
        prepared, wishes = judged.prepared, person.standing.wishes
        channel, ground = prepared.message.channel, prepared.ground
        answer = wishes.answers.get(ground.key) if prepared.basis is Basis.CONSENT else None
        return Attempt(
            message=prepared.message_id,
            channel=channel,
            occasion=row.occasion,
            content=self._content[prepared.message_id],
            point=wishes.points[channel].version,
            consent=answer.version if answer else 0,
            stated=self._stated,
            facts=tuple(map(int, judged.facts)),
            atoms=judged.atoms,
            score=judged.score,
            draw=row.draw,
            basis=prepared.basis,
            decided_at=at,
            handover_by=at + HANDOVER_MS,
            counts_until=max(at + COUNTED_DAYS * DAY_MS, prepared.closes),
        )

    # -- the letters --

    def _write(self, going: Sequence[_Going]) -> tuple[list[Letter], list[_Going]]:
        """The letters of those that can be written; the others are failed on record."""
        letters, stopped, failures = [], [], []
        for one in going:
            try:
                profile = self._journal.profile(one.appended.slot)
                letters.append(
                    self._letters.write(one.prepared, one.attempt, one.appended, profile)
                )
            except InputError:
                stopped.append(one)
                failures.append(_outcome(one, "failed", "letter_unwritable"))
        if failures:
            self._journal.append_many(failures)
            self.tally.failed += len(failures)
        return letters, stopped

    # -- the door --

    def _hand_over(
        self, going: Sequence[_Going], letters: Sequence[Letter]
    ) -> list[tuple[_Going, Handed]]:
        """Through the door, each checked once more; what became of each is on record."""
        by_channel: dict[str, list[tuple[_Going, Letter]]] = {}
        for one, letter in zip(going, letters, strict=True):
            by_channel.setdefault(one.attempt.channel, []).append((one, letter))
        outcomes: list[tuple[_Going, Handed]] = []
        for channel, pairs in by_channel.items():
            expected = {letter.message_id: one.appended for one, letter in pairs}

            def still(letter: Letter, expected: Mapping[str, Appended] = expected) -> bool:
                appended = expected[letter.message_id]
                return self._journal.version(appended.slot) == appended.version

            handed = self._transports[channel].hand_over([letter for _, letter in pairs], still)
            outcomes += [(one, each) for (one, _), each in zip(pairs, handed, strict=True)]
        requests = []
        for one, each in outcomes:
            requests.append(_outcome(one, each.outcome, each.reason, again=each.again)[0:1])
            requests += _bounce(one) if each.hard_bounce else []
        for answer in self._journal.append_many(requests) if requests else []:
            if isinstance(answer, ReciprocityError) and not isinstance(answer, Conflict):
                raise answer
        return outcomes

    def _after(self, one: _Going, handed: Handed) -> Queued:
        """Count what became of it; the row with its next due instant, should it come again."""
        name = str(handed.outcome)
        setattr(self.tally, name, getattr(self.tally, name) + 1)
        if handed.outcome is Result.CANCELLED:
            return one.row  # due at once: permission is decided anew
        return one.row._replace(due_at=self._now() + RETRY_MS)


def _entry(attempt: Attempt, person: Kept) -> Entry:
    standing = person.standing
    return Entry(
        kind="delivery.attempted", body=attempt, slot=standing.slot, expect=standing.version
    )


def _outcome(one: _Going, what: str, reason: str = "", *, again: bool = False) -> list[Entry]:
    body = Outcome(attempt=one.appended.version, reason=reason, again=again)
    return [Entry(kind=f"delivery.{what}", body=body, slot=one.appended.slot)]


def _bounce(one: _Going) -> list[list[Entry]]:
    point = PointSet(channel=one.attempt.channel, point=one.attempt.point, bounced=True)
    act = Act(actor="system", method="bounce", points=(point,))
    return [[Entry(kind="contact_point.bounced", body=act, slot=one.appended.slot)]]


def _note(judged: Judged, person: Kept, row: Queued) -> list[list[Entry]]:
    """A `delivery.held` event, once for each reason."""
    key, decision = f"{row.message}@{row.occasion}", judged.decision
    if person.standing.held.get(key) == decision.reason:
        return []
    held = Held(
        message=row.message, occasion=row.occasion, reason=decision.reason, until=decision.until
    )
    return [[Entry(kind="delivery.held", body=held, slot=row.slot)]]
