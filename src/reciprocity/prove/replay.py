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
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import MsgspecError

from reciprocity.decide.gather import consent_state, rederive
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.statements import Past
from reciprocity.errors import Damaged, InputError
from reciprocity.events import Act, Attempt, CampaignStated, Held, Outcome, Stated
from reciprocity.journal.leaf import Told
from reciprocity.journal.read import Telling
from reciprocity.journal.standing import OUTCOMES, Standing, fold
from reciprocity.model import Basis, ConsentState, Verdict
from reciprocity.prove.figures import Breach, Figures, Seen, added, news
from reciprocity.prove.recorded import misstated
from reciprocity.prove.whole import Gap
from reciprocity.prove.withdrawals import Open, Withdrawals

__all__ = ["InForce", "Replay"]

_LEFT: Final = frozenset({"", "delivered", "unknown", "bounced", "complained"})
_ARRIVED: Final = frozenset({"delivered", "bounced", "complained"})
_STOPPED: Final = frozenset({"cancelled", "failed"})


class InForce:
    """Which statement was in force under a name at a position."""

    def __init__(self, telling: Telling) -> None:
        """Read all statements, once."""
        self._since: dict[str, list[int]] = defaultdict(list)
        for told in telling.statements():
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
        self._withdrawals, self._near_misses = Withdrawals(), 0
        self.found: list[tuple[str, Told, Attempt | None, str]] = []

    def see(self, told: Told, *, judge: bool) -> None:
        """Judge, if it is to be, then fold, the next event; raises `Damaged` if one is missing."""
        body = told.body
        if told.version != self._standing.version + 1:
            raise Damaged(f"history of slot {told.slot} has a gap: keep the file, restore a backup")
        if isinstance(body, Attempt):
            self._take(told, body, judge=judge)
        elif isinstance(body, Outcome):
            self._close(told, body)
        elif isinstance(body, Held):
            self._near_misses += body.until == 0
        elif isinstance(body, Act):
            self._withdrawals.see(told, body, self._open, self._standing.wishes)
        self._standing = fold(
            self._standing, told.kind, told.v, body, told.at, told.happened_at, told.version, None
        )

    def _take(self, told: Told, attempt: Attempt, *, judge: bool) -> None:
        prepared, kind, reason = None, "", ""
        try:
            prepared = self._replay.past.prepared_below(told.position, attempt)
            if judge:
                kind, reason = _verdict(prepared, self._standing, told, attempt)
        except (InputError, Damaged, MsgspecError) as error:
            kind, reason = "rule_refuses", f"statements named do not hold: {error}"
        if judge:
            self._judge(told, attempt, prepared, kind, reason)
        self._made[told.version] = _Made(told, attempt)
        self._counted[told.version] = attempt
        self._open[told.version] = Open(told, attempt, prepared.ground if prepared else None)

    def _judge(
        self, told: Told, attempt: Attempt, prepared: Prepared | None, kind: str, reason: str
    ) -> None:
        if not kind:
            reason = self._replay.unfounded(attempt, told.position)
            kind = "rule_refuses" if reason else ""
        if kind:
            self.found.append((kind, told, attempt, reason))
        if prepared is not None and (twice := self._double(prepared, attempt)):
            self.found.append(("double", told, attempt, twice))

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
                self.found.append(("no_consent", told, None, f"{what} without an attempt"))
            return
        if what in _ARRIVED and made.outcome in _STOPPED:
            reason = f"{what} after it was {made.outcome}"
            self.found.append(("facts_differ", made.told, made.attempt, reason))
        if not made.outcome or OUTCOMES[told.kind] > OUTCOMES[f"delivery.{made.outcome}"]:
            self._made[outcome.attempt] = _Made(made.told, made.attempt, what)
        opened = self._open.pop(outcome.attempt, None)
        if opened is not None:
            self._close_first(told, outcome, opened, what)

    def _close_first(self, told: Told, outcome: Outcome, opened: Open, what: str) -> None:
        """The first news of an attempt: when it left, and whether it counts at all."""
        attempt = opened.attempt
        if what == "cancelled" or (what == "failed" and outcome.again):
            self._counted.pop(outcome.attempt)
        at = told.happened_at if opened.told.at <= told.happened_at <= told.at else told.at
        last_at = min(told.at, max(at, attempt.handover_by))
        self._near_misses += what == "cancelled"
        self._near_misses += self._withdrawals.close(opened, what, last_at)
        if what == "delivered" and at > attempt.handover_by:
            late = f"{at - attempt.handover_by} ms late"
            self.found.append(("late_handover", opened.told, attempt, late))

    def seen(self) -> Seen:
        """What this history comes to, if nothing more is recorded."""
        delays, overtaken = self._withdrawals.so_far(self._open.values())
        deliveries = sum(made.outcome in _LEFT for made in self._made.values())
        return Seen(deliveries, self._near_misses + overtaken, delays)


class Replay:
    """Judges histories, one after the other; `person` for each, then `take`."""

    def __init__(self, telling: Telling, gaps: Sequence[Gap] = (), since: int = 0) -> None:
        """Judge what was recorded from position *since* on, by the statements *telling* has.

        Nothing could be sent in the *gaps* of `prove/whole.py`.
        """
        self._telling, self._gaps, self.since = telling, gaps, since
        self.past, self.in_force = Past(telling), InForce(telling)
        self._found: list[Figures] = []

    def person(self, history: Iterable[Told], slot: int) -> None:
        """Replay one history, oldest event first, from the first; only what is new is judged."""
        person, before, known = _Person(self, slot), None, 0
        for told in history:
            if before is None and told.position >= self.since:
                before, known = person.seen(), len(person.found)
            person.see(told, judge=before is not None)
        if before is not None:
            breaches = [self._breach(*each) for each in person.found[known:]]
            self._found.append(news(before, person.seen(), breaches))

    def take(self) -> Figures:
        """What all histories since the last time come to."""
        found, self._found = self._found, []
        return added(found)

    def unfounded(self, attempt: Attempt, position: int) -> str:
        """Why *attempt* could not rest on what it names at *position*; empty if it could."""
        if not self.in_force.named_rightly(attempt, position):
            return "statement_not_in_force"
        if attempt.basis == Basis.CONSENT and "/" in attempt.occasion:
            return "occasion_not_in_force"  # nothing that starts one by itself exists yet
        if any(first <= position < end for first, end in self._gaps):
            return "gap_not_signed"
        return ""

    def _breach(self, kind: str, told: Told, attempt: Attempt | None, reason: str) -> Breach:
        """A breach as it is listed; there is no *attempt* where nobody recorded one."""
        return Breach(
            kind=kind,
            person=self._telling.pseudonym(told.slot),
            message=attempt.message if attempt else "",
            reason=reason,
            position=told.position,
            decided_at=attempt.decided_at if attempt else told.at,
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
