"""What a program may record of what a person said: one closed shape for each act, and its draft.

The drafts are those of the command line: a program can say for a person what an operator can, in
the operator's name, and nothing that only the person can say.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from reciprocity.collect.shown import notice_shown, waiting_for_proof
from reciprocity.consent.draft import (
    Drafted,
    Saying,
    confirm,
    grant,
    lift,
    object_to,
    refuse,
    request,
    withdraw,
)
from reciprocity.consent.prefer import Preferences, pause, prefer
from reciprocity.consent.state import Wishes
from reciprocity.errors import InputError
from reciprocity.events import Evidence
from reciprocity.model import ANYWHERE, EVERYTHING, Instant

__all__ = ["ActSaid", "Confirm", "Grant", "Lift",
    "NewPerson", "ObjectTo", "Pause", "Prefer", "Proof", "Refuse",
           "Withdraw", "drafts_of", "proved"]  # fmt: skip

Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,47}$(?!\n)")]
"""How or where something was said: a word of the brand's own, never anything about a person."""
MaybeWord = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]{0,47})?$(?!\n)")]
Names = Annotated[list[str], Meta(max_length=64)]
SomeNames = Annotated[list[str], Meta(min_length=1, max_length=64)]
_Text = Annotated[str, Meta(max_length=200)]
_Language = Annotated[str, Meta(max_length=35)]
_Cap = Annotated[int, Meta(ge=0, le=1_000_000)]
_Minute = Annotated[int, Meta(ge=0, le=1439)]


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the program knows: *when* (ms), *how*, and where the *text* they saw is kept."""

    when: Instant = 0
    how: MaybeWord = ""
    text: _Text = ""


class NewPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person by the id that the brand's other systems have, by addresses, or by both.

    *addresses* maps a channel to an address; *confirmed* says that the person proved to hold them.
    """

    method: Word
    external_id: Annotated[str, Meta(max_length=200)] = ""
    addresses: dict[str, Annotated[str, Meta(max_length=320)]] = field(default_factory=dict)
    confirmed: bool = False
    place: MaybeWord = ""


class _Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="act"):
    """How, and where, the person said it."""

    method: Word
    place: MaybeWord = ""
    evidence: Proof | None = None


class _Some(_Said, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """About some purposes, or behaviours, on some channels; about all, where none is named."""

    purposes: Names = field(default_factory=list)
    channels: Names = field(default_factory=list)


class Grant(_Said, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="grant"):
    """A yes to *purposes*, after the words of *notice* (a notice's or a proposition's id).

    A purpose that wants confirming waits for that, unless the address is *confirmed* to be theirs.
    """

    purposes: SomeNames
    channels: Names = field(default_factory=list)
    notice: _Text = ""
    notice_language: _Language = ""
    confirmed: bool = False


class Confirm(_Some, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="confirm"):
    """A yes that waited was confirmed."""


class Refuse(_Said, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="refuse"):
    """A no to what was asked, and to nothing else."""

    purposes: SomeNames
    channels: Names = field(default_factory=list)


class Withdraw(_Some, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="withdraw"):
    """A yes taken back, for the purposes and all below them."""


class ObjectTo(_Some, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="object"):
    """An objection to use (GDPR 21)."""


class Lift(_Some, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="lift"):
    """An objection taken back, unless the person made it themselves."""


class Pause(_Said, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="pause"):
    """Nothing before *until* (ms; 0 ends the pause), on some channels or on all."""

    until: Instant
    channels: Names = field(default_factory=list)


class Prefer(_Said, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="prefer"):
    """Topics from -2 to 2, caps per 7 and 30 days, quiet time, language, zone; the rest stays.

    *quiet* is the first minute and the first minute after of the person's day; *no_quiet* takes
    it back.
    """

    topics: dict[str, Annotated[int, Meta(ge=-2, le=2)]] = field(default_factory=dict)
    caps: dict[str, tuple[_Cap | None, _Cap | None]] = field(default_factory=dict)
    quiet: tuple[_Minute, _Minute] | None = None
    no_quiet: bool = False
    language: _Language = ""
    time_zone: _Text = ""


ActSaid = Grant | Confirm | Refuse | Withdraw | ObjectTo | Lift | Pause | Prefer


def drafts_of(said: ActSaid, saying: Saying, wishes: Wishes) -> Sequence[Drafted]:
    """The acts that *said* comes to under *wishes*: one, or for a yes that half waits two.

    Raises `InputError` that lists all that is wrong.
    """
    match said:
        case Grant():
            return _granted(said, saying, wishes)
        case Confirm():
            return [confirm(saying, wishes, said.purposes, said.channels)]
        case Refuse():
            return [refuse(saying, said.purposes, said.channels)]
        case Withdraw():
            return [withdraw(saying, wishes, said.purposes, said.channels)]
        case ObjectTo():
            purposes, channels = said.purposes or [EVERYTHING], said.channels or [ANYWHERE]
            return [object_to(saying, purposes, channels)]
        case Lift():
            return [lift(saying, wishes, said.purposes, said.channels)]
        case Pause():
            return [pause(saying, said.until, said.channels or [ANYWHERE])]
        case Prefer():
            return [prefer(saying, _preferences(said))]


def _granted(said: Grant, saying: Saying, wishes: Wishes) -> list[Drafted]:
    brand = saying.brand
    if said.notice:
        shown = notice_shown(brand, saying.laws, said.notice, said.notice_language, said.purposes)
        saying = replace(saying, **shown)
    elif said.notice_language:
        raise InputError("notice language is told without a notice: name the notice too")
    waits = () if said.confirmed else waiting_for_proof(brand, wishes, said.purposes)
    at_once = [name for name in said.purposes if name not in waits]
    drafts = [grant(saying, at_once, said.channels)] if at_once else []
    return drafts + ([request(saying, waits, said.channels)] if waits else [])


def _preferences(said: Prefer) -> Preferences:
    return Preferences(
        topics=said.topics,
        caps=dict(said.caps),
        quiet=said.quiet,
        quiet_unset=said.no_quiet,
        language=said.language,
        time_zone=said.time_zone,
    )


def proved(said: ActSaid) -> Evidence | None:
    """The evidence of *said*, as the journal keeps it."""
    told = said.evidence
    return None if told is None else Evidence(when=told.when, how=told.how, text=told.text)
