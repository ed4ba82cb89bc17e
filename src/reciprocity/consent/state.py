"""What a person wishes, as it stands after some prefix of their history: plain records.

Answers and objections are keyed `purpose/channel`. Whatever is absent is the strict reading:
never asked, no topic wanted, no point to reach. Encoded, the records are arrays: that halves the
cache of standings and the time to read it.
"""

import msgspec
from msgspec import Struct

from reciprocity.events import Quiet, TopicLevel
from reciprocity.model import ConsentState, Instant

__all__ = ["Answer", "Point", "Wishes"]


class Answer(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The last word on one purpose x channel, and where it was said.

    *version* is the event that said it; *at* when it was said at the source; *until* when a yes
    ends. *own* tells a word of the person (or of an operator acting for them) from an imported
    one. A `pending` answer also lives until *until*.
    """

    state: ConsentState
    version: int
    at: Instant
    until: Instant = 0
    own: bool = True
    notice: str = ""
    reason: str = "asked"


class Point(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The one active contact point of a channel; *version* names it and the event it came with."""

    version: int
    confirmed: bool = False
    bounced: bool = False
    suppressed: bool = False


class Wishes(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """All that one person has said, or had said of them, that still matters to a decision.

    *requests* are yeses that wait to be confirmed beside an answer, which they do not change;
    where there is no answer, the `pending` one stands in *answers*.
    *objections* maps `purpose/channel` (either may be `*`) to (version, made by the person).
    *caps* are (per 7 days, per 30 days), None for no wish. *shared* lists attributes by purpose.
    """

    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    requests: dict[str, Answer] = msgspec.field(default_factory=dict)
    objections: dict[str, tuple[int, bool]] = msgspec.field(default_factory=dict)
    topics: dict[str, TopicLevel] = msgspec.field(default_factory=dict)
    caps: dict[str, tuple[int | None, int | None]] = msgspec.field(default_factory=dict)
    pauses: dict[str, Instant] = msgspec.field(default_factory=dict)
    points: dict[str, Point] = msgspec.field(default_factory=dict)
    shared: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    quiet: Quiet | None = None
    language: str = ""
    time_zone: str = ""
    age_at_least: int = 0
    erase_at: Instant = 0
