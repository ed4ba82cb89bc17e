"""Replay: judge every delivery again from history alone, and say what was wrong.

For each attempt the person's events below it are folded anew, the facts are gathered anew, and
the rules that were in force decide anew. What was recorded must agree, in every fact. Found are:

    no_consent      no yes stood for this purpose and channel when it was decided
    facts_differ    something was recorded that history does not bear out
    rule_refuses    a rule in force refused, or the rules named were not those in force
    late_handover   it was handed over after the instant it had to be handed over by, as its
                    outcome tells that instant (it is recorded with its batch, a little later)
    double          the person had the message, or the occasion its fill, already

Nothing is believed that the deciding code wrote: not the standing cache, not the outbox.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import MsgspecError, Struct

from reciprocity.decide.gather import consent_state, rederive
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.statements import Past
from reciprocity.errors import Damaged, InputError
from reciprocity.events import Act, Attempt, CampaignStated, ErasureDone, Held, Outcome, Stated
from reciprocity.journal.destroy import Found
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.standing import OUTCOMES, Standing, fold
from reciprocity.model import Basis, ConsentState, Verdict
from reciprocity.prove.recorded import misstated
from reciprocity.prove.whole import Signed, Whole, check_whole
from reciprocity.prove.withdrawals import Open, Withdrawals
from reciprocity.tlog.note import open_checkpoint

__all__ = ["Audit", "Breach", "Latency", "Signed", "audit", "audit_person", "found_in"]

_LEFT: Final = frozenset({"", "delivered", "unknown", "bounced", "complained"})
_ARRIVED: Final = frozenset({"delivered", "bounced", "complained"})
_STOPPED: Final = frozenset({"cancelled", "failed"})


class Breach(Struct, frozen=True, kw_only=True):
    """One delivery that should not have been: whose, which, and what was wrong with it."""

    kind: str
    person: str
    message: str
    reason: str
    position: int
    decided_at: int


class Latency(Struct, frozen=True, kw_only=True):
    """From a withdrawal to the last instant a message it covers may have gone, in ms."""

    p50: int
    p99: int
    max: int


class Audit(Struct, frozen=True, kw_only=True):
    """The result of a replay; *deliveries* are attempts that left or may have left."""

    deliveries: int
    erased: int
    breaches: tuple[Breach, ...]
    near_misses: int
    withdrawal_to_last_send_ms: Latency
    checkpoint: Signed


class InForce:
    """Which statement was in force under a name at a position."""

    def __init__(self, journal: Journal) -> None:
        """Read all statements, once."""
        self._since: dict[str, list[int]] = defaultdict(list)
        for told in journal.statements():
            self._since[_name(told)].append(told.position)
        self._changes = sorted(at for since in self._since.values() for at in since)
        self._named: dict[tuple[int, str], tuple[int, ...]] = {}

    def at(self, name: str, position: int) -> int:
        """The position of the statement in force just before *position*, -1 for none."""
        since = self._since.get(name, [])
        found = bisect_right(since, position - 1)
        return since[found - 1] if found else -1

    def named_rightly(self, attempt: Attempt, position: int) -> bool:
        """Did *attempt* name the statements that were in force when it was recorded?"""
        key = bisect_right(self._changes, position - 1), attempt.occasion
        if key not in self._named:
            campaign = f"campaign:{attempt.occasion.partition('/')[0]}"
            names = ("brand", "rulebook", "laws", campaign)
            self._named[key] = tuple(self.at(name, position) for name in names)
        return attempt.stated == self._named[key]


def _name(told: Told) -> str:
    body = told.body
    if isinstance(body, CampaignStated):
        return f"campaign:{body.campaign}"
    return body.name if isinstance(body, Stated) else ""


class _Made(NamedTuple):
    """An attempt in the person's history, and the weightiest news of it."""

    told: Told
    attempt: Attempt
    outcome: str = ""


class _Person:
    """The replay of one person's history."""

    def __init__(self, replay: "Replay", slot: int) -> None:
        self._replay, self._standing = replay, Standing(slot=slot)
        self._open: dict[int, Open] = {}
        self._made: dict[int, _Made] = {}
        self._counted: dict[int, Attempt] = {}
        self._found: list[tuple[str, Told, Attempt | None, str]] = []

    def see(self, told: Told) -> None:
        """Judge, then fold, the next event; raises `Damaged` if one before it is missing."""
        body, replay = told.body, self._replay
        if told.version != self._standing.version + 1:
            raise Damaged(f"history of slot {told.slot} has a gap: keep the file, restore a backup")
        if isinstance(body, Attempt):
            self._judge(told, body)
        elif isinstance(body, Outcome):
            self._close(told, body)
        elif isinstance(body, Held):
            replay.near_misses += body.until == 0
        elif isinstance(body, Act):
            replay.withdrawals.see(told, body, self._open, self._standing.wishes)
        self._standing = fold(
            self._standing, told.kind, told.v, body, told.at, told.happened_at, told.version,
            told.leaf_hash,
        )  # fmt: skip

    def _judge(self, told: Told, attempt: Attempt) -> None:
        replay, prepared = self._replay, None
        try:
            prepared = replay.past.prepared(attempt.stated, attempt.occasion, attempt.message)
            kind, reason = _verdict(prepared, self._standing, told, attempt)
        except (InputError, Damaged, MsgspecError) as error:
            kind, reason = "rule_refuses", f"statements named do not hold: {error}"
        if not kind:
            reason = replay.unfounded(attempt, told.position)
            kind = "rule_refuses" if reason else ""
        if kind:
            self._found.append((kind, told, attempt, reason))
        if prepared is not None and (twice := self._double(prepared, attempt)):
            self._found.append(("double", told, attempt, twice))
        self._made[told.version] = _Made(told, attempt)
        self._counted[told.version] = attempt
        self._open[told.version] = Open(told, attempt, prepared.ground if prepared else None)

    def _double(self, prepared: Prepared, attempt: Attempt) -> str:
        """Was the occasion's fill reached, by all there ever was and not by what still counts?"""
        same = [one for one in self._counted.values() if one.occasion == attempt.occasion]
        if any(one.message == attempt.message for one in same):
            return "sent_this_message"
        return "sent_in_occasion" if len(same) >= prepared.limit else ""

    def _close(self, told: Told, outcome: Outcome) -> None:
        what, made = told.kind.partition(".")[2], self._made.get(outcome.attempt)
        if made is None:
            if what in _ARRIVED:
                self._found.append(("no_consent", told, None, f"{what} without an attempt"))
            return
        if what in _ARRIVED and made.outcome in _STOPPED:
            reason = f"{what} after it was {made.outcome}"
            self._found.append(("facts_differ", made.told, made.attempt, reason))
        if not made.outcome or OUTCOMES[told.kind] > OUTCOMES[f"delivery.{made.outcome}"]:
            self._made[outcome.attempt] = _Made(made.told, made.attempt, what)
        opened = self._open.pop(outcome.attempt, None)
        if opened is not None:
            self._close_first(told, outcome, opened, what)

    def _close_first(self, told: Told, outcome: Outcome, opened: Open, what: str) -> None:
        """The first news of an attempt: when it left, and whether it counts at all."""
        replay, attempt = self._replay, opened.attempt
        if what == "cancelled" or (what == "failed" and outcome.again):
            self._counted.pop(outcome.attempt)
        at = told.happened_at if opened.told.at <= told.happened_at <= told.at else told.at
        last_at = min(told.at, max(at, attempt.handover_by))
        replay.near_misses += what == "cancelled"
        replay.near_misses += replay.withdrawals.close(opened, what, last_at)
        if what == "delivered" and at > attempt.handover_by:
            late = f"{at - attempt.handover_by} ms late"
            self._found.append(("late_handover", opened.told, attempt, late))

    def end(self) -> None:
        """Count what this history came to."""
        replay = self._replay
        for opened in self._open.values():
            replay.near_misses += replay.withdrawals.close(opened, "", opened.attempt.handover_by)
        replay.deliveries += sum(made.outcome in _LEFT for made in self._made.values())
        for kind, told, attempt, reason in self._found:
            replay.note(kind, told, attempt, reason)


class Replay:
    """One run over a journal; `person` for each history, then `result`."""

    def __init__(self, journal: Journal, whole: Whole | None = None) -> None:
        """Replay *journal*, which was looked at as a *whole* before (or is not to be)."""
        self._journal, self._whole = journal, whole
        self.past, self.in_force = Past(journal), InForce(journal)
        self.withdrawals = Withdrawals()
        self.deliveries = self.near_misses = 0
        self.breaches: list[Breach] = []

    def person(self, history: Iterator[Told] | list[Told], slot: int) -> None:
        """Replay one history, oldest event first."""
        person = _Person(self, slot)
        for told in history:
            person.see(told)
        person.end()

    def unfounded(self, attempt: Attempt, position: int) -> str:
        """Why *attempt* could not rest on what it names at *position*; empty if it could."""
        if not self.in_force.named_rightly(attempt, position):
            return "statement_not_in_force"
        if attempt.basis == Basis.CONSENT and "/" in attempt.occasion:
            return "occasion_not_in_force"  # nothing that starts one by itself exists yet
        if self._whole is not None and self._whole.in_gap(position):
            return "gap_not_signed"
        return ""

    def note(self, kind: str, told: Told, attempt: Attempt | None, reason: str) -> None:
        """Put a breach on the list; there is no *attempt* where nobody recorded one."""
        self.breaches.append(
            Breach(
                kind=kind,
                person=self._journal.pseudonym(told.slot),
                message=attempt.message if attempt else "",
                reason=reason,
                position=told.position,
                decided_at=attempt.decided_at if attempt else told.at,
            )
        )

    def buried(self) -> int:
        """How many deliveries the erased had; what was found wrong with them stays a breach."""
        deliveries = 0
        for told in self._journal.brand_events("person.erased"):
            body = told.body
            if isinstance(body, ErasureDone):
                deliveries += body.deliveries
                self.near_misses += body.near_misses
                self.withdrawals.add(body.delays)
                self.breaches += [_buried(kind, told) for kind in body.breaches]
        return deliveries

    def result(self, erased: int, checkpoint: Signed) -> Audit:
        """What the run came to."""
        p50, p99, most = self.withdrawals.quantiles()
        return Audit(
            deliveries=self.deliveries,
            erased=erased,
            breaches=tuple(sorted(self.breaches, key=lambda one: (one.position, one.kind))),
            near_misses=self.near_misses,
            withdrawal_to_last_send_ms=Latency(p50=p50, p99=p99, max=most),
            checkpoint=checkpoint,
        )


def _verdict(
    prepared: Prepared, standing: Standing, told: Told, attempt: Attempt
) -> tuple[str, str]:
    """The breach in *attempt* that its own facts and history show, with its reason; or nothing."""
    if prepared.basis is Basis.CONSENT:
        state = consent_state(standing.wishes, prepared.ground, attempt.decided_at)
        if state is not ConsentState.GIVEN:
            return "no_consent", str(state)
    facts, differ = rederive(prepared, standing, attempt)
    if wrong := (*differ, *misstated(prepared, standing.wishes, attempt, told.at)):
        return "facts_differ", ", ".join(wrong)
    decision = prepared.compiled.decide(facts, attempt.atoms)
    if decision.verdict is not Verdict.DELIVER:
        return "rule_refuses", decision.reason
    return "", ""


def _buried(kind: str, told: Told) -> Breach:
    reason = "person erased since"
    return Breach(
        kind=kind, person="", message="", reason=reason, position=told.position, decided_at=told.at
    )


def audit(journal: Journal, progress: Callable[[int, int], None] | None = None) -> Audit:
    """Replay every delivery there is; changes nothing.

    *progress* is told (events done, events). Raises `Damaged` when the journal contradicts itself.
    """
    whole = check_whole(journal)
    signed, replay, done = whole.signed, Replay(journal, whole), 0
    for slot, history in journal.histories(signed.size):
        replay.person(history, slot)
        done += len(history)
        if progress and done % 512 < len(history):
            progress(done, signed.size)
    if progress:
        progress(signed.size, signed.size)
    return replay.result(replay.buried(), signed)


def audit_person(journal: Journal, slot: int) -> Audit:
    """Replay the deliveries to one person (before they are erased)."""
    replay = Replay(journal)
    replay.person(journal.history(slot), slot)
    state = journal.state()
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    return replay.result(0, Signed(size=state.size, root=checkpoint.root.hex()))


def found_in(journal: Journal, slot: int) -> Found:
    """What a replay finds in the history of the person in *slot*, to be kept when they go."""
    replay = Replay(journal)
    replay.person(journal.history(slot), slot)
    return Found(
        breaches=tuple(breach.kind for breach in replay.breaches),
        near_misses=replay.near_misses,
        delays=replay.withdrawals.delays,
    )


def by_kind(breaches: tuple[Breach, ...]) -> Mapping[str, int]:
    """How many breaches there are of each kind."""
    counts: dict[str, int] = {}
    for breach in breaches:
        counts[breach.kind] = counts.get(breach.kind, 0) + 1
    return counts
