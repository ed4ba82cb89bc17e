"""What a replay comes to, in figures that can be added: of people, of processes, of periods.

Every figure is a function of the events below a position. So what is new between two positions is
the difference of the two figures, and periods in a row add up to what one run over all of them
finds. A difference can be negative: an attempt without news counts as a delivery, and one that
comes back as failed the next day is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from reciprocity.events import ErasureDone, Latency
from reciprocity.journal.leaf import Told
from reciprocity.prove.whole import Signed

__all__ = ["Audit", "Breach", "Figures", "Seen", "added", "buried", "by_kind", "news", "result"]


class Breach(Struct, frozen=True, kw_only=True):
    """One delivery that should not have been: whose, which, and what was wrong with it."""

    kind: str
    person: str
    message: str
    reason: str
    position: int
    decided_at: int


class Audit(Struct, frozen=True, kw_only=True):
    """The result of a replay; *deliveries* are attempts that left or may have left.

    All figures are of what is new from position *since* on: see `prove/audit.py`.
    """

    deliveries: int
    erased: int
    breaches: tuple[Breach, ...]
    near_misses: int
    withdrawal_to_last_send_ms: Latency
    checkpoint: Signed
    since: int = 0
    withdrawals: int = 0


class Seen(NamedTuple):
    """What one person's history comes to up to some event; *delays* are one for each withdrawal."""

    deliveries: int = 0
    near_misses: int = 0
    delays: tuple[int, ...] = ()


class Figures(Struct, frozen=True, kw_only=True):
    """Figures that add up.

    *delays* holds the delay of each withdrawal that is new or whose delay changed, *revised* the
    delays that stood before for the latter: adding the ones and taking away the others gives what
    stands.
    """

    deliveries: int = 0
    erased: int = 0
    near_misses: int = 0
    breaches: tuple[Breach, ...] = ()
    delays: tuple[int, ...] = ()
    revised: tuple[int, ...] = ()


def news(before: Seen, after: Seen, breaches: Sequence[Breach] = (), *, erased: int = 0) -> Figures:
    """What is new in *after*, which goes on from *before*; *erased* deliveries moved there."""
    moved = [
        (old, new) for old, new in zip(before.delays, after.delays, strict=False) if old != new
    ]
    return Figures(
        deliveries=after.deliveries - before.deliveries,
        erased=erased,
        near_misses=after.near_misses - before.near_misses,
        breaches=tuple(breaches),
        delays=(*(new for _, new in moved), *after.delays[len(before.delays) :]),
        revised=tuple(old for old, _ in moved),
    )


def buried(told: Told, body: ErasureDone, since: int) -> Figures:
    """What the erasure *told* adds for who counted the first *since* events before."""
    counted = body.counted if since else None
    before = Seen(counted.deliveries, counted.near_misses, counted.delays) if counted else Seen()
    known = counted.breaches if counted else 0
    return news(
        before,
        Seen(0, body.near_misses, body.delays),
        [_buried(kind, told) for kind in body.breaches[known:]],
        erased=body.deliveries,
    )


def _buried(kind: str, told: Told) -> Breach:
    reason = "person erased since"
    return Breach(
        kind=kind, person="", message="", reason=reason, position=told.position, decided_at=told.at
    )


def added(parts: Iterable[Figures]) -> Figures:
    """The sum of *parts*, lists in their order."""
    every = list(parts)
    return Figures(
        deliveries=sum(each.deliveries for each in every),
        erased=sum(each.erased for each in every),
        near_misses=sum(each.near_misses for each in every),
        breaches=tuple(one for each in every for one in each.breaches),
        delays=tuple(one for each in every for one in each.delays),
        revised=tuple(one for each in every for one in each.revised),
    )


def result(figures: Figures, checkpoint: Signed, since: int = 0) -> Audit:
    """The audit that *figures* of all events from *since* on make, under *checkpoint*."""
    return Audit(
        deliveries=figures.deliveries,
        erased=figures.erased,
        breaches=tuple(sorted(figures.breaches, key=lambda one: (one.position, one.kind))),
        near_misses=figures.near_misses,
        withdrawal_to_last_send_ms=_latency(figures.delays),
        checkpoint=checkpoint,
        since=since,
        withdrawals=len(figures.delays) - len(figures.revised),
    )


def _latency(found: Sequence[int]) -> Latency:
    """The 50th and 99th percentile (nearest rank) and the largest of *found*, in ms."""
    delays = sorted(found)
    if not delays:
        return Latency(p50=0, p99=0, max=0)
    last = len(delays) - 1
    return Latency(
        p50=delays[last // 2], p99=delays[-(-99 * len(delays) // 100) - 1], max=delays[last]
    )


def by_kind(breaches: Iterable[Breach]) -> Mapping[str, int]:
    """How many breaches there are of each kind.

    >>> by_kind([])
    {}
    """
    counts: dict[str, int] = {}
    for breach in breaches:
        counts[breach.kind] = counts.get(breach.kind, 0) + 1
    return counts
