"""What a person wishes, or what is said about them: one body, `Act`, and its parts."""

from typing import Annotated

from msgspec import Meta

from reciprocity.events.body import Body
from reciprocity.model import ConsentState, Id, Instant, Level, Minute, Place

__all__ = ["Act", "ConsentRow", "Evidence", "Objection", "PointSet", "Quiet", "TopicLevel"]


class Evidence(Body, kw_only=True, frozen=True, gc=False):
    """How an import knows of a yes: without *when*, *how* and *text* a grant is `unverified`."""

    when: Instant = 0
    how: str = ""
    text: str = ""


class ConsentRow(Body, kw_only=True, frozen=True, gc=False):
    """One person x purpose x channel answer; *purpose* may be a behaviour, on channel `observe`.

    *until* is the instant a yes ends, stated when it was given. *reason* says why this row is
    here: `asked`, `cascade:PURPOSE`, `import`, ...
    """

    purpose: Id
    channel: Id
    state: ConsentState
    until: Instant = 0
    reason: str = "asked"


class Objection(Body, kw_only=True, frozen=True, gc=False):
    """A GDPR 21 objection (*lifted* takes it back) to a purpose and those below it, or to `*`."""

    purpose: str
    channel: str = "*"
    lifted: bool = False


class TopicLevel(Body, kw_only=True, frozen=True, gc=False):
    """How much a person wants of a topic; *source* is `declared` or `observed:BEHAVIOUR`."""

    level: Level
    source: str = "declared"


class Quiet(Body, kw_only=True, frozen=True, gc=False):
    """The hours of the person's own day in which waiting beats sending (minutes, half-open)."""

    start: Minute
    end: Minute


class PointSet(Body, kw_only=True, frozen=True, gc=False):
    """A contact point came, was confirmed, bounced or left; its value is in the vault.

    *point* is the version of the event that brought it, 0 in that event itself. *commitment* is
    a keyed hash of the value. A new point retires the one before it on the same channel.
    *suppressed* says that its address is on the brand's suppression list.
    """

    channel: Id
    point: int = 0
    commitment: str = ""
    confirmed: bool = False
    bounced: bool = False
    suppressed: bool = False
    retired: bool = False


class Act(Body, kw_only=True, frozen=True, gc=False):
    """What one person, or someone for them, said in one go; every part is optional.

    *caps* maps a channel to the most per 7 and per 30 days (None: no wish). *pauses* maps a
    channel, or `*`, to the instant the pause ends (0 takes it back). *shared* lists, per purpose,
    all attributes now shared for it. *told* names the attributes told, corrected or taken back,
    and *profile* commits to all values that stand then.
    """

    actor: str
    method: str
    place: str = ""
    notice: str = ""
    notice_language: str = ""
    source: str = ""
    evidence: Evidence | None = None
    consent: tuple[ConsentRow, ...] = ()
    objections: tuple[Objection, ...] = ()
    topics: dict[Id, TopicLevel] | None = None
    caps: dict[Id, tuple[int | None, int | None]] | None = None
    quiet: Quiet | None = None
    quiet_unset: bool = False
    pauses: dict[Place, Instant] | None = None
    language: str = ""
    time_zone: str = ""
    points: tuple[PointSet, ...] = ()
    shared: dict[Id, tuple[Id, ...]] | None = None
    told: tuple[Id, ...] = ()
    profile: str = ""
    age_at_least: Annotated[int, Meta(ge=0, le=150)] = 0
    erase_at: Instant = 0
