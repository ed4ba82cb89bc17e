"""What an audit came to, as it is published: counts alone, since the log is public for ever."""

from typing import Literal

from reciprocity.events.body import Body

__all__ = ["AuditPublished", "Counted", "Latency", "ScorecardPublished"]


class Latency(Body, kw_only=True, frozen=True, gc=False):
    """From a withdrawal to the last instant a message it covers may have gone, in ms."""

    p50: int
    p99: int
    max: int


class AuditPublished(Body, kw_only=True, frozen=True, gc=False):
    """The result of replaying all events below *size*: no person, message, slot or position.

    *deliveries*, *erased*, *breaches* and *near_misses* are totals over the whole log. An audit in
    mode `full` found them anew; one in mode `new` judged what was recorded from *since* on and
    carried the totals of the statement before it on. *withdrawals* and the delays are those of
    the period: of what came, or changed, from *since* on. *missed* counts the days without a
    statement since the one before.
    """

    number: int
    mode: Literal["full", "new"]
    since: int
    size: int
    root: str
    deliveries: int
    erased: int
    breaches: dict[str, int]
    near_misses: int
    withdrawals: int
    withdrawal_to_last_send_ms: Latency
    missed: int = 0


class ScorecardPublished(Body, kw_only=True, frozen=True, gc=False):
    """How the brand's promises stand over the log's first *size* events, and by which *rule*.

    *audit* is the position of the newest published audit, -1 for none. The other figures count the
    benefits promised to people whose yes stands: each in its last full period *kept*, not kept
    (*short*), not due because the person wanted less (*own_wish*), or in a first period that goes
    on (*running*).
    """

    number: int
    size: int
    rule: str
    audit: int
    kept: int
    short: int
    own_wish: int
    running: int


class Counted(Body, kw_only=True, frozen=True, gc=False):
    """What the last published audit, of the log's first *size* events, counted of one person.

    It stands in the statement of their erasure, so that the next audit can tell what is new in it.
    *breaches* says how many of the statement's breaches were found by then; *delays* are as they
    were then.
    """

    size: int
    deliveries: int = 0
    breaches: int = 0
    near_misses: int = 0
    delays: tuple[int, ...] = ()
