"""Replay: judge every delivery again from history alone, and say what was wrong.

For each attempt the person's events below it are folded anew, the facts are gathered anew, and
the rules that were in force decide anew. What was recorded must agree, in every fact. Found are:

    no_consent      no yes stood for this purpose and channel when it was decided
    facts_differ    a fact was recorded that history does not bear out
    rule_refuses    a rule in force refused, or the rules named were not those in force
    late_handover   it was handed over after the instant it had to be handed over by
    double          the person had the message, or the occasion its fill, already

Nothing is believed that the deciding code wrote: not the standing cache, not the outbox.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from reciprocity.decide.facts import restored
from reciprocity.decide.gather import consent_state, recheck
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.statements import Past
from reciprocity.errors import Damaged, InputError
from reciprocity.events import Act, Attempt, CampaignStated, ErasureDone, Held, Outcome, Stated
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.standing import Standing, fold
from reciprocity.model import Basis, ConsentState, Verdict
from reciprocity.prove.withdrawals import Open, Withdrawals
from reciprocity.tlog.merkle import Frontier, hash_leaf
from reciprocity.tlog.note import open_checkpoint

__all__ = ["Audit", "Breach", "Latency", "Signed", "audit", "audit_person"]

_LEFT: Final = frozenset({"", "delivered", "unknown", "bounced", "complained"})


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


class Signed(Struct, frozen=True, kw_only=True):
    """The checkpoint that the audit was done under; *root* in hex."""

    size: int
    root: str


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

    def at(self, name: str, position: int) -> int:
        """The position of the statement in force just before *position*, -1 for none."""
        since = self._since.get(name, [])
        found = bisect_right(since, position - 1)
        return since[found - 1] if found else -1

    def named_rightly(self, attempt: Attempt, position: int) -> bool:
        """Did *attempt* name the statements that were in force when it was recorded?"""
        campaign = f"campaign:{attempt.occasion.partition('/')[0]}"
        names = ("brand", "rulebook", "laws", campaign)
        return attempt.stated == tuple(self.at(name, position) for name in names)


def _name(told: Told) -> str:
    body = told.body
    if isinstance(body, CampaignStated):
        return f"campaign:{body.campaign}"
    return body.name if isinstance(body, Stated) else ""


class _Person:
    """The replay of one person's history."""

    def __init__(self, replay: "Replay", slot: int) -> None:
        self._replay, self._standing = replay, Standing(slot=slot)
        self._open: dict[int, Open] = {}
        self._found: list[tuple[str, Told, Attempt, str]] = []
        self._outcomes: dict[int, str] = {}

    def see(self, told: Told) -> None:
        """Judge, then fold, the next event."""
        body, replay = told.body, self._replay
        if isinstance(body, Attempt):
            self._judge(told, body)
        elif isinstance(body, Outcome):
            self._close(told, body)
        elif isinstance(body, Held):
            replay.near_misses += body.until == 0
        elif isinstance(body, Act):
            replay.withdrawals.see(told, body, self._open)
        self._standing = fold(
            self._standing, told.kind, told.v, body, told.at, told.happened_at, told.version,
            told.leaf_hash,
        )  # fmt: skip

    def _judge(self, told: Told, attempt: Attempt) -> None:
        prepared, kind, reason = None, "", ""
        try:
            prepared = self._replay.past.prepared(
                attempt.stated, attempt.occasion, attempt.message
            )
            kind, reason = _verdict(prepared, self._standing, attempt)
        except (InputError, Damaged) as error:
            kind, reason = "rule_refuses", f"statements named do not hold: {error}"
        if not kind and not self._replay.in_force.named_rightly(attempt, told.position):
            kind, reason = "rule_refuses", "statement_not_in_force"
        if kind:
            self._found.append((kind, told, attempt, reason))
        if prepared is not None and (twice := _double(prepared, self._standing, attempt)):
            self._found.append(("double", told, attempt, twice))
        self._outcomes[told.version] = ""
        purpose = prepared.message.purpose if prepared else ""
        self._open[told.version] = Open(told, attempt, purpose)

    def _close(self, told: Told, outcome: Outcome) -> None:
        what = told.kind.partition(".")[2]
        opened = self._open.get(outcome.attempt)
        self._outcomes[outcome.attempt] = what
        if opened is None:
            return
        replay = self._replay
        replay.near_misses += what == "cancelled"
        if what in ("delivered", "failed", "cancelled", "unknown"):
            replay.near_misses += replay.withdrawals.close(opened, what, told.at)
            del self._open[outcome.attempt]
        if what == "delivered" and told.at > opened.attempt.handover_by:
            late = told.at - opened.attempt.handover_by
            self._found.append(("late_handover", opened.told, opened.attempt, f"{late} ms late"))

    def end(self) -> None:
        """Count what this history came to."""
        replay = self._replay
        for opened in self._open.values():
            replay.near_misses += replay.withdrawals.close(
                opened, "", opened.attempt.handover_by
            )
        replay.deliveries += sum(what in _LEFT for what in self._outcomes.values())
        for kind, told, attempt, reason in self._found:
            replay.note(kind, told, attempt, reason)


class Replay:
    """One run over a journal; `person` for each history, then `result`."""

    def __init__(self, journal: Journal) -> None:
        """Replay *journal*."""
        self._journal = journal
        self.past, self.in_force = Past(journal), InForce(journal)
        self.withdrawals = Withdrawals()
        self.deliveries = self.near_misses = 0
        self._breaches: list[Breach] = []

    def person(self, history: Iterator[Told] | list[Told], slot: int) -> None:
        """Replay one history, oldest event first."""
        person = _Person(self, slot)
        for told in history:
            person.see(told)
        person.end()

    def note(self, kind: str, told: Told, attempt: Attempt, reason: str) -> None:
        """Put a breach on the list."""
        self._breaches.append(
            Breach(
                kind=kind,
                person=self._journal.pseudonym(told.slot),
                message=attempt.message,
                reason=reason,
                position=told.position,
                decided_at=attempt.decided_at,
            )
        )

    def result(self, erased: int, checkpoint: Signed) -> Audit:
        """What the run came to."""
        p50, p99, most = self.withdrawals.quantiles()
        return Audit(
            deliveries=self.deliveries,
            erased=erased,
            breaches=tuple(sorted(self._breaches, key=lambda one: (one.position, one.kind))),
            near_misses=self.near_misses,
            withdrawal_to_last_send_ms=Latency(p50=p50, p99=p99, max=most),
            checkpoint=checkpoint,
        )


def _verdict(prepared: Prepared, standing: Standing, attempt: Attempt) -> tuple[str, str]:
    """The breach in *attempt* that its own facts and history show, with its reason; or nothing."""
    if prepared.basis is Basis.CONSENT:
        state = consent_state(standing.wishes, prepared.ground, attempt.decided_at)
        if state is not ConsentState.GIVEN:
            return "no_consent", str(state)
    wrong = recheck(prepared, standing, attempt)
    if wrong:
        return "facts_differ", ", ".join(wrong)
    facts = restored(attempt.facts, prepared.compiled.rulebook.facts)
    decision = prepared.compiled.decide(facts, attempt.atoms)
    if decision.verdict is not Verdict.DELIVER:
        return "rule_refuses", decision.reason
    return "", ""


def _double(prepared: Prepared, standing: Standing, attempt: Attempt) -> str:
    same = [one for one in standing.sent if one.occasion == attempt.occasion]
    if any(one.message == attempt.message for one in same):
        return "sent_this_message"
    return "sent_in_occasion" if len(same) >= prepared.limit else ""


def check_tree(journal: Journal) -> Signed:
    """Hash every leaf anew and hold the root against the signed checkpoint; give it."""
    state, frontier = journal.state(), Frontier()
    leaves = [hash_leaf(leaf) for leaf in journal.leaves(state.size)]
    frontier.extend(leaves)
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    if (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root()):
        raise Damaged("journal's leaves do not make the root of its checkpoint: restore a backup")
    return Signed(size=state.size, root=checkpoint.root.hex())


def audit(journal: Journal, progress: Callable[[int, int], None] | None = None) -> Audit:
    """Replay every delivery there is; changes nothing.

    *progress* is told (events done, events). Raises `Damaged` when the journal contradicts itself.
    """
    signed, replay, done = check_tree(journal), Replay(journal), 0
    for slot, history in journal.histories(signed.size):
        replay.person(history, slot)
        done += len(history)
        if progress and done % 512 < len(history):
            progress(done, signed.size)
    if progress:
        progress(signed.size, signed.size)
    erased = [told.body for told in journal.brand_events("person.erased")]
    gone = sum(body.deliveries for body in erased if isinstance(body, ErasureDone))
    return replay.result(gone, signed)


def audit_person(journal: Journal, slot: int) -> Audit:
    """Replay the deliveries to one person (before they are erased)."""
    replay = Replay(journal)
    replay.person(journal.history(slot), slot)
    state = journal.state()
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    return replay.result(0, Signed(size=state.size, root=checkpoint.root.hex()))


def by_kind(breaches: tuple[Breach, ...]) -> Mapping[str, int]:
    """How many breaches there are of each kind."""
    counts: dict[str, int] = {}
    for breach in breaches:
        counts[breach.kind] = counts.get(breach.kind, 0) + 1
    return counts
