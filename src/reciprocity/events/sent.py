"""What was sent, with all that permitted it, what became of it, and what the person thought."""

from reciprocity.events.body import Body
from reciprocity.model import Id, Instant, Mask, Whole

__all__ = ["Attempt", "Feedback", "Held", "Outcome"]


class Attempt(Body, kw_only=True, frozen=True, gc=False):
    """A message is about to be handed over: all that permitted it, so that a replay can judge it.

    *stated* are the positions of the brand file, rulebook, law packs and campaign in force.
    *facts* are values in the order of that rulebook's facts (booleans as 0 and 1), true at
    *decided_at*. *point* and *consent* are versions of the person's own events (0: none needed).
    *content* is the first 22 characters of the base64url SHA-256 of the canonical JSON of the
    message's [subject, text, html]; the campaign statement that *stated* names holds them whole.
    *counts_until* is when the attempt stops mattering to any cap or limit.
    """

    message: Id
    purpose: Id
    channel: Id
    occasion: str
    content: str
    point: int
    consent: int
    stated: tuple[int, int, int, int]
    facts: tuple[Whole, ...]
    atoms: Mask = 0
    score: Whole = 0
    draw: int = 0
    basis: str = "consent"
    decided_at: Instant
    handover_by: Instant
    counts_until: Instant


class Outcome(Body, kw_only=True, frozen=True, gc=False):
    """What became of an attempt (named by its version); *again* says that it may be tried anew."""

    attempt: int
    reason: str = ""
    again: bool = False


class Feedback(Body, kw_only=True, frozen=True, gc=False):
    """What the person said of a message (its attempt's version); the newest word counts.

    It decides nothing: only what they say of topics, channels and purposes does. *method* and
    *place* are how and where it was said.
    """

    attempt: int
    useful: bool
    method: str
    place: str = ""


class Held(Body, kw_only=True, frozen=True, gc=False):
    """A message that reached the outbox was held back; noted once for each reason."""

    message: Id
    occasion: str
    reason: str
    until: Instant = 0
