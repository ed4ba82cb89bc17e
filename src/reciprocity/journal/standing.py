"""What stands now for one person: a pure fold over their history.

`fold(nothing, e1, ..., en)` is all that any decision reads of a person. The cache in
`journal/cache.py` keeps the result; `reciprocity journal rebuild` makes it anew from the events
and must find the same.
"""

from hashlib import sha256
from typing import Final, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.state import Wishes
from reciprocity.events import Act, Attempt, Body, Held, Outcome
from reciprocity.model import ConsentState, Instant

__all__ = ["Sent", "Standing", "fold", "held_key", "next_change_at", "tombstone"]

WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 30 * DAY_MS
"""The windows in which caps count."""
NEVER: Final = 2**53
OUTCOMES: Final = {
    "delivery.cancelled": 0,
    "delivery.unknown": 1,
    "delivery.failed": 2,
    "delivery.delivered": 3,
    "delivery.bounced": 4,
    "delivery.complained": 5,
}
"""What may become of an attempt, and how much each news weighs."""
_RUNS_OUT: Final = frozenset({ConsentState.GIVEN, ConsentState.PENDING})


class Sent(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One attempt that still counts; *outcome* is empty until one is recorded.

    Attempts that were cancelled, or failed and may be tried anew, count for nothing and are
    dropped by the fold; the others leave when *counts_until* has passed.
    """

    version: int
    at: Instant
    message: str
    channel: str
    occasion: str
    counts_until: Instant
    handover_by: Instant
    basis: str = "consent"
    outcome: str = ""


class Standing(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What stands for one person at *version*, the number of their events.

    *head* is the chain over their leaf hashes: h_i = SHA-256(h_(i-1) || leaf_hash_i), where h_0
    is a secret of the person's (`leaf.chain_start`).
    *erased* is final: an erased person is exactly (slot, version, head, erased).
    """

    slot: int
    version: int = 0
    head: bytes = b""
    wishes: Wishes = Wishes()
    sent: tuple[Sent, ...] = ()
    held: dict[str, str] = msgspec.field(default_factory=dict)
    erased: bool = False


def fold(  # noqa: PLR0917  (called once for every event, by position throughout the journal)
    standing: Standing,
    kind: str,
    v: int,
    body: Body,
    at: Instant,
    happened_at: Instant,
    version: int,
    leaf_hash: bytes | None,
) -> Standing:
    """What stands after one more event, the *version*-th of this person, recorded at *at*.

    Total: any event on any standing gives a standing. One that is not recognised moves version
    and head and grants nothing. An erased standing stays as it is. Without *leaf_hash* the head
    is not followed: a replay, which looks at every leaf, has no use for it.
    """
    if standing.erased:
        return standing
    wishes, sent, held = standing.wishes, standing.sent, standing.held
    if v == 1:
        told = type(body)
        if told is Attempt:
            sent, held = _attempted(sent, held, cast("Attempt", body), at, version)
        elif told is Outcome:
            sent = _settled(sent, kind, cast("Outcome", body))
        elif told is Act:
            wishes = apply_act(wishes, kind, cast("Act", body), at, happened_at, version)
        elif told is Held:
            note = cast("Held", body)
            held = {**held, held_key(note.message, note.occasion): note.reason}
    return Standing(
        slot=standing.slot,
        version=version,
        head=sha256(standing.head + leaf_hash).digest() if leaf_hash else standing.head,
        wishes=wishes,
        sent=sent,
        held=held,
    )


def tombstone(standing: Standing) -> Standing:
    """All that stands of a person whose keys are destroyed: (slot, version, head, erased)."""
    return Standing(slot=standing.slot, version=standing.version, head=standing.head, erased=True)


def held_key(message: str, occasion: str) -> str:
    """The key under which a message held back in the outbox is noted."""
    return f"{message}@{occasion}"


def next_change_at(standing: Standing, after: Instant) -> Instant:
    """The next instant later than *after* at which a decision could change without an event.

    0 for never. A yes or a request runs out, a pause ends, an attempt leaves the windows of 7
    and 30 days or stops counting at all. What the brand file decides (a yes without a stated
    end, when a message closes) and the hours of the day are not seen here.
    """
    wishes, best = standing.wishes, NEVER
    for answer in wishes.answers.values():
        if after < answer.until < best and answer.state in _RUNS_OUT:
            best = answer.until
    for answer in wishes.requests.values():
        if after < answer.until < best:
            best = answer.until
    for until in wishes.pauses.values():
        if after < until < best:
            best = until
    for each in standing.sent:
        for until in (each.at + WEEK_MS, each.at + MONTH_MS, each.counts_until):
            if after < until < best:
                best = until
    return best if best < NEVER else 0


def _attempted(
    sent: tuple[Sent, ...], held: dict[str, str], body: Attempt, at: Instant, version: int
) -> tuple[tuple[Sent, ...], dict[str, str]]:
    new = Sent(
        version=version, at=at, message=body.message, channel=body.channel,
        occasion=body.occasion, counts_until=body.counts_until, handover_by=body.handover_by,
        basis=body.basis,
    )  # fmt: skip
    if held:
        held = held.copy()
        held.pop(held_key(body.message, body.occasion), None)
    return (*[each for each in sent if each.counts_until > at], new), held


def _settled(sent: tuple[Sent, ...], kind: str, body: Outcome) -> tuple[Sent, ...]:
    """Only an attempt that nothing is known of yet can come to count for nothing.

    Later news replaces earlier news only if it weighs more, so that a late "delivered" never
    hides a complaint.
    """
    weight = OUTCOMES.get(kind)
    if weight is None:
        return sent
    for place, each in enumerate(sent):
        if each.version == body.attempt:
            if not each.outcome and (
                kind == "delivery.cancelled" or (kind == "delivery.failed" and body.again)
            ):
                return sent[:place] + sent[place + 1 :]
            if each.outcome and OUTCOMES[f"delivery.{each.outcome}"] >= weight:
                return sent
            return (*sent[:place], replace(each, outcome=kind[9:]), *sent[place + 1 :])
    return sent
