"""Every delivery to one person and everything held back, with what each was about and became.

Their history is folded once, so that each is seen with the wishes that stood when it was decided:
a topic chosen since is no reason for what came before.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from reciprocity.consent.laws import DECLARED, OBSERVED
from reciprocity.consent.state import Wishes
from reciprocity.errors import InputError
from reciprocity.events import Attempt, Feedback, Held, Outcome
from reciprocity.journal.standing import OUTCOMES, Standing, fold, held_key
from reciprocity.listen.items import Items
from reciprocity.listen.messages import Messages, Spoken
from reciprocity.model import OBSERVE, Basis, Instant

if TYPE_CHECKING:
    from reciprocity.journal.leaf import Told

__all__ = ["Became", "Delivery", "Followed", "HeldBack", "Step"]


class Became(StrEnum):
    """What became of an attempt, by the weightiest news of it; `open` while there is none."""

    OPEN = "open"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to hand a message over, recorded at *position*, and what became of it.

    *records* are the positions of all that is recorded of it, the attempt first. *topics* are
    those of the message that the person had chosen then; *behaviours* are what its other topics
    were read off, looked at with a yes that stood then. A message that needs no consent was not
    sent because of either. *reason* is the code that came with the outcome, *useful* the person's
    newest word on it, if they said one.
    """

    position: int
    at: Instant
    message: Spoken
    basis: str
    became: Became
    reason: str = ""
    records: tuple[int, ...]
    topics: tuple[str, ...] = ()
    behaviours: tuple[str, ...] = ()
    useful: bool | None = None


class HeldBack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of a message that was held back in the outbox for *reason*.

    *until* is when it was to be decided anew, 0 if it was not to come at all. *came* is the
    position of the attempt by which it was delivered later, -1 if it was not, so far.
    """

    position: int
    at: Instant
    message: Spoken
    reason: str
    until: Instant = 0
    came: int = -1


class Step(NamedTuple):
    """One event, and what stood before and after it."""

    told: "Told"
    before: Standing
    after: Standing


class Followed:
    """One person's history, followed once: its steps, what was sent and what was held back.

    *sent* and *held* go by the version of the attempt, or of the note that it was held.
    """

    def __init__(self, history: Sequence["Told"], messages: Messages) -> None:
        """Follow *history*, all of it, as `Journal.history` gives it.

        *messages* are those of `Journal.statements`. Raises `InputError` for a person who is
        erased: nothing of theirs can be opened.
        """
        if not history:
            raise InputError("person is erased, or was never written of: there is nothing to tell")
        self.messages, self.items = messages, Items(messages.in_force)
        self.steps = _followed(history)
        self._outcomes: dict[int, list[tuple[Told, Outcome]]] = {}
        for told in history:
            if isinstance(told.body, Outcome) and told.kind in OUTCOMES and told.v == 1:
                self._outcomes.setdefault(told.body.attempt, []).append((told, told.body))
        self._words: dict[int, list[tuple[Told, Feedback]]] = {}
        for told in history:
            if isinstance(told.body, Feedback):
                self._words.setdefault(told.body.attempt, []).append((told, told.body))
        self.sent: dict[int, Delivery] = {}
        self.held: dict[int, HeldBack] = {}
        came: dict[str, int] = {}
        for step in reversed(self.steps):
            body = step.told.body
            if isinstance(body, Attempt):
                delivery = self.sent[step.told.version] = self._delivery(step, body)
                if delivery.became is Became.DELIVERED:
                    came[held_key(body.message, body.occasion)] = delivery.position
            elif isinstance(body, Held):
                later = came.get(held_key(body.message, body.occasion), -1)
                self.held[step.told.version] = self._held(step.told, body, later)

    def _delivery(self, step: Step, attempt: Attempt) -> Delivery:
        told, wishes = step.told, step.before.wishes
        news = self._outcomes.get(told.version, [])
        last = max(news, key=lambda each: OUTCOMES[each[0].kind], default=None)
        words = self._words.get(told.version, [])
        spoken = self.messages.sent(attempt, told.position)
        wanted = attempt.basis == Basis.CONSENT
        return Delivery(
            position=told.position,
            at=told.at,
            message=spoken,
            basis=attempt.basis,
            became=Became(last[0].kind.partition(".")[2]) if last else Became.OPEN,
            reason=last[1].reason if last else "",
            records=(told.position, *sorted(each.position for each, _ in (*news, *words))),
            topics=_chosen(wishes, spoken) if wanted else (),
            behaviours=self._observed(wishes, spoken, attempt.decided_at) if wanted else (),
            useful=words[-1][1].useful if words else None,
        )

    def _observed(self, wishes: Wishes, spoken: Spoken, at: Instant) -> tuple[str, ...]:
        sources = [
            level.source[len(OBSERVED) :]
            for topic in spoken.topics
            if (level := wishes.topics.get(topic)) is not None
            and level.level > 0
            and level.source.startswith(OBSERVED)
        ]
        return tuple(
            name for name in dict.fromkeys(sources) if self.items.given(wishes, name, OBSERVE, at)
        )

    def _held(self, told: "Told", held: Held, came: int) -> HeldBack:
        return HeldBack(
            position=told.position,
            at=told.at,
            message=self.messages.held(held, told.position),
            reason=held.reason,
            until=held.until,
            came=came,
        )


def _followed(history: Sequence["Told"]) -> list[Step]:
    standing, steps = Standing(slot=history[0].slot), []
    for told in history:
        after = fold(
            standing, told.kind, told.v, told.body, told.at, told.happened_at, told.version, None
        )
        steps.append(Step(told, standing, after))
        standing = after
    return steps


def _chosen(wishes: Wishes, spoken: Spoken) -> tuple[str, ...]:
    """The topics of the message that the person themselves had chosen."""
    return tuple(
        topic
        for topic in spoken.topics
        if (level := wishes.topics.get(topic)) is not None
        and level.level > 0
        and level.source == DECLARED
    )
