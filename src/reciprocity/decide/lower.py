"""Lower: a message's rules with all folded in that the message settles, over columns of a person.

What is left of a rulebook for one message is a chain of conditions; each fact in them is a column,
or made of a few. Python (`fused`) and SQL (`many`) are printed from these chains, so that both ask
the same.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reciprocity.decide.columns import Column
from reciprocity.decide.facts import BASIS_CODES
from reciprocity.decide.fold import folded
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.tree import All, Always, Compare, Node, Not, Some

__all__ = ["Audience", "Every", "Lowered", "Lowest", "Step", "Value", "Weighted", "lower"]


class Weighted(NamedTuple):
    """The sum of weight times column."""

    parts: tuple[tuple[int, Column], ...]


class Lowest(NamedTuple):
    """The lowest of some columns and 0."""

    columns: tuple[Column, ...]


class Every(NamedTuple):
    """Are all of some columns true?"""

    columns: tuple[Column, ...]


class Audience(NamedTuple):
    """Does the condition *node*, over atoms, hold, and are all *known* attributes known?"""

    node: Node
    known: tuple[Column, ...]


Value = int | Column | Weighted | Lowest | Every | Audience
"""What a fact is for one message: settled, or to be read of each person."""


class Step(NamedTuple):
    """One rule that may stop the message: *number* in the rulebook, its reason and condition.

    *until* names the fact with the instant to wait for; empty for a rule that refuses.
    """

    number: int
    reason: str
    node: Node
    until: str


class Lowered(NamedTuple):
    """One message: what its facts are, and the steps that are left, the first that holds decides.

    If none does, it is delivered. Beside the published facts there is a `level of TOPIC` for each
    topic of the message and each above one.
    """

    prepared: Prepared
    facts: Mapping[str, Value]
    steps: tuple[Step, ...]

    @property
    def score(self) -> Value:
        """What the choice ranks the message by."""
        return self.facts["topic_score"]


_ATTEMPTS: Final = ("message_attempts", "occasion_attempts")


def lower(prepared: Prepared, at: int, *, attempts: bool) -> Lowered:
    """*prepared* for all people who are known and not erased, as long as it is open as at *at*.

    With *attempts* what was attempted for the occasion is a column of each person's; without, it is
    settled that nothing was.
    """
    facts = _facts(prepared, at)
    for name in _ATTEMPTS:
        message = f"/{prepared.message_id}" if name == _ATTEMPTS[0] else ""
        facts[name] = Column(name, prepared.occasion + message) if attempts else 0
    topics = {f"level of {name}": Column("topic_score", name) for name, _ in prepared.topics}
    facts |= topics
    settled = {name: value for name, value in facts.items() if isinstance(value, int)}
    steps = []
    for number, (line, node) in enumerate(prepared.compiled.rules):
        if prepared.basis not in line.bases:
            continue
        left = folded(_each_level(node, tuple(topics)), settled)
        if left != Always(value=False):
            steps.append(Step(number, line.reason, left, line.until))
    return Lowered(prepared, facts, tuple(steps))


def _facts(prepared: Prepared, at: int) -> dict[str, Value]:
    channel, ground = prepared.message.channel, prepared.ground.key
    purpose = prepared.message.purpose
    shared = tuple(
        Column("attributes_shared", f"{purpose}/{one}") for one in sorted(prepared.named)
    )
    known = tuple(Column("attributes_known", one.name) for one in prepared.attributes)
    topics = tuple((weight, Column("topic_score", name)) for name, weight in prepared.topics)
    of_channel = (
        "point_active", "point_confirmed", "point_bounced", "point_suppressed", "pause_active",
        "pause_until", "cap_7_used", "cap_7_most", "cap_30_used", "cap_30_most", "cap_free_at",
        "quiet_from", "quiet_until", "quiet_ends_at",
    )  # fmt: skip
    own = ("person_erased", "stated_age", "zone_offset", "minute_of_day")
    return {
        **{name: Column(name, channel) for name in of_channel},
        **{name: Column(name) for name in own},
        **{name: Column(name, ground) for name in ("objected", "consent_state")},
        "person_known": True,
        "basis": BASIS_CODES[prepared.basis],
        "minimum_age": prepared.minimum_age,
        "law_allows": prepared.law_allows,
        "attributes_shared": Every(shared) if shared else True,
        "attributes_known": Every(known) if known else True,
        "topics_named": bool(topics),
        "topic_lowest": Lowest(tuple(column for _, column in topics)) if topics else 0,
        "topic_score": _weighted(topics),
        "in_audience": _audience(prepared, known),
        "occasion_limit": prepared.limit,
        "message_open": prepared.opens <= at < prepared.closes,
        "message_closes": prepared.closes,
    }


def _weighted(topics: tuple[tuple[int, Column], ...]) -> Value:
    parts = tuple((weight, column) for weight, column in topics if weight)
    return Weighted(parts) if parts else 0


def _audience(prepared: Prepared, known: tuple[Column, ...]) -> Value:
    node = folded(prepared.audience_read, {})
    if isinstance(node, Always):
        return (Every(known) if known else True) if node.value else False
    return Audience(node, known)


def _each_level(node: Node, levels: tuple[str, ...]) -> Node:
    """*node* where a lowest level below 0 is asked for as any of *levels* below it: no minimum."""
    match node:
        case Compare("topic_lowest", "<", int(bound)) if bound <= 0 and levels:
            return _any([Compare(name, "<", bound) for name in levels])
        case Not(part):
            return Not(_each_level(part, levels))
        case All(parts):
            return All(tuple(_each_level(part, levels) for part in parts))
        case Some(parts):
            return Some(tuple(_each_level(part, levels) for part in parts))
        case _:
            return node


def _any(parts: list[Compare]) -> Node:
    return Some(tuple(parts)) if len(parts) > 1 else parts[0]
